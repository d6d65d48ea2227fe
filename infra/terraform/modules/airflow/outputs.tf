output "address" {
  description = "Address of the host inside the network."
  value       = yandex_compute_instance.this.network_interface[0].ip_address
}

output "id" {
  description = "The host, for dashboards."
  value       = yandex_compute_instance.this.id
}
