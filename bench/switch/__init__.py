"""The kill-switch in simulated years."""
