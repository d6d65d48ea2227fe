"""The way into the lake: tables, staging, audits, publishing, and conflicts between runs."""
