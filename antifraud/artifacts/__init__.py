"""Files that one process writes and another reads: bundles, pointers, state exports, decision logs."""
