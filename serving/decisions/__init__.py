"""How a transaction is decided: live state, vector, score, commit."""
