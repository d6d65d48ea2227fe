"""The parts of a verdict that people read: words, page, chart, model card."""
