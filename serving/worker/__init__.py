"""A worker of the scorer: its release and state, its metrics, and the thread that follows both pointers."""
