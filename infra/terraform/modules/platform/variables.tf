variable "deployment" {
  description = "Name of this installation, in the names and labels of everything."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,19}$", var.deployment))
    error_message = "The deployment is at most 20 lower-case letters, digits and hyphens."
  }
}

variable "folder_id" {
  description = "Folder of the cloud that everything is created in."
  type        = string
}

variable "subnets" {
  description = "Zone and range of addresses of each subnet; keys are short names of zones."
  type = map(object({
    zone = string
    cidr = string
  }))
}

variable "home_zone" {
  description = "Key of the subnet of Airflow and of clusters."
  type        = string
}

variable "organisation" {
  description = "Short name of yours: names of buckets are unique over all accounts of the cloud."
  type        = string
}

variable "clients" {
  description = "Ranges of addresses that may ask the scorers."
  type        = list(string)
}

variable "operators" {
  description = "Ranges of addresses, of a VPN or a bastion, that may open Airflow, MLflow and SSH."
  type        = list(string)
}

variable "domain" {
  description = "Name that clients ask for, such as scorer.example.com."
  type        = string
}

variable "image_id" {
  description = "Disk image of all hosts, with a container runtime and the script that fetches secrets."
  type        = string
}

variable "release" {
  description = "Tag of the container images."
  type        = string
}

variable "compute_target" {
  description = "Where Spark jobs run: managed_spark or dataproc."
  type        = string

  validation {
    condition     = contains(["managed_spark", "dataproc"], var.compute_target)
    error_message = "In the cloud the target is managed_spark or dataproc."
  }
}

variable "lock_mode" {
  description = "How firm the lock of the audit trail is: GOVERNANCE or COMPLIANCE."
  type        = string
}

variable "storage_key_number" {
  description = "Raise it to replace the storage keys."
  type        = number
  default     = 1
}

variable "valkey_password" {
  description = "Password of Valkey; ephemeral, so neither plan nor state hold it."
  type        = string
  ephemeral   = true
}

variable "valkey_password_number" {
  description = "Raise it with every new password."
  type        = number
  default     = 1
}

variable "sizes" {
  description = "Hosts and disks; docs/cost.md is generated from those of the environments."
  type = object({
    airflow = object({
      cores     = number
      memory_gb = number
      disk_gb   = number
    })
    scorers = object({
      hosts          = number
      cores          = number
      memory_gb      = number
      disk_gb        = number
      balancer_units = number
    })
    database = object({
      hosts       = number
      preset      = string
      disk_gb     = number
      backup_days = number
    })
    cache = object({
      hosts   = number
      preset  = string
      disk_gb = number
    })
    cluster = object({
      driver_preset = string
      worker_preset = string
      workers       = number
      disk_gb       = number
      lease_seconds = number
      rub_an_hour   = number
    })
    storage = object({
      audit_locked_days = number
    })
  })
}
