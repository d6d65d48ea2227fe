"""The whole path on one machine: ``python -m infra.local.run``."""
