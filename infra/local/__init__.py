"""Run the whole path on one machine: ``python -m infra.local.run``, which `make run` calls."""
