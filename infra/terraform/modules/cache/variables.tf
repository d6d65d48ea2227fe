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
    hosts   = number
    preset  = string
    disk_gb = number
  })
}

variable "password" {
  description = "Password of Valkey; ephemeral, so neither plan nor state hold it."
  type        = string
  ephemeral   = true
}

variable "password_number" {
  description = "Raise it with every new password, because Terraform cannot see that it has changed."
  type        = number
}
