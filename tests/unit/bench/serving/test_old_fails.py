"""The comparison with an older scorer reads reports and finds what is not as it should be."""

from bench.serving.old_fails import FAILS, PASSES, SKIPPED, described_tests, find_faults, outcomes_in, page_of

REPORT = """<testsuites><testsuite>
<testcase classname="tests.blackbox.test_disk" name="test_room[a]"/>
<testcase classname="tests.blackbox.test_disk" name="test_room[b]"><failure>no</failure></testcase>
<testcase classname="tests.blackbox.test_disk" name="test_room[c]"/>
<testcase classname="tests.blackbox.test_disk" name="test_mount"><skipped/></testcase>
<testcase classname="tests.blackbox.test_ids" name="test_text"/>
<testcase classname="tests.blackbox.test_ids" name="test_scope"><error>at set-up</error></testcase>
</testsuite></testsuites>"""
MODULE = '''"""Disks: they fill."""
def helper():
    """Return nothing."""
def test_room():
    """There is
    room."""
'''


def test_a_function_fails_if_it_does_with_any_parameter(tmp_path):
    """Parameters are joined; an error at set-up is a failure."""
    (tmp_path / "report.xml").write_text(REPORT)

    assert outcomes_in(tmp_path / "report.xml") == {
        "test_disk::test_room": FAILS,
        "test_disk::test_mount": SKIPPED,
        "test_ids::test_text": PASSES,
        "test_ids::test_scope": FAILS,
    }


def test_the_page_says_what_each_test_shows(tmp_path):
    """A row has the first words of the module, the test's docstring, and both outcomes."""
    (tmp_path / "test_disk.py").write_text(MODULE)
    tests = list(described_tests(tmp_path))

    page = page_of(tests, {"test_disk::test_room": FAILS}, {"test_disk::test_room": PASSES})

    assert page.endswith("| --- | --- | --- | --- |\n| Disks | There is room. | **fails** | passes |\n")


def test_every_part_must_fail_there_and_every_test_pass_here(tmp_path):
    """A part without a failure at the older commit is a fault, as is a test that does not pass now."""
    (tmp_path / "test_disk.py").write_text(MODULE)
    tests, key = list(described_tests(tmp_path)), "test_disk::test_room"

    assert find_faults(tests, {key: FAILS}, {key: PASSES}) == []
    assert find_faults(tests, {key: PASSES}, {key: PASSES}) == ["no test of 'Disks' fails at b393281"]
    assert find_faults(tests, {key: FAILS}, {key: SKIPPED}) == ["test_disk::test_room skipped now"]
    assert find_faults(tests, {key: FAILS}, {}) == ["test_disk::test_room did not run now"]
