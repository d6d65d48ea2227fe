# Every right that a service account has is an entry here, with its reason; docs/cloud.md is generated from this file.
locals {
  folder_rights = {
    airflow-spark = {
      account = "airflow", role = "managed-spark.editor", why = "create and delete the clusters of runs, submit jobs"
    }
    airflow-dataproc = {
      account = "airflow", role = "dataproc.editor", why = "the same for Data Processing, the second target"
    }
    airflow-network = {
      account = "airflow", role = "vpc.user", why = "put a cluster into the subnets and security groups"
    }
    airflow-accounts = {
      account = "airflow", role = "iam.serviceAccounts.user", why = "let a cluster run as the account spark"
    }
    airflow-logs = {
      account = "airflow", role = "logging.writer", why = "write its own log"
    }
    airflow-images = {
      account = "airflow", role = "container-registry.images.puller", why = "start from its image"
    }
    airflow-metrics = {
      account = "airflow", role = "monitoring.editor", why = "write metrics of DAG runs and of money saved"
    }
    spark-spark = {
      account = "spark", role = "managed-spark.integrationProvider", why = "let the service run hosts as this account"
    }
    spark-dataproc = {
      account = "spark", role = "dataproc.agent", why = "the same for Data Processing"
    }
    spark-logs = {
      account = "spark", role = "logging.writer", why = "write the logs of jobs"
    }
    scorer-images = {
      account = "scorer", role = "container-registry.images.puller", why = "start from its image"
    }
    scorer-logs = {
      account = "scorer", role = "logging.writer", why = "write its own log"
    }
    scorer-metrics = {
      account = "scorer", role = "monitoring.editor", why = "write metrics of decisions"
    }
    scaler-hosts = {
      account = "scaler", role = "compute.editor", why = "create and remove hosts of the instance group"
    }
    scaler-network = {
      account = "scaler", role = "vpc.user", why = "put hosts into the subnets and security groups"
    }
    scaler-balancer = {
      account = "scaler", role = "alb.editor", why = "enter hosts into the balancer's target group"
    }
    scaler-accounts = {
      account = "scaler", role = "iam.serviceAccounts.user", why = "let hosts run as the account scorer"
    }
  }

  bucket_rights = {
    raw-read = {
      bucket = "raw", role = "storage.viewer", accounts = ["raw"], why = "ingest reads raw files"
    }
    lake-write = {
      bucket = "lake", role = "storage.editor", accounts = ["lake", "shipper"]
      why    = "jobs publish tables and remove old files, the shipper appends decisions"
    }
    releases-write = {
      bucket = "releases", role = "storage.editor", accounts = ["lake"], why = "jobs share candidates, reports and releases"
    }
    releases-read = {
      bucket = "releases", role = "storage.viewer", accounts = ["scorer"], why = "scorers load releases and states"
    }
    models-write = {
      bucket = "models", role = "storage.editor", accounts = ["airflow"], why = "MLflow keeps its files there"
    }
    cluster-write = {
      bucket = "cluster", role = "storage.editor", accounts = ["lake", "spark"], why = "code of jobs, and logs of hosts"
    }
    audit-write = {
      bucket = "audit", role = "storage.uploader", accounts = ["airflow", "scorer"]
      why    = "add to the audit trail; nobody here can read or remove it"
    }
  }

  # `viewer` of a bucket reads bytes that only the key can decrypt, so each account needs both.
  key_rights = {
    raw = {
      key = "raw", accounts = ["raw"], why = "raw files and the key ring"
    }
    lake = {
      key = "lake", accounts = ["lake", "airflow", "scorer", "shipper", "spark"]
      why = "tables, releases, models, code of jobs"
    }
    audit = {
      key = "audit", accounts = ["airflow", "scorer"], why = "encrypt what they add to the audit trail"
    }
    secret = {
      key = "secret", accounts = ["airflow", "spark", "scorer"], why = "decrypt the secrets that they may read"
    }
  }

  secret_rights = {
    cluster = {
      secret = "cluster", accounts = ["spark"], why = "jobs make tokens, and open raw files, tables and catalog"
    }
    raw-storage = {
      secret = "raw-storage", accounts = ["airflow"], why = "the feed is watched as the account raw"
    }
    lake-storage = {
      secret = "lake-storage", accounts = ["airflow"], why = "jobs on the Airflow host work as the account lake"
    }
    shipper-storage = {
      secret = "shipper-storage", accounts = ["scorer"], why = "the shipper beside a scorer works as the account shipper"
    }
    catalog = {
      secret = "catalog", accounts = ["airflow", "scorer"], why = "jobs and shippers look tables up and commit"
    }
    judge = {
      secret = "judge", accounts = ["airflow"], why = "the DAG recover rolls back and resumes after a trip"
    }
    switch = {
      secret = "switch", accounts = ["airflow"], why = "promotion and roll-back ask the scorer's switch"
    }
    release-key = {
      secret = "release-key", accounts = ["airflow"], why = "promotion signs releases"
    }
    mlflow = {
      secret = "mlflow", accounts = ["airflow"], why = "MLflow runs on the Airflow host"
    }
    airflow = {
      secret = "airflow", accounts = ["airflow"], why = "Airflow's own database"
    }
    access = {
      secret = "access", accounts = ["scorer"], why = "scorers check bearer tokens"
    }
    webhook = {
      secret = "webhook", accounts = ["scorer"], why = "the guard signs webhooks"
    }
    valkey = {
      secret = "valkey", accounts = ["scorer"], why = "scorers open the store"
    }
  }
}

resource "yandex_resourcemanager_folder_iam_member" "this" {
  for_each = local.folder_rights

  folder_id = var.folder_id
  role      = each.value.role
  member    = "serviceAccount:${var.accounts[each.value.account]}"
}

resource "yandex_storage_bucket_iam_binding" "this" {
  for_each = local.bucket_rights

  bucket  = var.buckets[each.value.bucket]
  role    = each.value.role
  members = [for account in each.value.accounts : "serviceAccount:${var.accounts[account]}"]
}

resource "yandex_kms_symmetric_key_iam_binding" "this" {
  for_each = local.key_rights

  symmetric_key_id = var.keys[each.value.key]
  role             = "kms.keys.encrypterDecrypter"
  members          = [for account in each.value.accounts : "serviceAccount:${var.accounts[account]}"]
}

resource "yandex_lockbox_secret_iam_binding" "this" {
  for_each = local.secret_rights

  secret_id = var.secrets[each.value.secret]
  role      = "lockbox.payloadViewer"
  members   = [for account in each.value.accounts : "serviceAccount:${var.accounts[account]}"]
}
