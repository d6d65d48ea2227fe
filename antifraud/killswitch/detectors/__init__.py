"""Detectors of the kill-switch: pure functions of what is known about closed days."""
