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

variable "audit_locked_days" {
  description = "Days that nobody can change or remove an object of the audit trail."
  type        = number
}

variable "lock_mode" {
  description = "How firm the lock of the audit trail is: GOVERNANCE or COMPLIANCE."
  type        = string
}

variable "bucket_prefix" {
  description = "Beginning of the names of buckets, which are unique over all accounts of the cloud."
  type        = string
}
