"""The scorer's blueprints, one module for each resource."""
