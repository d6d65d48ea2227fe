"""Airflow DAGs. They only wire jobs together; the docstring of each file is the page that operators read."""
