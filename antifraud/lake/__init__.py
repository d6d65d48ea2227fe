"""The lake as seen from outside Spark: tables, storage, catalog, feed, identity."""
