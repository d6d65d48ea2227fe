"""Jobs, one file each, and the packages that they are made of. Jobs never import `dags` or `serving`."""
