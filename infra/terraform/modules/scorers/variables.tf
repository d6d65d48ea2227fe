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

variable "subnets" {
  description = "Subnets of hosts and balancer, one in each zone."
  type = map(object({
    id   = string
    zone = string
  }))
}

variable "home_subnet_id" {
  description = "Subnet of the balancer's inner address, in which jobs run."
  type        = string
}

variable "security_group_id" {
  description = "Security group of the hosts."
  type        = string
}

variable "balancer_group_id" {
  description = "Security group of the balancer."
  type        = string
}

variable "account_id" {
  description = "Service account of the hosts."
  type        = string
}

variable "scaler_account_id" {
  description = "Service account that the instance group creates and removes hosts with."
  type        = string
}

variable "image_id" {
  description = "Disk image of the hosts."
  type        = string
}

variable "domain" {
  description = "Name that clients ask for, such as scorer.example.com."
  type        = string
}

variable "address_zone" {
  description = "Zone that the balancer's address belongs to."
  type        = string
}

variable "log_group_id" {
  description = "Log group of the balancer."
  type        = string
}

variable "user_data" {
  description = "What each host writes when it starts for the first time: settings, ids of secrets, and the container image."
  type        = string
}

variable "size" {
  description = "Hosts, what each has, and the most resource units of the balancer."
  type = object({
    hosts          = number
    cores          = number
    memory_gb      = number
    disk_gb        = number
    balancer_units = number
  })
}
