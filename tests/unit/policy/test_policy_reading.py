"""A policy's file is refused for whatever is unknown, invalid or contradictory, and no value of it is repeated."""

import pytest

from antifraud.keys.pseudonym import Key, tokenise
from antifraud.policy.errors import PolicyError
from antifraud.policy.reading import read_policy
from antifraud.policy.rules import find_hit_by_all, input_of

KEY = Key("k1", bytes(32))
MULE, SHOP = tokenise(KEY, "customer", 17), tokenise(KEY, "terminal", 4)
WHOLE = f"""
version = 3
about = "Card testing since the 12th."
on_suspend = "refuse"

[score]
review_above = 300_000
flag_above = 600_000

[control]
share = 0.02
amount_at_most = 200_000

[[allow]]
id = "own-staff"
entity = "customer"
tokens = ["{tokenise(KEY, "customer", 1)}"]

[[deny]]
id = "mules"
entity = "customer"
tokens = ["{MULE}"]
effect = "flag"

[[amount]]
id = "cap"
above = 5_000_000
effect = "review"

[[velocity]]
id = "card-testing"
entity = "terminal"
measure = "count"
window = "1h"
above = 30
effect = "flag"
"""
LEAST = 'version = 1\nabout = "nothing yet"\n'


def read(text):
    return read_policy(text.encode() if isinstance(text, str) else text, "policy.toml")


def refusal_of(text):
    with pytest.raises(PolicyError) as refused:
        read(text)
    return str(refused.value)


def test_every_field_is_read():
    """The rules come in the order of the tables, whatever their order in the file."""
    policy = read(WHOLE)

    assert (policy.version, policy.about, policy.on_suspend) == (3, "Card testing since the 12th.", "refuse")
    assert (policy.score.review_above, policy.score.flag_above) == (300_000, 600_000)
    assert (policy.control.share, policy.control.amount_at_most) == (0.02, 200_000)
    assert [rule.id for rule in policy.rules] == ["own-staff", "mules", "cap", "card-testing"]
    assert input_of(policy.velocity[0]) == "terminal_1h_tx_count"


def test_a_policy_needs_a_version_and_a_sentence():
    """Without rules it is valid: this is how all rules are taken back."""
    policy = read(LEAST)

    assert (policy.rules, policy.control.share, policy.score.review_above, policy.on_suspend) == ((), 0, None, "rules")
    assert "`version`" in refusal_of('about = "nothing"')
    assert "`about`" in refusal_of("version = 1")


BAD = [
    "version = 0",
    "version = true",
    'version = "3"',
    "version = 1.0",
    'about = ""',
    'on_suspend = "approve"',
    "shadow = true",
    "score.review_above = 1_000_001",
    "score.review_above = -1",
    "score.unknown = 1",
    "control.share = 0.6",
    "control.share = nan",
    "control.seed = 3",
    'amount = [{id = "a", above = 5, effect = "approve"}]',
    'amount = [{id = "a", above = -5, effect = "flag"}]',
    'amount = [{id = "a", above = 5.5, effect = "flag"}]',
    'amount = [{id = "A b", above = 5, effect = "flag"}]',
    'amount = [{above = 5, effect = "flag"}]',
    'amount = [{id = "a", above = 5}]',
    'amount = [{id = "a", above = 5, effect = "flag", below = 9}]',
    'velocity = [{id = "v", entity = "group", measure = "count", window = "1h", above = 5, effect = "flag"}]',
    'velocity = [{id = "v", entity = "customer", measure = "mean", window = "1h", above = 5, effect = "flag"}]',
    'velocity = [{id = "v", entity = "customer", measure = "count", window = "30d", above = 5, effect = "flag"}]',
    'deny = [{id = "d", entity = "customer", tokens = [], effect = "flag"}]',
    'deny = [{id = "d", entity = "customer", tokens = ["483920175566"], effect = "flag"}]',
    f'deny = [{{id = "d", entity = "customer", tokens = ["{MULE} "], effect = "flag"}}]',
    f'allow = [{{id = "d", entity = "customer", tokens = ["{MULE}"], effect = "approve"}}]',
]


@pytest.mark.parametrize("line", BAD)
def test_a_bad_field_is_refused(line):
    """The message is one line that names the file."""
    kept = [each for each in LEAST.splitlines() if each.split(" = ")[0] != line.split(" = ")[0]]

    said = refusal_of("\n".join([*kept, line]))

    assert said.startswith("policy.toml is not a policy: ")
    assert "\n" not in said


FITS_NOT = [
    ('amount = [{id = "a", above = 5, effect = "flag"}, {id = "a", above = 6, effect = "flag"}]', "such as a"),
    ("score = {review_above = 500_000, flag_above = 500_000}", "below score.flag_above"),
    ("control = {share = 0.0005, amount_at_most = 1}", "at least 0.001"),
    ("control = {share = 0.02}", "set control.amount_at_most"),
    (
        (
            f'allow = [{{id = "a", entity = "customer", tokens = ["{MULE}"]}}]\n'
            f'deny = [{{id = "d", entity = "customer", tokens = ["{SHOP}", "{MULE}"], effect = "flag"}}]'
        ),
        "1 tokens are on an allow list and on a deny list",
    ),
]


@pytest.mark.parametrize(("line", "expected"), FITS_NOT)
def test_values_that_contradict_each_other_are_refused(line, expected):
    """Each value alone would be valid."""
    assert expected in refusal_of(LEAST + line)


def test_more_rules_than_a_decision_can_store_are_refused():
    """A hit takes one byte."""
    rules = [f'[[amount]]\nid = "r{place}"\nabove = 9\neffect = "review"\n' for place in range(251)]

    assert len(read(LEAST + "".join(rules[:250])).rules) == 250
    assert "251 rules, at most 250" in refusal_of(LEAST + "".join(rules))


@pytest.mark.parametrize("content", [b"\xff\xfe", b"version = ", b"version = 1\nversion = 2", b"\x00", b"{}"])
def test_a_file_that_is_not_toml_is_refused(content):
    """The parser's own words are not repeated, because they may quote the file."""
    assert "not TOML in UTF-8" in refusal_of(content)


def test_a_huge_file_is_refused_before_it_is_parsed():
    """A policy of all tokens fits in a fraction of the limit."""
    assert "at most 16777216 are expected" in refusal_of(b"#" * ((16 << 20) + 1))


@pytest.mark.parametrize(
    "line",
    [
        '483920175566 = "x"',
        'amount = [{id = "a", above = 5, effect = "483920175566"}]',
        'deny = [{id = "d", entity = "customer", tokens = ["483920175566"], effect = "flag"}]',
        'amount = [{id = "a", above = 5, effect = "flag", 483920175566 = 1}]',
    ],
)
def test_no_value_of_the_file_is_repeated(line):
    """It may be an identifier that somebody has put in the wrong place."""
    assert "483920175566" not in refusal_of(LEAST + line)


def test_rules_that_every_payment_hits_are_found():
    """Each payment has an amount and is one of its customer's, so a limit of 0 is below all of them."""
    found = read(
        LEAST
        + 'amount = [{id = "all", above = 0, effect = "flag"}, {id = "some", above = 1, effect = "flag"}]\n'
        + 'velocity = [{id = "each", entity = "customer", measure = "sum", window = "7d", above = 0, effect = "flag"}]'
        + "\n"
        + "score = {review_above = 0}"
    )

    assert list(find_hit_by_all(found)) == ["all", "each", "score.review_above"]
