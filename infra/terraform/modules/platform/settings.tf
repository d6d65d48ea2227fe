# Where the settings of docs/settings.md come from. The check refuses a name that no process reads.
locals {
  # Files that a host writes from Lockbox when it starts, by name; the secrets' ids are no secrets.
  airflow_secrets = {
    "raw-storage.account"  = module.secrets.ids["raw-storage"]
    "lake-storage.account" = module.secrets.ids["lake-storage"]
    "catalog.account"      = module.secrets.ids["catalog"]
    "mlflow.account"       = module.secrets.ids["mlflow"]
    "airflow.account"      = module.secrets.ids["airflow"]
    "release.key"          = module.secrets.ids["release-key"]
    "judge.token"          = module.secrets.ids["judge"]
    "switch.token"         = module.secrets.ids["switch"]
  }
  scorer_secrets = {
    "access.json"             = module.secrets.ids["access"]
    "webhook.secret"          = module.secrets.ids["webhook"]
    "valkey.account"          = module.secrets.ids["valkey"]
    "shipper-storage.account" = module.secrets.ids["shipper-storage"]
    "catalog.account"         = module.secrets.ids["catalog"]
  }

  # Where the tables lie, for jobs and shippers.
  table_settings = {
    ANTIFRAUD_WAREHOUSE   = "s3a://${module.storage.buckets["lake"]}/warehouse"
    ANTIFRAUD_CATALOG_URI = "postgresql+psycopg2://${module.database.address}/catalog?sslmode=require"
    ANTIFRAUD_S3_ENDPOINT = "https://storage.yandexcloud.net"
    ANTIFRAUD_S3_REGION   = local.region
  }

  # Where everything lies that jobs read and write, whichever host they run on.
  lake_settings = merge(local.table_settings, {
    ANTIFRAUD_RAW_DIR     = "s3a://${module.storage.buckets["raw"]}/feed"
    ANTIFRAUD_MLFLOW_URI  = "http://${local.prefix}-airflow.${local.region}.internal:5000"
    ANTIFRAUD_SHARED_HOME = "s3a://${module.storage.buckets["releases"]}/home"
  })

  # The hosts of a cluster get the files from the entries of one secret, so no setting names them.
  cluster_settings = merge(local.lake_settings, {
    ANTIFRAUD_HOME = "/tmp/antifraud"
  })

  airflow_settings = merge(local.lake_settings, {
    ANTIFRAUD_HOME                    = "/var/lib/antifraud"
    ANTIFRAUD_DEPLOYMENT              = var.deployment
    ANTIFRAUD_RAW_ACCOUNT             = "${local.secrets_in}/raw-storage.account"
    ANTIFRAUD_LAKE_ACCOUNT            = "${local.secrets_in}/lake-storage.account"
    ANTIFRAUD_CATALOG_ACCOUNT         = "${local.secrets_in}/catalog.account"
    ANTIFRAUD_RELEASE_SIGNING_KEY     = "${local.secrets_in}/release.key"
    ANTIFRAUD_SCORER_URL              = module.scorers.url
    ANTIFRAUD_SCORER_JUDGE_TOKEN      = "${local.secrets_in}/judge.token"
    ANTIFRAUD_SCORER_TOKEN            = "${local.secrets_in}/switch.token"
    ANTIFRAUD_COMPUTE_TARGET          = var.compute_target
    ANTIFRAUD_CLOUD_FOLDER            = var.folder_id
    ANTIFRAUD_CLOUD_ZONE              = local.home_subnet.zone
    ANTIFRAUD_CLUSTER_SUBNETS         = local.home_subnet.id
    ANTIFRAUD_CLUSTER_SECURITY_GROUPS = module.network.groups.cluster
    ANTIFRAUD_CLUSTER_ACCOUNT         = module.accounts.ids["spark"]
    ANTIFRAUD_CLUSTER_BUCKET          = module.storage.buckets["cluster"]
    ANTIFRAUD_CLUSTER_LOG_GROUP       = module.observability.groups["cluster"]
    ANTIFRAUD_CLUSTER_DRIVER_PRESET   = var.sizes.cluster.driver_preset
    ANTIFRAUD_CLUSTER_WORKER_PRESET   = var.sizes.cluster.worker_preset
    ANTIFRAUD_CLUSTER_WORKERS         = tostring(var.sizes.cluster.workers)
    ANTIFRAUD_CLUSTER_DISK_GB         = tostring(var.sizes.cluster.disk_gb)
    ANTIFRAUD_CLUSTER_LEASE_SECONDS   = tostring(var.sizes.cluster.lease_seconds)
    ANTIFRAUD_CLUSTER_RUB_AN_HOUR     = tostring(var.sizes.cluster.rub_an_hour)
  })

  # Guard and shipper run beside the scorer.
  scorer_settings = merge(local.table_settings, {
    ANTIFRAUD_HOME             = "/var/lib/antifraud"
    ANTIFRAUD_STORE_DURABILITY = "power"
    ANTIFRAUD_LAKE_ACCOUNT     = "${local.secrets_in}/shipper-storage.account"
    ANTIFRAUD_CATALOG_ACCOUNT  = "${local.secrets_in}/catalog.account"
    SCORER_BIND                = "0.0.0.0:8080"
  })

  airflow_user_data = templatefile("${path.module}/cloud-init.yaml.tftpl", {
    settings = local.airflow_settings
    secrets  = local.airflow_secrets
    image    = "${module.registry.address}/airflow:${var.release}"
  })
  scorer_user_data = templatefile("${path.module}/cloud-init.yaml.tftpl", {
    settings = local.scorer_settings
    secrets  = local.scorer_secrets
    image    = "${module.registry.address}/scorer:${var.release}"
  })
}
