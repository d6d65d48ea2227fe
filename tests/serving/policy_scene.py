"""Policies of the scorer's tests, activated as the command does."""

from antifraud.artifacts.policies import Change, Draft, activate
from antifraud.policy.reading import read_policy
from tests.release_keys import SIGNING
from tests.serving.scene import NOON


def activate_text(home, text, version=1, **change):
    """Activate a policy as the command does."""
    content = f'version = {version}\nabout = "a test"\n{text}'.encode()
    why = Change(**{"reason": "a test of rules", "by": "test", "at": NOON, **change})
    return activate(home / "policies", Draft(content, read_policy(content, "policy.toml")), SIGNING, why)


def cap(above, effect="review"):
    return f'[[amount]]\nid = "cap"\nabove = {above}\neffect = "{effect}"\n'
