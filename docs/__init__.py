"""Documents, and the script that writes those that come from code."""
