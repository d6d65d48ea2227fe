"""Check the Terraform files against the description of the provider, which cannot be installed everywhere."""
