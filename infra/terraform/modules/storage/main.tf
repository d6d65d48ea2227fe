locals {
  keys = {
    raw    = "raw files and the key ring: everything that names a person"
    lake   = "tables, releases and models: tokens only"
    audit  = "the audit trail and logs of requests"
    secret = "secrets in Lockbox"
  }

  buckets = {
    raw      = { key = "raw", expire_days = 0, cold_days = 90, locked_days = 0 }
    lake     = { key = "lake", expire_days = 0, cold_days = 0, locked_days = 0 }
    releases = { key = "lake", expire_days = 0, cold_days = 0, locked_days = 0 }
    models   = { key = "lake", expire_days = 0, cold_days = 0, locked_days = 0 }
    cluster  = { key = "lake", expire_days = 30, cold_days = 0, locked_days = 0 }
    audit    = { key = "audit", expire_days = 0, cold_days = 30, locked_days = var.audit_locked_days }
  }
}

resource "yandex_kms_symmetric_key" "this" {
  for_each = local.keys

  name                = "${var.prefix}-${each.key}"
  description         = each.value
  folder_id           = var.folder_id
  default_algorithm   = "AES_256"
  rotation_period     = "8760h"
  deletion_protection = true
  labels              = var.labels

  lifecycle {
    prevent_destroy = true
  }
}

module "requests" {
  source = "../bucket"

  name        = "${var.bucket_prefix}-requests"
  folder_id   = var.folder_id
  labels      = var.labels
  kms_key_id  = yandex_kms_symmetric_key.this["audit"].id
  expire_days = 180
}

module "bucket" {
  source   = "../bucket"
  for_each = local.buckets

  name        = "${var.bucket_prefix}-${each.key}"
  folder_id   = var.folder_id
  labels      = var.labels
  kms_key_id  = yandex_kms_symmetric_key.this[each.value.key].id
  log_bucket  = module.requests.name
  expire_days = each.value.expire_days
  cold_days   = each.value.cold_days
  locked_days = each.value.locked_days
  lock_mode   = var.lock_mode
}
