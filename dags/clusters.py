"""# clusters: delete every cluster that outlived its lease

**Reads** the labels of the clusters in the cloud folder. Each has its deployment, its run and the end of its lease.

**Does**, every 15 minutes: delete this deployment's clusters after their lease, and report the money saved. It looks
at both services, because a cluster may be left from a time when the other target was chosen. A run
deletes its own cluster at its end. This DAG is for what accidents leave: a scheduler that never came back, a creation
that succeeded after its task was killed.

Clusters of another deployment, and clusters that people made, have other labels. They are left alone.

The DAG exists only if `ANTIFRAUD_COMPUTE_TARGET` is a target in the cloud.

When a task fails:

- `sweep`: the cloud does not answer or refuses. **Clusters may be running and billed**: look at the console, then clear
  the task. Exit code 55: correct the rights of the account that deletes clusters. 56: the API did not answer, or a
  deletion was still under way after an hour.
"""

from airflow.sdk import CronDataIntervalTimetable, dag

from dags.shared import DEFAULT_ARGS, SETTINGS, START
from dags.submit import sweep_clusters


@dag(
    schedule=CronDataIntervalTimetable("*/15 * * * *", timezone="UTC"),
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    tags=["cloud", "watchdog"],
    doc_md=__doc__,
)
def clusters() -> None:
    """Run one sweep."""
    sweep_clusters("sweep")


if SETTINGS.is_cloud:
    clusters()
