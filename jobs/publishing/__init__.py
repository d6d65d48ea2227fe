"""The way into the lake: tables, staging, audits, publishing, conflicts."""
