variable "name" {
  description = "Name of the bucket; names are unique over all accounts of the cloud."
  type        = string
}

variable "folder_id" {
  description = "Folder of the cloud that the bucket is created in."
  type        = string
}

variable "labels" {
  description = "Labels of the bucket."
  type        = map(string)
}

variable "kms_key_id" {
  description = "Key that new objects are encrypted with."
  type        = string
}

variable "log_bucket" {
  description = "Bucket that gets the log of requests; empty: no log."
  type        = string
  default     = ""
}

variable "old_version_days" {
  description = "Days that a replaced or removed object can be restored."
  type        = number
  default     = 14
}

variable "expire_days" {
  description = "Days after which objects go; 0: never."
  type        = number
  default     = 0
}

variable "cold_days" {
  description = "Days after which objects move to cold storage; 0: never."
  type        = number
  default     = 0
}

variable "locked_days" {
  description = "Days that nobody can change or remove an object; 0: no lock."
  type        = number
  default     = 0
}

variable "lock_mode" {
  description = "GOVERNANCE lets an administrator remove a lock, COMPLIANCE lets nobody."
  type        = string
  default     = "GOVERNANCE"

  validation {
    condition     = contains(["GOVERNANCE", "COMPLIANCE"], var.lock_mode)
    error_message = "The mode of a lock is GOVERNANCE or COMPLIANCE."
  }
}
