variable "folder_id" {
  description = "Folder of the cloud that everything is created in."
  type        = string
}

variable "prefix" {
  description = "Beginning of every name, such as antifraud-prototype."
  type        = string
}

variable "labels" {
  description = "Labels of every resource."
  type        = map(string)
}

variable "kms_key_id" {
  description = "Key that encrypts the secrets."
  type        = string
}

variable "accounts" {
  description = "Service accounts that read and write storage."
  type = object({
    lake    = string
    raw     = string
    shipper = string
  })
}

variable "storage_key_number" {
  description = "Raise it to replace the storage keys: a new description makes new keys."
  type        = number
}
