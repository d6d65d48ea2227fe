"""The inventory of tests finds tests that moved, and names tests that are gone or have become smaller."""

import ast

from bench.run.suite_inventory import Place, assertions_of, compare

SOURCE = '''
def double(x):
    """Double.

    >>> double(2)
    4
    """
    return 2 * x

def helper(x):
    assert x

def test_one():
    assert double(1) == 2
    with pytest.raises(ValueError):
        double(None)
'''


def test_assertions_are_counted_by_test():
    """Asserts and expected errors count for their test, examples for their function, and helpers' asserts together."""
    assert assertions_of(ast.parse(SOURCE)) == {"": 1, "test_one": 2, "double": 1, "helper": 0}


def test_a_test_that_moved_is_found(capsys):
    """A test that moved is found by its name in a file of the same name; ids of both circles count."""
    base = {Place("tests/unit/test_a.py", "test_one", 2): 3}
    now = {
        "not prove": {Place("tests/unit/lake/test_a.py", "test_one", 2): 1, Place("tests/test_b.py", "test_one", 9): 5},
        "prove": {Place("tests/unit/lake/test_a.py", "test_one", 2): 2},
    }

    assert compare(base, now, everything=True) == 0
    assert capsys.readouterr().out == (
        "tests/unit/test_a.py::test_one: 3 ids, 2 assertions -> tests/unit/lake/test_a.py::test_one: test 1, prove 2; "
        "2 assertions\n"
    )


def test_what_is_gone_or_smaller_is_named(capsys):
    """A test that is gone, has fewer ids or has fewer assertions is named."""
    base = {
        Place("tests/test_a.py", "test_gone", 1): 1,
        Place("tests/test_a.py", "test_fewer", 1): 2,
        Place("tests/test_a.py", "test_weaker", 2): 1,
        Place("tests/test_a.py", "test_same", 1): 1,
    }
    now = {
        "not prove": {
            Place("tests/test_a.py", "test_fewer", 1): 1,
            Place("tests/test_a.py", "test_weaker", 1): 1,
            Place("tests/test_a.py", "test_same", 1): 1,
        },
        "prove": {},
    }

    assert compare(base, now, everything=False) == 3
    said = capsys.readouterr().out
    assert "test_gone: 1 ids, 1 assertions -> GONE: test 0, prove 0; 0 assertions" in said
    assert "test_same" not in said


def test_one_place_stands_for_one_test(capsys):
    """A test that is gone does not hide behind its namesake, nor a weakened one behind its namesake's assertions."""
    base = {Place("tests/test_a.py", "test_one", 5): 1, Place("tests/test_b.py", "test_one", 5): 1}
    gone = {"not prove": {Place("tests/test_c.py", "test_one", 5): 9}, "prove": {}}
    weaker = {
        "not prove": {Place("tests/x/test_a.py", "test_one", 1): 1, Place("tests/x/test_b.py", "test_one", 5): 1},
        "prove": {},
    }

    assert compare(base, gone, everything=False) == 1
    assert compare(base, weaker, everything=False) == 1
    assert capsys.readouterr().out.splitlines() == [
        "tests/test_b.py::test_one: 1 ids, 5 assertions -> GONE: test 0, prove 0; 0 assertions",
        "tests/test_a.py::test_one: 1 ids, 5 assertions -> tests/x/test_a.py::test_one: test 1, prove 0; 1 assertions",
    ]
