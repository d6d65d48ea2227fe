"""The header with the state of the service says the same to whoever reads it, and a strange one says nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antifraud.api.state import ServiceState, parse_state, spell_state

WORDS = st.from_regex(r"\A[A-Za-z][A-Za-z0-9_]{0,20}\Z")
NUMBERS = st.none() | st.integers(0, 1 << 62)


def test_a_header_holds_all_of_the_state():
    """Names of warnings are an inner list, a drill is a word on its own."""
    state = ServiceState("SUSPENDED", 7, 1_767_225_600, "trip", ("guard_silent", "p99"), drill=True)

    assert spell_state(state) == (
        "mode=SUSPENDED, epoch=7, since=1767225600, cause=trip, warnings=(guard_silent p99), drill"
    )
    assert parse_state(spell_state(state)) == state


def test_a_service_without_a_store_has_no_epoch():
    """Members without a value are left out; epoch 0 is a value."""
    assert spell_state(ServiceState("SUSPENDED", cause="store")) == "mode=SUSPENDED, cause=store"
    assert spell_state(ServiceState("SERVING", 0, 0)) == "mode=SERVING, epoch=0, since=0"


@given(st.builds(ServiceState, WORDS, NUMBERS, NUMBERS, st.just("") | WORDS, st.lists(WORDS).map(tuple), st.booleans()))
def test_every_state_is_read_as_it_was_spelt(state):
    """Spelling and reading are inverses, as long as the header is not too long to be one."""
    spelt = spell_state(state)

    assert parse_state(spelt) == (state if len(spelt) <= 1_000 else None)


def test_later_versions_may_add_members():
    """Names that this version does not know are ignored."""
    assert parse_state("mode=SERVING, colour=blue, era=4, since=5") == ServiceState("SERVING", since=5)


@pytest.mark.parametrize("text", ["", "epoch=7", "mode", "mode=A B", 'mode="A"', "mode=A;x=1", "x" * 2_000, "mode=\n"])
def test_a_header_of_somebody_else_says_nothing(text):
    """Whatever is no dictionary of words and numbers with a mode is no state."""
    assert parse_state(text) is None


@given(st.text())
def test_no_text_is_a_reason_to_fail(text):
    """A client must survive whatever a server puts into the header."""
    assert parse_state(text) is None or isinstance(parse_state(text), ServiceState)
