variable "cloud_id" {
  description = "The cloud."
  type        = string
}

variable "folder_id" {
  description = "Folder of the cloud that everything is created in; one environment in each folder."
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

variable "storage_key_number" {
  description = "Raise it to replace the storage keys."
  type        = number
  default     = 1
}

variable "valkey_password" {
  description = "Password of Valkey, from TF_VAR_valkey_password; neither plan nor state hold it."
  type        = string
  ephemeral   = true
  sensitive   = true
}

variable "valkey_password_number" {
  description = "Raise it with every new password."
  type        = number
  default     = 1
}
