"""Documents, and the scripts that generate some of them from code."""
