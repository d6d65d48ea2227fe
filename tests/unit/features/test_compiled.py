"""The compiled registry gives the bits of its formulas."""

import math
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antifraud.features.buckets import NEVER
from antifraud.features.compiled import Source, SourceArithmetic, compile_features, source_of
from antifraud.features.reference import INPUT_NAMES, Inputs, evaluate_each, vector_of
from antifraud.features.registry import FEATURE_NAMES, Feature

# Beyond 2**53 an integer is rounded before it is divided, and sums of squares exceed 64 bits.
NUMBERS = st.one_of(st.integers(0, 3), st.integers(0, 10**6), st.integers(2**53 - 2, 2**53 + 2), st.integers(0, 2**80))
LAST_TIMES = st.one_of(st.just(NEVER), st.integers(0, 2**40))


@st.composite
def inputs(draw):
    """Draw all inputs; count, sum and sum of squares are those of some amounts, so that no root is of less than 0."""
    found = Inputs({name: draw(NUMBERS) for name in sorted(INPUT_NAMES)})
    for prefix in {name.removesuffix("_tx_count") for name in INPUT_NAMES if name.endswith("_tx_count")}:
        amounts = draw(st.lists(st.integers(1, 2**40), max_size=4))
        found[f"{prefix}_tx_count"] = len(amounts)
        found[f"{prefix}_amount_sum"] = sum(amounts)
        found[f"{prefix}_amount_sum_sq"] = sum(amount * amount for amount in amounts)
        found[f"{prefix}_last_time"] = draw(LAST_TIMES)
    return found


def bits_of(vector):
    return struct.pack(f"<{len(vector)}d", *vector)


@settings(deadline=None)
@given(inputs())
def test_the_compiled_vector_has_the_bits_of_the_formulas(known):
    """One function of all formulas gives, bit by bit, what each formula gives alone."""
    assert bits_of(vector_of(known)) == bits_of(evaluate_each(known))


def test_bits_differ_if_integers_are_divided_before_they_are_doubles():
    """The comparison is meaningful: 2**53 + 1 over 3 as integers is not the quotient of the doubles."""
    number = 2**53 + 1

    assert number / 3 != float(number) / float(3)


@pytest.mark.parametrize(
    ("missing", "null"),
    [
        ("time", {"hour", "is_weekend", "is_night", "customer_since_last", "terminal_since_last"}),
        ("customer_30d_amount_sum_sq", {"customer_30d_z_score", "customer_30d_spread"}),
        ("terminal_streak_age", {"terminal_streak_age"}),
    ],
)
def test_an_unknown_input_leaves_the_other_features_as_they_are(missing, null):
    """Without one input its features are null, and each of the others equals that of the complete inputs."""
    numbers = {"tx_count": 7, "amount_sum_sq": 1_000, "last_time": 1}
    known = Inputs({name: next((n for end, n in numbers.items() if name.endswith(end)), 7) for name in INPUT_NAMES})
    complete = dict(zip(FEATURE_NAMES, vector_of(known), strict=True))
    del known[missing]
    found = dict(zip(FEATURE_NAMES, vector_of(known), strict=True))

    assert {name for name, value in found.items() if math.isnan(value) and not math.isnan(complete[name])} == null
    assert all(found[name] == complete[name] or math.isnan(found[name]) for name in FEATURE_NAMES)


def test_the_source_of_a_formula():
    """A ratio writes its denominator once, reads it twice, and gives NaN if it is not positive."""
    feature = Feature("share", "event", None, "", "", "", lambda a, x: a.ratio(x["n"] - 1, x["m"] * 100))

    assert source_of([feature], ["m", "n"]) == (
        "def vector(m, n):\n"
        "    return [\n"
        "        ((n - 1) * 1.0 / denominator_0 if (denominator_0 := (m * 100)) > 0 else nan),\n"
        "    ]\n"
    )


def test_a_ratio_of_ratios_keeps_both_denominators():
    """The inner ratio does not overwrite the denominator of the outer one: (6 / 3) / 4 is 0.5."""
    feature = Feature("nested", "event", None, "", "", "", lambda a, x: a.ratio(a.ratio(x["n"], x["m"]), x["k"]))

    assert compile_features([feature], ["k", "m", "n"])(4, 3, 6) == [0.5]


def test_a_name_that_no_input_has_is_an_error_when_the_registry_is_compiled():
    """A typo in a formula shows at once, and not with the first event."""
    feature = Feature("typo", "event", None, "", "", "", lambda a, x: a.ratio(x["amuont"], 1))

    with pytest.raises(KeyError, match="amuont"):
        compile_features([feature], INPUT_NAMES)


def test_every_operation_as_source():
    """Each operation that formulas use becomes its Python counterpart."""
    a, n = SourceArithmetic(), Source("n")

    assert [(n + 1).text, (n % 7 >= 5).text, (n != -1).text, (n < 6).text, (n > 0).text] == [
        "(n + 1)", "((n % 7) >= 5)", "(n != -1)", "(n < 6)", "(n > 0)",
    ]  # fmt: skip
    assert a.root(n * n).text == "sqrt((n * n))"
    assert a.floor_divide(n, 3_600).text == "(n // 3600)"
    assert a.when(n > 0, n).text == "(n * 1.0 if (n > 0) else nan)"
    assert a.flag(n > 0).text == "(1.0 if (n > 0) else 0.0)"
