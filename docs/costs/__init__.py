"""Work out what the platform costs in the cloud, from prices, volumes and the sizes in the Terraform files."""
