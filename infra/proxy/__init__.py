"""nginx in front of the scorer: TLS, limits, patience with slow clients, and no secret in any log."""
