"""What a worker of the scorer holds: release, state, metrics, and the polling of both pointers."""
