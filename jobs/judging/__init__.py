"""What the gate judges: scored rows reduced, the champion beside, replays and rollbacks."""
