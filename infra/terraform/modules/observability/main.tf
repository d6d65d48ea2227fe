locals {
  groups = toset(["airflow", "balancer", "cluster", "scorers"])
}

# The description of the provider says that it sets how long logs are kept: three days, unless changed by hand.
resource "yandex_logging_group" "this" {
  for_each = local.groups

  name      = "${var.prefix}-${each.key}"
  folder_id = var.folder_id
}
