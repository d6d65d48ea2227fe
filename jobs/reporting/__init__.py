"""What people read of a verdict: words, page, chart, model card."""
