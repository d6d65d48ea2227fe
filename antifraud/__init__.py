"""The shared core: definitions and statistics that jobs, DAGs, scorer and clients agree on."""
