"""Read a policy from its file: TOML, of which every field is known, has a valid value, and fits the others."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

import msgspec

from antifraud.policy.errors import PolicyError
from antifraud.policy.rules import MOST_RULES, Policy

LARGEST_FILE: Final = 16 << 20
LOWEST_SHARE: Final = 0.001
"""A row of a smaller control share would stand for more than a thousand payments, too many to learn from."""


def read_policy(content: bytes, name: str) -> Policy:
    """Return the policy in the content of a file; `name` is the file's name for people.

    Raises:
        PolicyError: It is not a policy; the message names the place and never repeats a value.
    """
    if len(content) > LARGEST_FILE:
        raise PolicyError(f"{name} has {len(content)} bytes, at most {LARGEST_FILE} are expected: shorten its lists")
    try:
        policy = msgspec.toml.decode(content, type=Policy)
    except msgspec.ValidationError as error:
        raise PolicyError(f"{name} is not a policy: {_describe(error)}; docs/policy.md lists the fields") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise PolicyError(f"{name} is not TOML in UTF-8: correct it, docs/policy.md has an example") from None
    for fault in _find_faults(policy):
        raise PolicyError(f"{name} is not a policy: {fault}")
    return policy


def _describe(error: msgspec.ValidationError) -> str:
    """Return a message of msgspec without the words of the file, which may hold a token or an identifier by mistake."""
    return re.sub(r"(unknown field|enum value) [`'].*?[`'](?= - at |$)", r"\1", str(error))


def _find_faults(policy: Policy) -> Iterator[str]:
    """Yield what msgspec cannot see: values that do not fit each other."""
    ids = Counter(rule.id for rule in policy.rules)
    if repeated := [name for name, count in ids.items() if count > 1]:
        yield f"{len(repeated)} ids stand for several rules, such as {repeated[0]}: rename one of them"
    if len(policy.rules) > MOST_RULES:
        yield f"{len(policy.rules)} rules, at most {MOST_RULES} are expected: join lists, remove what is never hit"
    review, flag = policy.score.review_above, policy.score.flag_above
    if review is not None and flag is not None and review >= flag:
        yield f"score.review_above is {review}, below score.flag_above ({flag}) is expected: lower it"
    if 0 < policy.control.share < LOWEST_SHARE:
        yield f"control.share is {policy.control.share:g}, 0 or at least {LOWEST_SHARE:g} is expected: raise it"
    if policy.control.share and not policy.control.amount_at_most:
        yield "control.share lets payments through without a limit: set control.amount_at_most"
    if both := _tokens_of_both_lists(policy):
        yield f"{both} tokens are on an allow list and on a deny list: take each off one of them"


def _tokens_of_both_lists(policy: Policy) -> int:
    allowed = {(rule.entity, token) for rule in policy.allow for token in rule.tokens}
    denied = {(rule.entity, token) for rule in policy.deny for token in rule.tokens}
    return len(allowed & denied)
