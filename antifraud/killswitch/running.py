"""The alarms about what is going on now: missed fraud of the running month, and what the last minutes flagged."""

from collections.abc import Mapping, Sequence

from antifraud.figures import rub, share_text
from antifraud.killswitch.alarms import EASIER, LEVELS, Alarm, AlarmName
from antifraud.killswitch.detectors.flagged_share import PERIODS, Minute, highest_share, watch_share
from antifraud.killswitch.detectors.loss import (
    BURNING,
    MONTH_DAYS,
    MissedDay,
    burn_rate,
    known_days,
    running_loss,
    watch_budget,
    watch_burn,
)


def month_of(missed: Mapping[int, float], today: int) -> list[MissedDay]:
    """Return the last 30 days, from the first day that is known on; `missed` is the amount by day with decisions.

    >>> month_of({4: 10.0, 6: 0.0}, today=6)
    [MissedDay(age=2, missed=10.0), MissedDay(age=1, missed=0.0), MissedDay(age=0, missed=0.0)]
    """
    first = max(min(missed, default=today), today - MONTH_DAYS + 1)
    return [MissedDay(today - day, missed.get(day, 0.0)) for day in range(first, today + 1)]


def watch_month(days: Sequence[MissedDay], known_share: Sequence[float], budget: float) -> list[Alarm]:
    """Return the alarms about the budget of a month (minor units), and about how fast it is used up."""
    month, limits = running_loss(days, known_share), (budget, budget * EASIER)
    begins, stays = (LEVELS[watch_budget(days, known_share, limit)] for limit in limits)
    words = (
        f"{rub(month.known)} of missed fraud are known for the last {MONTH_DAYS} days, {rub(month.expected)} are "
        f"expected once all labels have come, and the budget is {rub(budget)}"
    )
    return [
        Alarm(AlarmName.LOSS_BUDGET, begins, stays, words, month.expected / budget),
        _watch_burn(days, known_share, budget),
    ]


def _watch_burn(days: Sequence[MissedDay], known_share: Sequence[float], budget: float) -> Alarm:
    begins, stays = (LEVELS[watch_burn(days, known_share, limit)] for limit in (budget, budget * EASIER))
    length = BURNING[0][2]
    rate = burn_rate(known_days(days, known_share)[:length], known_share, budget)
    words = (
        f"missed fraud of the last {length} days that are known uses the month's budget of {rub(budget)} up "
        f"{rate:.1f} times too fast"
    )
    return Alarm(AlarmName.BURN_RATE, begins, stays, words, rate)


def watch_flagged(minutes: Mapping[int, Minute], minute: int, limit: float, fraud_share: float) -> Alarm:
    """Return the alarm about the flagged share of the minutes before `minute`; counted minutes are given by number."""
    last = [minutes.get(each, Minute()) for each in range(minute - max(PERIODS), minute)]
    highest = highest_share(limit, fraud_share)
    begins, stays = (LEVELS[watch_share(last, share)] for share in (highest, highest * EASIER))
    recent = last[-min(PERIODS) :]
    decided, flagged = sum(each.decided for each in recent), sum(each.flagged for each in recent)
    share = flagged / decided if decided else None
    words = (
        f"{flagged} of {decided} decisions of the last {len(recent)} minutes were flagged, one customer or terminal "
        f"counting a few times at most; rate and fraud explain {share_text(highest)}"
    )
    return Alarm(AlarmName.FLAGGED_SHARE, begins, stays, words, share)
