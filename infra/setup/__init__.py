"""Installers behind `make setup`, `make browser` and `make spark35`: environments, jars, Debian packages."""
