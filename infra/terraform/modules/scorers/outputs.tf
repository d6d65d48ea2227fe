output "url" {
  description = "Address that clients ask."
  value       = "https://${var.domain}"
}

output "group_id" {
  description = "The instance group, for dashboards."
  value       = yandex_compute_instance_group.this.id
}

output "balancer_id" {
  description = "The balancer, for dashboards."
  value       = yandex_alb_load_balancer.this.id
}

output "zone" {
  description = "Zone that the domain's registrar has to delegate to ns1.yandexcloud.net and ns2.yandexcloud.net."
  value       = yandex_dns_zone.this.zone
}
