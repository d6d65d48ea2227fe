"""What every job starts with: arguments, a session, and troubles told in one line."""
