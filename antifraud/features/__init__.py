"""The definition of features: registry, buckets, and the row-level reference."""
