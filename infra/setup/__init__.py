"""The environment, the jars and the Debian packages: what `make setup`, `make browser` and `make spark35` install."""
