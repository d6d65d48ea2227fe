"""The definitions of windows and labels by plain filters over rows, as slow and as simple as possible.

Nothing here uses code of the features: mistakes would agree with each other.
"""

from itertools import takewhile

HOUR = 3_600
DAY = 86_400
NEVER = -1


def first_hours(time):
    """Return the first hour of the windows of 1, 7 and 30 days of an event at `time`, by days."""
    today = time // DAY
    return {1: time // HOUR - 24, 7: (today - 7) * 24, 30: (today - 30) * 24}


def window(rows, time, days):
    """Return count, sum, sum of squares, largest amount and last time of a window, from rows of time and amount."""
    kept = [(at, amount) for at, amount in rows if first_hours(time)[days] <= at // HOUR <= time // HOUR]
    own_hour = [at for at, _ in kept if at // HOUR == time // HOUR]
    # An hour has one last time only. If that is later than the event, the hour says nothing about times before it.
    usable = [at for at, _ in kept if at not in own_hour or max(own_hour) <= time]
    amounts = [amount for _, amount in kept]
    squares = [amount * amount for amount in amounts]
    return len(kept), sum(amounts), sum(squares), max(amounts, default=0), max(usable, default=NEVER)


def counts(changes, time):
    """Return whether a payment counts for an event at `time`: the last change received before its second says so.

    A change is the time of receipt, and ``removed`` or ``restored``.
    """
    heard = [effect for received_at, effect in changes if received_at < time]
    return not heard or heard[-1] == "restored"


def counts_when_closed(changes):
    """Return whether a payment counts once its day is closed."""
    return not changes or changes[-1][1] == "restored"


def is_known(rows, cutoff, time, days):
    """Return whether closed days up to `cutoff`, and hours from the cut-off day on, can tell the window of an event."""
    today, first_day = time // DAY, first_hours(time)[days] // 24
    if today > cutoff:
        return True
    if any(at // HOUR == time // HOUR for at, _ in rows if at // DAY <= cutoff):
        return False  # one of these rows may be the event itself
    needed_by_hour = [first_day, today] if days == 1 else [today]
    closed = {at // DAY for at, _ in rows if at // DAY < cutoff}
    return first_day > cutoff - 30 and not closed & set(needed_by_hour)


def risk(transactions, time, label_delay_days):
    """Return the fields of `Risk` for an event at `time`.

    A transaction is a pair: its time, and its labels in the order in which they hold (`learned_at` and status).
    """
    first, hour = first_hours(time), time // HOUR
    histories = [(entries_before(said, hour), at // HOUR + label_delay_days * 24) for at, said in transactions]
    now = [present(entries, due) for entries, due in histories if entries]
    counts = []
    for days in (1, 7, 30):
        seen = [status for status, place in now if status != "unknown" and place >= first[days]]
        counts += [len(seen), seen.count("fraud")]
    return (*counts, *streak([each for entries, due in histories for each in in_time(entries, due)], hour, first[30]))


def entries_before(said, hour):
    """Return the labels learnt before `hour`, as hour and status: the last one of each hour."""
    learnt = [(at // HOUR, status) for at, status in said if at // HOUR < hour]
    return [each for i, each in enumerate(learnt) if all(each[0] != later for later, _ in learnt[i + 1 :])]


def present(entries, due):
    """Return the last status and the hour from which it has held without a break, at most `due`."""
    status = entries[-1][1]
    held = list(takewhile(lambda entry: entry[1] == status, reversed(entries)))
    return status, min(held[-1][0], due)


def in_time(entries, due):
    """Return the labels that say something new until `due`."""
    before = ["unknown", *(status for _, status in entries)]
    return [(hour, now) for (hour, now), old in zip(entries, before, strict=False) if old != now and hour <= due]


def streak(news, hour, first):
    """Return the frauds learnt after the last legitimate label, hours since the first of them, and since that label."""
    recent = [(at, status) for at, status in news if at >= first]
    legit = [at for at, status in recent if status == "legitimate"]
    frauds = [at for at, status in recent if status == "fraud" and (not legit or at > max(legit))]
    return len(frauds), hour - min(frauds) if frauds else 0, hour - max(legit) if legit else 0


def before_event(transactions, time):
    """Return the transactions with only those labels that were learnt before the hour of `time`."""
    return [
        (at, [(learnt, status) for learnt, status in said if learnt // HOUR < time // HOUR])
        for at, said in transactions
    ]
