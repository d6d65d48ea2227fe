"""Parts of the leak scan: what is searched for, how files are opened, what counts as a match."""
