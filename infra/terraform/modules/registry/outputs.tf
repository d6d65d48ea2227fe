output "address" {
  description = "Beginning of the names of all images."
  value       = "cr.yandex/${yandex_container_registry.this.id}"
}
