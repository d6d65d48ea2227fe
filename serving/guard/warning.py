"""The alarms of the evidence: what the guard warns of, in the switch, although nothing trips."""

import json
from typing import Final

from antifraud.clock import day_of
from antifraud.killswitch.alarms import (
    Alarm,
    AlarmName,
    describe_alarms,
    raise_alarms,
    steady,
    watch_coverage,
    watch_harmless,
    watch_late_labels,
)
from antifraud.killswitch.coverage import Coverage
from antifraud.killswitch.running import month_of, watch_flagged, watch_month
from antifraud.killswitch.signals import Policy
from antifraud.settings.serving import GuardSettings
from serving.guard.known import Known, find_serving
from serving.guard.losing import known_shares, missed_by_day
from serving.guard.terminals import TERMINALS
from serving.store.minutes import MINUTE_SECONDS
from serving.store.port import Inspection
from serving.store.signals import ALARMS

RECENT_DAYS: Final = 28
"""Closed days that coverage and late labels are about."""


def make_warning(known: Known, settings: GuardSettings, now: int) -> Inspection | None:
    """Return the change of the warnings that the evidence asks for; None if they stay as they are."""
    policies = settings.policies
    alarms = [each for each in find_alarms(known, settings, now) if policies[each.name] is not Policy.OFF]
    warn = raise_alarms(known.switch, alarms, now)
    described = json.dumps(describe_alarms(alarms, (warn or known.switch).warnings)).encode()
    if warn is None and described == known.reports.get(ALARMS):
        return None
    return Inspection(known.closed, warn=warn, alarms=described)


def find_alarms(known: Known, settings: GuardSettings, now: int) -> list[Alarm]:
    """Return all alarms of the evidence, raised or not."""
    serving = find_serving(known, settings)
    closed = [each for each in known.cohorts if known.closed - RECENT_DAYS < each.timely.day <= known.closed]
    month = month_of(missed_by_day(known.cohorts), day_of(now))
    return [
        watch_coverage(Coverage.of(each.latest for each in closed)),
        watch_late_labels((each.timely, each.latest) for each in closed),
        *watch_harmless(known.evidence, known.eras, serving, known.answered),
        _watch_terminals(known),
        *watch_month(month, known_shares(serving, settings), settings.loss_limit_minor),
        watch_flagged(known.minutes, now // MINUTE_SECONDS, settings.fpr_limit, settings.warn_fraud_share),
    ]


def _watch_terminals(known: Known) -> Alarm:
    # The bets of an era that has tripped are no news; their warning stands until a day of the present era has closed.
    said = next((known.evidence[key] for key in sorted(known.evidence, reverse=True) if key[1] == TERMINALS), None)
    found = ["the honest payments of many terminals are flagged above the limit"] if said and said["warns"] else []
    return steady(AlarmName.TERMINAL_BETS, found, found if said and said["epoch"] == known.eras.present else [])
