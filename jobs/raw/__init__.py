"""Raw files, their rows, and the defects of these rows: the only code that sees identifiers."""
