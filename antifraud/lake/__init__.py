"""The lake as everything outside Spark sees it: tables, storage, catalog, feed, identity."""
