"""A model in use: evaluating it, its trees, and why it scored so."""
