"""Keys and who holds them: pseudonyms, bearer tokens, signatures."""
