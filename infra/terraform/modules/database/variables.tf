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

variable "network_id" {
  description = "Network of the hosts."
  type        = string
}

variable "security_group_id" {
  description = "Security group of the hosts."
  type        = string
}

variable "subnets" {
  description = "Subnets that hosts can be in."
  type = map(object({
    id   = string
    zone = string
  }))
}

variable "size" {
  description = "Hosts, and what each has."
  type = object({
    hosts       = number
    preset      = string
    disk_gb     = number
    backup_days = number
  })
}

variable "postgres_version" {
  description = "Major version of PostgreSQL."
  type        = string
  default     = "16"
}

variable "connections_a_user" {
  description = "Connections that each user may open; the three users share those of the smallest preset."
  type        = number
  default     = 60
}
