variable "cloud_id" {
  description = "The cloud."
  type        = string
}

variable "folder_id" {
  description = "Folder of the cloud that the bucket is created in."
  type        = string
}

variable "bucket" {
  description = "Name of the bucket; names are unique over all accounts of the cloud."
  type        = string
}
