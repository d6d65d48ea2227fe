"""Raw files: which there are, their rows, and what is wrong with them. The only code that sees identifiers."""
