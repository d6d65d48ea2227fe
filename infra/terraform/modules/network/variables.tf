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

variable "subnets" {
  description = "Zone and range of addresses of each subnet; keys are short names of zones."
  type = map(object({
    zone = string
    cidr = string
  }))
}

variable "clients" {
  description = "Ranges of addresses that may ask the scorers."
  type        = list(string)
}

variable "operators" {
  description = "Ranges of addresses, of a VPN or a bastion, that may open Airflow, MLflow and SSH."
  type        = list(string)
}
