variable "folder_id" {
  description = "Folder of the cloud that rights are given in."
  type        = string
}

variable "accounts" {
  description = "Service accounts by name."
  type = object({
    airflow = string
    lake    = string
    raw     = string
    scaler  = string
    scorer  = string
    shipper = string
    spark   = string
  })
}

variable "buckets" {
  description = "Names of the buckets."
  type = object({
    audit    = string
    cluster  = string
    lake     = string
    models   = string
    raw      = string
    releases = string
  })
}

variable "keys" {
  description = "Ids of the keys that encrypt."
  type = object({
    audit  = string
    lake   = string
    raw    = string
    secret = string
  })
}

variable "secrets" {
  description = "Ids of the secrets."
  type = object({
    access          = string
    airflow         = string
    catalog         = string
    cluster         = string
    judge           = string
    lake-storage    = string
    mlflow          = string
    raw-storage     = string
    release-key     = string
    shipper-storage = string
    switch          = string
    valkey          = string
    webhook         = string
  })
}
