"""Secrets: keys of pseudonyms, bearer tokens, keys of signatures."""
