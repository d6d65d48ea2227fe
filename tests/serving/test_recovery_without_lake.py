"""The lake is away after a trip: jobs end with one line and its exit code, nothing serves, and the next run goes on."""

import dataclasses

import pytest

from antifraud.errors import CatalogError, ForeignLake
from antifraud.lake.schemas import RUNS
from jobs.judging.recovering import recover
from tests.killing import run
from tests.lake_tables import make_tables
from tests.serving.recovery_scene import ONSET, TODAY, over_http, stand, trip_by_guard

JUDGE = ("jobs.judge", "--as-of", str(TODAY), "--onset", str(ONSET))


@pytest.fixture
def settings(scorer, home):
    """Settings of the jobs, with a lake; a guard has suspended the service, and a judgement came after it."""
    trip_by_guard(scorer, home)
    stand(home, "second")
    with over_http(scorer, home) as found:
        make_tables(found, (RUNS,))
        yield found


def test_a_catalog_that_is_gone_ends_jobs_and_is_gone_on_from(scorer, home, settings):
    """The judge must not begin an empty lake, and the recovery waits until the disk is there again."""
    before = scorer.store.switch()
    catalog = settings.catalog_file
    catalog.rename(home / "away.db")

    for words in (JUDGE, ("jobs.recover",)):
        ended = run(settings, *words)
        (line,) = ended.stderr.splitlines()
        assert (ended.returncode, line.startswith("error: the catalog ")) == (ForeignLake.exit_code, True)
        assert "restore it, mount its disk, or correct ANTIFRAUD_CATALOG_URI" in line

    assert not catalog.exists()
    assert scorer.store.switch() == before
    (home / "away.db").rename(catalog)
    assert recover(settings).startswith("second serves: the service is ROLLED_BACK")


@pytest.mark.prove
def test_a_database_that_does_not_answer_ends_the_judge(settings):
    """Nothing listens at its address."""
    away = "postgresql+psycopg2://nobody@127.0.0.1:1/catalog"
    ended = run(dataclasses.replace(settings, catalog_uri=away, warehouse=settings.lake_warehouse), *JUDGE)

    (line,) = ended.stderr.splitlines()
    assert (ended.returncode, line.startswith("error: ")) == (CatalogError.exit_code, True)
