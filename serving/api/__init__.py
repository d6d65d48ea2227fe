"""The scorer's HTTP interface: access, request bodies, problems, and one blueprint for each resource."""
