"""A standing judgement of three releases, of which two pass, for the tests of everything that reads one."""

import datetime as dt

from antifraud.clock import DAY_SECONDS, day_number
from antifraud.killswitch.judgement import Judged, Judgement, Outcome, Role, Standing, Terms

AS_OF = dt.date(2026, 4, 10)
MADE_AT = (day_number(AS_OF) + 1) * DAY_SECONDS
GOOD = Outcome(
    verdict=Standing.PASS,
    sentence="It meets both limits.",
    first=dt.date(2026, 3, 20),
    last=dt.date(2026, 4, 3),
    days=15,
    rows=140_000,
    fpr_bound=0.0461,
    missed_minor=31_000_000.0,
)
BAD = Outcome(verdict=Standing.FAIL, sentence="The rate is at most 7.1%, the limit is 5.0%.", fpr_bound=0.071)
UNKNOWN = Outcome(verdict=Standing.NOT_JUDGEABLE, sentence="Its bundle does not verify.")


def judged(release, trained, long=GOOD, onset=GOOD, role=Role.LADDER):
    """Return a judged release; its days are those of `GOOD`."""
    return Judged.of_tests(release, role, trained, long, onset)


def judgement(*releases, made_at=MADE_AT):
    """Return a judgement of releases; by default the champion fails, and two releases of the ladder pass."""
    found = releases or (
        judged("r3", dt.date(2026, 4, 9), onset=BAD, role=Role.CHAMPION),
        judged("r2", dt.date(2026, 3, 26)),
        judged("r1", dt.date(2026, 3, 12), role=Role.ANCHOR),
    )
    terms = Terms(fpr_limit=0.05, loss_limit_minor=50_000_000, delta=0.0025, onset_delta=0.05)
    return Judgement(made_at=made_at, as_of_day=AS_OF, switch_epoch=7, terms=terms, releases=found)
