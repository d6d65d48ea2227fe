"""The definition of the features as a loop over plain rows, without a bucket, a sum or a stored change.

`Rows` holds what the scorer has been told. Every input is a filter over these lists.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from antifraud.features.reference import Inputs

HOUR, DAY = 3_600, 86_400


class Row(NamedTuple):
    """A transaction."""

    number: int
    time: int
    customer: str
    terminal: str
    amount: int


class Said(NamedTuple):
    """A label of the transaction with this number."""

    number: int
    learned_at: int
    status: str


@dataclass
class Rows:
    """The feed up to the cut-off with its labels, and rows from clients as they arrived; a scorer knows these."""

    label_delay_days: int
    feed: list[Row]
    feed_labels: list[Said]
    cutoff: int
    arrived: list[Row] = field(default_factory=list)
    posted: list[Said] = field(default_factory=list)

    def inputs(self, row):
        """Everything that the formulas start from, without what is not known."""
        found = Inputs(time=row.time, amount=row.amount)
        for entity in ("customer", "terminal"):
            for days in (1, 7, 30):
                window = self._window(entity, getattr(row, entity), row.time, days)
                if window is not None:
                    found.update({f"{entity}_{days}d_{name}": value for name, value in window.items()})
        found.update({f"terminal_{name}": value for name, value in self._risk(row.terminal, row.time).items()})
        return found

    def _window(self, entity, name, time, days):
        hour, today = time // HOUR, time // DAY
        first = hour - 24 if days == 1 else (today - days) * 24
        closed = [
            r for r in self.feed if getattr(r, entity) == name and self.cutoff - 30 < r.time // DAY <= self.cutoff
        ]
        if today <= self.cutoff:
            to_the_hour = range(first // 24, today + 1) if days == 1 else [today]
            summed_up = {r.time // DAY for r in closed} - {self.cutoff}
            if first // 24 <= self.cutoff - 30 or summed_up.intersection(to_the_hour):
                return None
        live = [r for r in self.arrived if getattr(r, entity) == name and r.time // DAY > self.cutoff]
        inside = [r for r in closed + live if first <= r.time // HOUR <= hour]
        this_hour = [r.time for r in inside if r.time // HOUR == hour]
        times = [r.time for r in inside if r.time // HOUR < hour] + (
            this_hour if max(this_hour, default=0) <= time else []
        )
        return {
            "tx_count": len(inside),
            "amount_sum": sum(r.amount for r in inside),
            "amount_sum_sq": sum(r.amount * r.amount for r in inside),
            "amount_max": max((r.amount for r in inside), default=0),
            "last_time": max(times, default=-1),
        }

    def _risk(self, terminal, time):
        hour, today = time // HOUR, time // DAY
        if today <= self.cutoff:
            return {}
        runs = [self._runs(row, hour) for row in self._labelled_rows(terminal)]
        present = [run[-1] for run in runs if run and run[-1][1] != "unknown"]
        found = {}
        for days in (1, 7, 30):
            first = hour - 24 if days == 1 else (today - days) * 24
            statuses = [status for _, status, place in present if place >= first]
            found |= {f"known_{days}d": len(statuses), f"fraud_{days}d": statuses.count("fraud")}
        first = (today - 30) * 24
        in_time = [(at, status) for run in runs for at, status, place in run if at == place and at >= first]
        legit = max((at for at, status in in_time if status == "legitimate"), default=None)
        streak = [at for at, status in in_time if status == "fraud" and (legit is None or at > legit)]
        return found | {
            "streak_fraud": len(streak),
            "streak_age": hour - min(streak) if streak else 0,
            "legit_age": 0 if legit is None else hour - legit,
        }

    def _labelled_rows(self, terminal):
        rows = {r.number: r for r in self.arrived} | {r.number: r for r in self.feed if r.time // DAY <= self.cutoff}
        return [r for r in rows.values() if r.terminal == terminal]

    def _runs(self, row, hour):
        """The hour, the status and the place of every change of a transaction's label that counts in `hour`."""
        due = row.time // HOUR + 24 * self.label_delay_days
        if hour <= due:
            said = [s for s in self.posted if s.number == row.number]
        else:  # the state brings what the feed has told up to the second day after the cut-off
            said = [s for s in self.feed_labels if s.number == row.number and row.time // DAY <= self.cutoff]
            said = [s for s in said if s.learned_at // DAY <= self.cutoff + 2]
        runs, before = [], "unknown"
        for at in sorted({s.learned_at // HOUR for s in said if s.learned_at // HOUR < hour}):
            in_this_hour = sorted((s for s in said if s.learned_at // HOUR == at), key=lambda s: s.learned_at)
            status = in_this_hour[-1].status
            if status != before:
                runs.append((at, status, min(at, due)))
                before = status
        return runs
