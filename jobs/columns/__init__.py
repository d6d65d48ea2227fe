"""Expressions on Spark columns: buckets, exact sums of squares, arithmetic, history."""
