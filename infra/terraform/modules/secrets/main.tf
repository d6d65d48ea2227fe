locals {
  # Terraform makes the secrets empty. A person adds the values (docs/deployment.md), so that no state file holds one.
  filled_by_hand = {
    cluster     = "key ring and account files of the jobs on clusters, an entry for each setting that names a file"
    release-key = "private key that signs releases"
    judge       = "bearer token of the scopes judge and read, with which the service recovers from a trip"
    switch      = "bearer token of the scope admin, with which jobs ask and change the scorer's switch"
    access      = "hashes of the clients' bearer tokens"
    webhook     = "secret that webhooks are signed with"
    catalog     = "account of the catalog in PostgreSQL"
    mlflow      = "account of MLflow in PostgreSQL"
    airflow     = "account of Airflow in PostgreSQL, and its Fernet key"
    valkey      = "password of Valkey"
  }

  # The cloud writes both halves of a storage key into the secret; the state file never holds them.
  storage_keys = {
    raw     = var.accounts.raw
    lake    = var.accounts.lake
    shipper = var.accounts.shipper
  }
}

resource "yandex_lockbox_secret" "by_hand" {
  for_each = local.filled_by_hand

  name                = "${var.prefix}-${each.key}"
  description         = each.value
  folder_id           = var.folder_id
  kms_key_id          = var.kms_key_id
  deletion_protection = true
  labels              = var.labels
}

resource "yandex_lockbox_secret" "storage" {
  for_each = local.storage_keys

  name                = "${var.prefix}-${each.key}-storage"
  description         = "account of the storage zone ${each.key}"
  folder_id           = var.folder_id
  kms_key_id          = var.kms_key_id
  deletion_protection = true
  labels              = var.labels
}

resource "yandex_iam_service_account_static_access_key" "storage" {
  for_each = local.storage_keys

  service_account_id = each.value
  description        = "storage zone ${each.key}, key ${var.storage_key_number}"

  output_to_lockbox {
    secret_id            = yandex_lockbox_secret.storage[each.key].id
    entry_for_access_key = "user"
    entry_for_secret_key = "password"
  }

  lifecycle {
    create_before_destroy = true
  }
}
