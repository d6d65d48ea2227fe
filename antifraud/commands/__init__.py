"""The commands of python -m antifraud, a module for each group; `main` finds them all."""
