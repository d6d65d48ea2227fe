"""Start a Spark standalone cluster, an S3 server and a PostgreSQL on one machine, and stop each by its pid."""
