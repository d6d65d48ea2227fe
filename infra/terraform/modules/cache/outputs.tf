output "address" {
  description = "Host and port of the primary, over TLS."
  value       = "c-${yandex_mdb_redis_cluster_v2.this.id}.rw.mdb.yandexcloud.net:6380"
}

output "id" {
  description = "The cluster, for dashboards."
  value       = yandex_mdb_redis_cluster_v2.this.id
}
