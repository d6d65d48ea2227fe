"""The difference between two policies, in lines for a person; tokens are counted and never shown."""

from collections.abc import Iterator

from msgspec import structs

from antifraud.policy.rules import AllowList, DenyList, Policy, Rule


def describe_difference(before: Policy | None, after: Policy) -> list[str]:
    """Return one line for each difference; none if both policies decide alike."""
    if before is None:
        return [f"+ {describe_rule(rule)}" for rule in after.rules] + list(_compare_settings(None, after))
    old, new = ({rule.id: rule for rule in policy.rules} for policy in (before, after))
    removed = [f"- {describe_rule(rule)}" for name, rule in old.items() if name not in new]
    added = [f"+ {describe_rule(rule)}" for name, rule in new.items() if name not in old]
    changed = [line for name in new if name in old for line in _compare_rules(old[name], new[name])]
    return [*removed, *added, *changed, *_compare_settings(before, after)]


def describe_rule(rule: Rule) -> str:
    """Return a rule in one line.

    >>> from antifraud.policy.rules import VelocityRule
    >>> describe_rule(VelocityRule("pace", "customer", "count", "1h", above=9, effect="review"))
    'pace: velocity, customer, count, 1h, above 9, review'
    """
    kinds = {"AllowList": "allow", "DenyList": "deny", "AmountCap": "amount", "VelocityRule": "velocity"}
    values = {name: value for name, value in structs.asdict(rule).items() if name not in {"id", "tokens"}}
    said = [f"above {value}" if name == "above" else str(value) for name, value in values.items()]
    tokens = [f"{len(rule.tokens):,} tokens"] if isinstance(rule, AllowList | DenyList) else []
    return f"{rule.id}: {', '.join([kinds[type(rule).__name__], *said, *tokens])}"


def _compare_rules(before: Rule, after: Rule) -> Iterator[str]:
    if before == after:
        return
    if moved := _compare_tokens(before, after):
        yield f"~ {describe_rule(after)} ({moved})"
    else:
        yield f"~ {describe_rule(after)} (before: {describe_rule(before).partition(': ')[2]})"


def _compare_tokens(before: Rule, after: Rule) -> str:
    """Return how many tokens came and went; empty if the lists differ in something else as well."""
    if not isinstance(before, AllowList | DenyList) or not isinstance(after, AllowList | DenyList):
        return ""
    if structs.asdict(before) | {"tokens": ()} != structs.asdict(after) | {"tokens": ()}:
        return ""
    old, new = set(before.tokens), set(after.tokens)
    return f"{len(new - old)} tokens added, {len(old - new)} removed"


def _compare_settings(before: Policy | None, after: Policy) -> Iterator[str]:
    old, new = _settings_of(before or Policy(0, "none", on_suspend="refuse")), _settings_of(after)
    yield from (f"~ {name}: {old[name]} -> {value}" for name, value in new.items() if value != old[name])


def _settings_of(policy: Policy) -> dict[str, object]:
    """Return everything but the rules, by its name in the file."""
    tables = {"score": policy.score, "control": policy.control}
    values = {
        f"{name}.{field}": value for name, table in tables.items() for field, value in structs.asdict(table).items()
    }
    return {**values, "on_suspend": policy.on_suspend}
