"""The stages from raw files to features and the scorer's state, and what says which days are stale."""
