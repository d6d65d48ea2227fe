"""The ruling on a transaction: what the policy makes of it, with sums that its features have needed anyway."""

from collections.abc import Callable, Mapping

from antifraud.features.buckets import History
from antifraud.features.reference import Inputs, hour_inputs
from antifraud.policy.rulebook import Payment, Rulebook, Scored
from antifraud.policy.ruling import Ruling
from serving.store.port import Wanted


def rule_on(
    policy: Rulebook,
    wanted: Wanted,
    inputs: Inputs,
    histories: Mapping[str, History],
    scored: Scored | None,
    make_seed: Callable[[], str],
) -> Ruling | None:
    """Return the policy's ruling; None if it is what the release's threshold says alone.

    Without a score the rules decide alone. `histories` are those of both entities by their names.
    """
    hourly: dict[str, History] = {entity: histories[entity] for entity in policy.hourly}
    sums = {**inputs, **hour_inputs(inputs["time"], hourly)} if hourly else inputs
    payment = Payment(wanted.customer, wanted.terminal, inputs["amount"], sums)
    ruling = policy.decide(payment, scored, make_seed)
    is_flagged = scored is not None and scored.score > scored.threshold
    return None if ruling == Ruling("flag" if is_flagged else "approve") else ruling
