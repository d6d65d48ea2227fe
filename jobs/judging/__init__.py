"""Judging: evidence from scored rows, the champion on the same rows, replays and rollbacks."""
