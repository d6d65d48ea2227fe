"""The process that ships decisions, labels and the history of the switch to the lake."""
