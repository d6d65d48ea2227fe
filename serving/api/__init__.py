"""The scorer's HTTP: who may ask, bodies, problems, and a blueprint for each resource."""
