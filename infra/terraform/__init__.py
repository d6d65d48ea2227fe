"""The cloud as code: Terraform modules, two environments, and the check that stands in for the provider."""
