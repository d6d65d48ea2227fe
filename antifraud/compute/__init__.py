"""Where Spark jobs run: the compute targets, and the life of a cluster in the cloud."""
