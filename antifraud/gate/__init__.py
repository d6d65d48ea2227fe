"""The gate: the evidence that it judges, its rules and limits, and its report."""
