"""The commands of python -m antifraud, a module for each group."""
