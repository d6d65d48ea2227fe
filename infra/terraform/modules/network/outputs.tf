output "network_id" {
  description = "The network."
  value       = yandex_vpc_network.this.id
}

output "subnets" {
  description = "Id and zone of each subnet."
  value       = { for name, subnet in yandex_vpc_subnet.this : name => { id = subnet.id, zone = subnet.zone } }
}

output "groups" {
  description = "Security groups by what they protect."
  value = {
    balancer = yandex_vpc_security_group.balancer.id
    scorers  = yandex_vpc_security_group.scorers.id
    airflow  = yandex_vpc_security_group.airflow.id
    cluster  = yandex_vpc_security_group.cluster.id
    database = yandex_vpc_security_group.database.id
    cache    = yandex_vpc_security_group.cache.id
  }
}
