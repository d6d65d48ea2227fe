"""A Spark standalone cluster, an S3 server and a PostgreSQL on one machine, each stopped by its own pid."""
