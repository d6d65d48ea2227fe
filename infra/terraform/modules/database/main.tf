locals {
  databases = toset(["airflow", "mlflow", "catalog"])
}

resource "yandex_mdb_postgresql_cluster_v2" "this" {
  name                = var.prefix
  folder_id           = var.folder_id
  environment         = "PRODUCTION"
  network_id          = var.network_id
  security_group_ids  = [var.security_group_id]
  deletion_protection = true
  labels              = var.labels

  config {
    version                   = var.postgres_version
    backup_retain_period_days = var.size.backup_days

    resources {
      resource_preset_id = var.size.preset
      disk_type_id       = "network-ssd"
      disk_size          = var.size.disk_gb
    }

    access = {
      data_lens     = false
      data_transfer = false
      serverless    = false
      web_sql       = false
      yandex_query  = false
    }

    performance_diagnostics = {
      enabled                      = true
      sessions_sampling_interval   = 60
      statements_sampling_interval = 600
    }
  }

  # One host a subnet, up to the number of hosts.
  hosts = {
    for name, subnet in var.subnets : name => {
      zone             = subnet.zone
      subnet_id        = subnet.id
      assign_public_ip = false
    } if index(keys(var.subnets), name) < var.size.hosts
  }
}

# Connection Manager makes the passwords and keeps them in Lockbox, so no state file holds them.
resource "yandex_mdb_postgresql_user" "this" {
  for_each = local.databases

  cluster_id        = yandex_mdb_postgresql_cluster_v2.this.id
  name              = each.key
  generate_password = true
  conn_limit        = var.connections_a_user

  settings = {
    default_transaction_isolation = "read committed"
  }
}

resource "yandex_mdb_postgresql_database" "this" {
  for_each = local.databases

  cluster_id          = yandex_mdb_postgresql_cluster_v2.this.id
  name                = each.key
  owner               = yandex_mdb_postgresql_user.this[each.key].name
  lc_collate          = "C"
  lc_type             = "C"
  deletion_protection = "true"
}
