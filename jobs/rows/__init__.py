"""Rows for training and judging: windows, labels, inputs, samples, weights."""
