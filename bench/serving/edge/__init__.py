"""The scorer beside other servers: how many decisions a second, and how slow the slowest at a steady rate."""
