locals {
  # Keys are the names; docs/cloud.md is generated from the rights of each (modules/rights).
  accounts = {
    airflow = "runs the Airflow host, starts and deletes clusters"
    spark   = "runs the hosts of a cluster"
    raw     = "reads raw files in the jobs that may see identifiers"
    lake    = "reads and writes the tables of the lake"
    shipper = "appends what the scorers have decided to the tables of the lake"
    scorer  = "runs the scorers' hosts"
    scaler  = "creates and removes scorers' hosts for the instance group"
  }
}

resource "yandex_iam_service_account" "this" {
  for_each = local.accounts

  name      = "${var.prefix}-${each.key}"
  folder_id = var.folder_id
  labels    = var.labels
}
