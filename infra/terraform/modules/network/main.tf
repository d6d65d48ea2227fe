resource "yandex_vpc_network" "this" {
  name      = var.prefix
  folder_id = var.folder_id
  labels    = var.labels
}

# Hosts have no public addresses; they reach the cloud's services and package registries through the gateway.
resource "yandex_vpc_gateway" "egress" {
  name      = "${var.prefix}-egress"
  folder_id = var.folder_id
  labels    = var.labels

  shared_egress_gateway {}
}

resource "yandex_vpc_route_table" "egress" {
  name       = "${var.prefix}-egress"
  folder_id  = var.folder_id
  network_id = yandex_vpc_network.this.id
  labels     = var.labels

  static_route {
    destination_prefix = "0.0.0.0/0"
    gateway_id         = yandex_vpc_gateway.egress.id
  }
}

resource "yandex_vpc_subnet" "this" {
  for_each = var.subnets

  name           = "${var.prefix}-${each.key}"
  folder_id      = var.folder_id
  network_id     = yandex_vpc_network.this.id
  zone           = each.value.zone
  v4_cidr_blocks = [each.value.cidr]
  route_table_id = yandex_vpc_route_table.egress.id
  labels         = var.labels
}
