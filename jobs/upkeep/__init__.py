"""What keeps a lake healthy: retention, expiry, adoption, and a look at every file first."""
