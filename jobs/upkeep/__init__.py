"""The upkeep of a lake: retention, expiry and adoption, after a check of every file."""
