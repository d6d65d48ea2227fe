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

variable "balancer_id" {
  description = "The balancer."
  type        = string
}

variable "scorer_group_id" {
  description = "The instance group of scorers."
  type        = string
}

variable "airflow_id" {
  description = "The Airflow host."
  type        = string
}

variable "database_id" {
  description = "The PostgreSQL cluster."
  type        = string
}

variable "cache_id" {
  description = "The Valkey cluster."
  type        = string
}
