"""The start of every job: arguments, a session, and library exceptions as one-line errors."""
