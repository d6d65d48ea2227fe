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

variable "subnet" {
  description = "Subnet of the host."
  type = object({
    id   = string
    zone = string
  })
}

variable "security_group_id" {
  description = "Security group of the host."
  type        = string
}

variable "account_id" {
  description = "Service account of the host."
  type        = string
}

variable "kms_key_id" {
  description = "Key that encrypts the disk."
  type        = string
}

variable "image_id" {
  description = "Disk image of the host."
  type        = string
}

variable "user_data" {
  description = "What the host writes when it starts for the first time: settings, ids of secrets, and the container image."
  type        = string
}

variable "size" {
  description = "What the host has."
  type = object({
    cores     = number
    memory_gb = number
    disk_gb   = number
  })
}
