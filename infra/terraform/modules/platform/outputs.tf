output "airflow_settings" {
  description = "Settings of DAGs and jobs."
  value       = local.airflow_settings
}

output "scorer_settings" {
  description = "Settings of scorer and guard."
  value       = local.scorer_settings
}

output "scorer_url" {
  description = "Address that clients ask."
  value       = module.scorers.url
}

output "delegate" {
  description = "Zone that the domain's registrar has to delegate to the cloud's name servers."
  value       = module.scorers.zone
}

output "airflow_address" {
  description = "Address of the Airflow host inside the network."
  value       = module.airflow.address
}

output "registry" {
  description = "Beginning of the names of all images."
  value       = module.registry.address
}

output "secrets" {
  description = "Ids of the secrets; a person adds the values."
  value       = module.secrets.ids
}

output "valkey_address" {
  description = "Host and port of Valkey, for ANTIFRAUD_STORE_URL once scorers share their store."
  value       = module.cache.address
}

output "cluster_description" {
  description = "Settings of the jobs on a cluster, and the id of their secret: what `python -m infra.cluster upload` puts beside the code."
  value       = { environment = local.cluster_settings, secret = module.secrets.ids["cluster"] }
}
