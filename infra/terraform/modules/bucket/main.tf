resource "yandex_storage_bucket" "this" {
  bucket                = var.name
  folder_id             = var.folder_id
  default_storage_class = "STANDARD"
  force_destroy         = false
  tags                  = var.labels

  anonymous_access_flags {
    read        = false
    list        = false
    config_read = false
  }

  versioning {
    enabled = true
  }

  server_side_encryption_configuration {
    rule {
      apply_server_side_encryption_by_default {
        kms_master_key_id = var.kms_key_id
        sse_algorithm     = "aws:kms"
      }
    }
  }

  lifecycle_rule {
    id                                     = "leftovers"
    enabled                                = true
    abort_incomplete_multipart_upload_days = 7

    noncurrent_version_expiration {
      days = var.old_version_days
    }
  }

  dynamic "lifecycle_rule" {
    for_each = var.expire_days > 0 ? [var.expire_days] : []

    content {
      id      = "expiry"
      enabled = true

      expiration {
        days = lifecycle_rule.value
      }
    }
  }

  dynamic "lifecycle_rule" {
    for_each = var.cold_days > 0 ? [var.cold_days] : []

    content {
      id      = "cold"
      enabled = true

      transition {
        days          = lifecycle_rule.value
        storage_class = "COLD"
      }
    }
  }

  dynamic "object_lock_configuration" {
    for_each = var.locked_days > 0 ? [var.locked_days] : []

    content {
      object_lock_enabled = "Enabled"

      rule {
        default_retention {
          mode = var.lock_mode
          days = object_lock_configuration.value
        }
      }
    }
  }

  dynamic "logging" {
    for_each = var.log_bucket == "" ? [] : [var.log_bucket]

    content {
      target_bucket = logging.value
      target_prefix = "${var.name}/"
    }
  }
}
