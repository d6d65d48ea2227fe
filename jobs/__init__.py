"""Spark jobs, one file each; packages below are parts of a job. Jobs never import `dags` or `serving`."""
