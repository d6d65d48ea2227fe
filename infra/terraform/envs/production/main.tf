provider "yandex" {
  cloud_id  = var.cloud_id
  folder_id = var.folder_id
  zone      = "ru-central1-a"
}

locals {
  # docs/cost.md is generated from these numbers.
  sizes = {
    airflow  = { cores = 8, memory_gb = 32, disk_gb = 120 }
    scorers  = { hosts = 4, cores = 4, memory_gb = 8, disk_gb = 80, balancer_units = 8 }
    database = { hosts = 2, preset = "s3-c2-m8", disk_gb = 60, backup_days = 14 }
    cache    = { hosts = 2, preset = "hm3-c2-m8", disk_gb = 32 }
    cluster = {
      driver_preset = "s3-c4-m16"
      worker_preset = "s3-c8-m32"
      workers       = 4
      disk_gb       = 100
      lease_seconds = 14400
      rub_an_hour   = 185
    }
    storage = { audit_locked_days = 365 }
  }
}

module "platform" {
  source = "../../modules/platform"

  deployment             = "production"
  folder_id              = var.folder_id
  organisation           = var.organisation
  home_zone              = "a"
  clients                = var.clients
  operators              = var.operators
  domain                 = var.domain
  image_id               = var.image_id
  release                = var.release
  compute_target         = "managed_spark"
  lock_mode              = "COMPLIANCE"
  storage_key_number     = var.storage_key_number
  valkey_password        = var.valkey_password
  valkey_password_number = var.valkey_password_number
  sizes                  = local.sizes

  subnets = {
    a = { zone = "ru-central1-a", cidr = "10.20.1.0/24" }
    b = { zone = "ru-central1-b", cidr = "10.20.2.0/24" }
  }
}
