"""What a feature is: registry, buckets, and the row-level reference."""
