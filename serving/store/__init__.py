"""The decision store: LMDB, its records, labels and the switch."""
