"""The stages from raw files to features and to the scorer's state, and the check which days are stale."""
