"""The leak scan: identifiers to search for, files opened piece by piece, matches."""
