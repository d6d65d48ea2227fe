output "airflow_settings" {
  description = "Settings of DAGs and jobs; the Airflow host has them in /etc/antifraud/environment."
  value       = module.platform.airflow_settings
}

output "scorer_settings" {
  description = "Settings of scorer and guard; the scorers' hosts have them in /etc/antifraud/environment."
  value       = module.platform.scorer_settings
}

output "scorer_url" {
  description = "Address that clients ask."
  value       = module.platform.scorer_url
}

output "delegate" {
  description = "Zone that the domain's registrar has to delegate to the cloud's name servers."
  value       = module.platform.delegate
}

output "airflow_address" {
  description = "Address of the Airflow host inside the network."
  value       = module.platform.airflow_address
}

output "registry" {
  description = "Beginning of the names of all images."
  value       = module.platform.registry
}

output "secrets" {
  description = "Ids of the secrets; a person adds the values."
  value       = module.platform.secrets
}

output "valkey_address" {
  description = "Host and port of Valkey, for ANTIFRAUD_STORE_URL once scorers share their store."
  value       = module.platform.valkey_address
}

output "cluster_description" {
  description = "Settings of the jobs on a cluster, and the id of their secret: what `python -m infra.cluster upload` puts beside the code."
  value       = module.platform.cluster_description
}
