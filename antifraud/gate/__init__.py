"""The gate: what it judges, by which rules, and what it reports."""
