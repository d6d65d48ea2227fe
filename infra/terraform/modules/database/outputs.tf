output "address" {
  description = "Host and port of the primary, whichever host that is."
  value       = "c-${yandex_mdb_postgresql_cluster_v2.this.id}.rw.mdb.yandexcloud.net:6432"
}

output "id" {
  description = "The cluster, for dashboards."
  value       = yandex_mdb_postgresql_cluster_v2.this.id
}
