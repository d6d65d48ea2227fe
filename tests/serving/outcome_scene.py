"""Payments and outcomes for tests of what declined payments leave behind."""

from antifraud.api.fields import TransactionId
from antifraud.api.outcomes import OutcomeIn
from antifraud.artifacts.state_export import decode_hours, encode_hours
from antifraud.features.buckets import Buckets, bucket_of
from serving.store.outcome_port import OutcomeRequest
from tests.serving.port_scene import new_decision, wanted_of
from tests.serving.scene import CUSTOMER, DAY, NOON, TERMINAL


def pay(store, number, *, time=NOON, amount=100, customer=CUSTOMER, terminal=TERMINAL, namespace=""):
    """Commit a decision that counts in both live records, as the scorer does; return its arrival number."""
    wanted = wanted_of(number, customer=customer, terminal=terminal, namespace=namespace)
    seen = store.look_up(wanted)
    live = [
        encode_hours((decode_hours(stored) if stored else Buckets()).adding(time // 3_600, bucket_of(time, amount)))
        for stored in (seen.live_customer, seen.live_terminal)
    ]
    new = new_decision(wanted, seen, time=time, amount=amount)
    return store.commit_decision(wanted, seen, new._replace(live_customer=live[0], live_terminal=live[1]))


def tell(store, *outcomes, now=NOON + 600, cutoff=DAY - 1, namespace=""):
    """Store outcomes, given as transaction number, outcome and time."""
    told = [OutcomeIn(TransactionId(str(number)), outcome, time) for number, outcome, time in outcomes]
    return store.outcomes.add(OutcomeRequest(namespace, "till", now, cutoff), told)


def effects(added):
    """The effects of accepted outcomes, in order."""
    return [effect for _, effect in added.effects]


def live(store, token):
    """The live hour buckets of an entity."""
    stored = store.look_up(wanted_of("nobody", customer=token)).live_customer
    return dict(decode_hours(stored)) if stored else {}
