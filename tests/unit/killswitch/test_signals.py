"""Technical signals warn, each by its policy; quantiles are those of Prometheus."""

import pytest

from antifraud.errors import SettingsError
from antifraud.killswitch.alarms import AlarmName
from antifraud.killswitch.hysteresis import Band, Latch
from antifraud.killswitch.machine import Level
from antifraud.killswitch.signals import Policy, Signal, SignalName, parse_policies, quantile, read_signals
from antifraud.settings.serving import GuardSettings, ScorerSettings

AT_ONCE = Band(0.7, 0.6, begin_after=0, end_after=0)


def test_only_an_unreadable_release_suspends_by_default():
    """All others warn."""
    policies = parse_policies("")

    assert {name for name, policy in policies.items() if policy is Policy.SUSPEND} == {SignalName.RELEASE_UNREADABLE}
    assert {name for name, policy in policies.items() if policy is Policy.OFF} == set()


@pytest.mark.parametrize("name", [name for name in SignalName if name is not SignalName.GUARD_SILENT])
@pytest.mark.parametrize("policy", list(Policy))
def test_each_policy_can_be_set(name, policy):
    """The setting changes the named signal and no other."""
    changed = GuardSettings(signal_policies=f" {name} = {policy} ").policies

    assert changed == {**parse_policies(""), name: policy}


@pytest.mark.parametrize("text", ["p99", "p99=loud", "p100=off", "p99=off;error_share=off", "=off"])
def test_a_text_that_is_no_policy_is_refused_by_scorer_and_guard(text):
    """The message lists what is expected, and does not repeat the value."""
    for settings in (GuardSettings, ScorerSettings):
        with pytest.raises(SettingsError, match=r"expected name=policy.*error_share.*suspend"):
            settings(signal_policies=text)


def test_a_silent_guard_cannot_suspend():
    """The guard is the only one who could do it."""
    with pytest.raises(SettingsError, match="which only the guard could do"):
        parse_policies("guard_silent=suspend")
    assert parse_policies("guard_silent=off")[SignalName.GUARD_SILENT] is Policy.OFF


def test_a_reading_says_what_is_wrong_and_whether_it_suspends():
    """The sentence has the value and the limit; the policy decides about the alarm."""
    words = "{value:.0%} is used, above {limit:.0%}"
    signals = [
        Signal(SignalName.STORE_FILL, AT_ONCE, Policy.WARN, words),
        Signal(SignalName.ERROR_SHARE, AT_ONCE, Policy.SUSPEND, words),
        Signal(SignalName.P99, AT_ONCE, Policy.WARN, words),
    ]
    values = {SignalName.STORE_FILL: 0.8, SignalName.ERROR_SHARE: 0.9}

    fill, errors, p99 = read_signals(signals, values, {SignalName.P99: Latch(raised=True)}, now=60)

    assert (fill.latch.raised, fill.trips, fill.signal.alarm) == (True, False, Level.WARN)
    assert (errors.latch.raised, errors.trips, errors.signal.alarm) == (True, True, Level.PAGE)
    assert (p99.value, p99.latch.raised) == (None, True)
    assert fill.describe() == "80% is used, above 70%"


def test_a_quantile_lies_between_the_bounds_of_its_count():
    """Within a count values are spread evenly; those above all bounds are known to be that large only."""
    bounds = (0.01, 0.1, 1.0)

    assert quantile([90, 5, 5, 0], bounds, 0.9) == pytest.approx(0.01)
    assert quantile([90, 5, 5, 0], bounds, 0.95) == pytest.approx(0.1)
    assert quantile([90, 5, 5, 0], bounds, 0.99) == pytest.approx(0.1 + 0.9 * 0.8)
    assert quantile([0, 0, 0, 7], bounds, 0.99) == 1.0
    assert quantile([0, 0, 0, 0], bounds, 0.99) is None
    assert quantile([], bounds, 0.99) is None


def test_a_warning_of_the_evidence_can_be_off_and_never_suspends():
    """Evidence suspends by the tests of its detectors alone."""
    assert parse_policies("terminal_bets=off")[AlarmName.TERMINAL_BETS] is Policy.OFF
    with pytest.raises(SettingsError, match="lets loss_budget suspend the service, but evidence does that only by"):
        parse_policies("loss_budget=suspend")
