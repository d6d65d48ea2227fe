# Made once for an account, with its own state in a local file: the bucket of the other environments' states.
provider "yandex" {
  cloud_id  = var.cloud_id
  folder_id = var.folder_id
  zone      = "ru-central1-a"
}

resource "yandex_kms_symmetric_key" "state" {
  name                = "antifraud-terraform-state"
  description         = "states of Terraform"
  folder_id           = var.folder_id
  default_algorithm   = "AES_256"
  rotation_period     = "8760h"
  deletion_protection = true

  lifecycle {
    prevent_destroy = true
  }
}

module "bucket" {
  source = "../../modules/bucket"

  name             = var.bucket
  folder_id        = var.folder_id
  labels           = { project = "antifraud" }
  kms_key_id       = yandex_kms_symmetric_key.state.id
  old_version_days = 90
}
