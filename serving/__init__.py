"""The scorer that decides and the guard that can halt it: processes of their own, without Spark and Airflow."""
