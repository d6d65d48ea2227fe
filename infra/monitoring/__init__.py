"""Alert rules for Prometheus, and the program that checks them."""
