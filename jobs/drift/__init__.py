"""Drift of feature distributions: what is compared, and the adapter to Evidently."""
