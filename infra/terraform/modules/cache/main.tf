resource "yandex_mdb_redis_cluster_v2" "this" {
  name                = var.prefix
  folder_id           = var.folder_id
  environment         = "PRODUCTION"
  network_id          = var.network_id
  security_group_ids  = [var.security_group_id]
  persistence_mode    = "ON"
  tls_enabled         = true
  sharded             = false
  deletion_protection = true
  labels              = var.labels

  # What a full store drops is lost, so it refuses writes instead.
  config = {
    version             = "7.2-valkey"
    maxmemory_policy    = "NOEVICTION"
    password_wo         = var.password
    password_wo_version = var.password_number
  }

  resources = {
    resource_preset_id = var.size.preset
    disk_type_id       = "network-ssd"
    disk_size          = var.size.disk_gb
  }

  hosts = {
    for name, subnet in var.subnets : name => {
      zone             = subnet.zone
      subnet_id        = subnet.id
      assign_public_ip = false
    } if index(keys(var.subnets), name) < var.size.hosts
  }
}
