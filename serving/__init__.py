"""The scorer, which decides, and the guard, which can suspend it: two processes without Spark and Airflow."""
