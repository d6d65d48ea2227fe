"""An exit code tells what failed: no two kinds of failure share one."""

from antifraud import errors


def kinds(error):
    """Every class below an error, in the module that has the codes."""
    for kind in error.__subclasses__():
        if kind.__module__ == errors.__name__:
            yield kind
            yield from kinds(kind)


def test_every_kind_of_failure_has_a_code_of_its_own():
    """Within what a shell can tell; 1 and 2 are Python's and argparse's, from 126 on codes are the shell's."""
    codes = [kind.exit_code for kind in kinds(errors.AntifraudError)]

    assert len(codes) == len(set(codes)) > 20
    assert all(2 < code < 126 for code in codes)
