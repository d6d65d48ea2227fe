# The whole platform; an environment is one call of this module with its sizes.
locals {
  prefix = "antifraud-${var.deployment}"
  labels = { deployment = var.deployment, project = "antifraud" }
  # Managed Spark and Data Processing put all hosts of a cluster into one zone, near Airflow.
  home_subnet = module.network.subnets[var.home_zone]
  region      = "ru-central1"
  secrets_in  = "/etc/antifraud"
}

module "accounts" {
  source = "../accounts"

  folder_id = var.folder_id
  prefix    = local.prefix
  labels    = local.labels
}

module "network" {
  source = "../network"

  folder_id = var.folder_id
  prefix    = local.prefix
  labels    = local.labels
  subnets   = var.subnets
  clients   = var.clients
  operators = var.operators
}

module "storage" {
  source = "../storage"

  folder_id         = var.folder_id
  prefix            = local.prefix
  labels            = local.labels
  bucket_prefix     = "${var.organisation}-${local.prefix}"
  audit_locked_days = var.sizes.storage.audit_locked_days
  lock_mode         = var.lock_mode
}

module "secrets" {
  source = "../secrets"

  folder_id          = var.folder_id
  prefix             = local.prefix
  labels             = local.labels
  kms_key_id         = module.storage.keys["secret"]
  storage_key_number = var.storage_key_number

  accounts = {
    raw     = module.accounts.ids["raw"]
    lake    = module.accounts.ids["lake"]
    shipper = module.accounts.ids["shipper"]
  }
}

module "rights" {
  source = "../rights"

  folder_id = var.folder_id
  accounts  = module.accounts.ids
  buckets   = module.storage.buckets
  keys      = module.storage.keys
  secrets   = module.secrets.ids
}

module "database" {
  source = "../database"

  folder_id         = var.folder_id
  prefix            = local.prefix
  labels            = local.labels
  network_id        = module.network.network_id
  security_group_id = module.network.groups.database
  subnets           = module.network.subnets
  size              = var.sizes.database
}

module "cache" {
  source = "../cache"

  folder_id         = var.folder_id
  prefix            = local.prefix
  labels            = local.labels
  network_id        = module.network.network_id
  security_group_id = module.network.groups.cache
  subnets           = module.network.subnets
  size              = var.sizes.cache
  password          = var.valkey_password
  password_number   = var.valkey_password_number
}

module "registry" {
  source = "../registry"

  folder_id = var.folder_id
  prefix    = local.prefix
  labels    = local.labels
}

module "observability" {
  source = "../observability"

  folder_id = var.folder_id
  prefix    = local.prefix
}

module "scorers" {
  source = "../scorers"

  folder_id         = var.folder_id
  prefix            = local.prefix
  labels            = local.labels
  network_id        = module.network.network_id
  subnets           = module.network.subnets
  security_group_id = module.network.groups.scorers
  balancer_group_id = module.network.groups.balancer
  account_id        = module.accounts.ids["scorer"]
  scaler_account_id = module.accounts.ids["scaler"]
  image_id          = var.image_id
  domain            = var.domain
  address_zone      = local.home_subnet.zone
  log_group_id      = module.observability.groups["balancer"]
  user_data         = local.scorer_user_data
  home_subnet_id    = local.home_subnet.id
  size              = var.sizes.scorers

  # Without its rights the instance group cannot create a host.
  depends_on = [module.rights]
}

module "airflow" {
  source = "../airflow"

  folder_id         = var.folder_id
  prefix            = local.prefix
  labels            = local.labels
  subnet            = local.home_subnet
  security_group_id = module.network.groups.airflow
  account_id        = module.accounts.ids["airflow"]
  kms_key_id        = module.storage.keys["secret"]
  image_id          = var.image_id
  user_data         = local.airflow_user_data
  size              = var.sizes.airflow
}

module "dashboard" {
  source = "../dashboard"

  folder_id       = var.folder_id
  prefix          = local.prefix
  labels          = local.labels
  balancer_id     = module.scorers.balancer_id
  scorer_group_id = module.scorers.group_id
  airflow_id      = module.airflow.id
  database_id     = module.database.id
  cache_id        = module.cache.id
}
