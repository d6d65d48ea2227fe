"""Settings of every process: fields, ranges of numbers, and locations as text."""
