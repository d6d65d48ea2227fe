"""The process that ships decisions, labels, outcomes and the history of the switch to the lake."""
