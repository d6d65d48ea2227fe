"""The decision of a transaction: live state, vector, score, commit."""
