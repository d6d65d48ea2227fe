"""The guard: a process that watches matured labels and suspends the service when a limit is broken."""
