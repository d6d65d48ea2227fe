"""The DAGs: wiring only; each file's docstring is its operator's page."""
