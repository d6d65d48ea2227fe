# Clients reach the balancer, and only the balancer reaches scorers.
resource "yandex_vpc_security_group" "balancer" {
  name       = "${var.prefix}-balancer"
  folder_id  = var.folder_id
  network_id = yandex_vpc_network.this.id
  labels     = var.labels

  ingress {
    description    = "Clients over TLS"
    protocol       = "TCP"
    port           = 443
    v4_cidr_blocks = var.clients
  }

  ingress {
    description       = "Jobs that ask the switch, at the balancer's inner address"
    protocol          = "TCP"
    port              = 443
    security_group_id = yandex_vpc_security_group.airflow.id
  }

  ingress {
    description       = "The cloud asks whether the balancer itself is healthy"
    protocol          = "TCP"
    port              = 30080
    predefined_target = "loadbalancer_healthchecks"
  }

  egress {
    description    = "Scorers"
    protocol       = "TCP"
    port           = 8080
    v4_cidr_blocks = [for subnet in var.subnets : subnet.cidr]
  }
}

resource "yandex_vpc_security_group" "scorers" {
  name       = "${var.prefix}-scorers"
  folder_id  = var.folder_id
  network_id = yandex_vpc_network.this.id
  labels     = var.labels

  ingress {
    description       = "Requests and health checks of the balancer"
    protocol          = "TCP"
    port              = 8080
    security_group_id = yandex_vpc_security_group.balancer.id
  }

  # The instance group asks as well; a host that it cannot reach counts as ill and is replaced for ever.
  ingress {
    description       = "Health checks of the instance group, from the cloud's own addresses"
    protocol          = "TCP"
    port              = 8080
    predefined_target = "loadbalancer_healthchecks"
  }

  egress {
    description    = "APIs and storage of the cloud, package registries"
    protocol       = "TCP"
    port           = 443
    v4_cidr_blocks = ["0.0.0.0/0"]
  }

  egress {
    description    = "Names"
    protocol       = "UDP"
    port           = 53
    v4_cidr_blocks = [for subnet in var.subnets : subnet.cidr]
  }

  egress {
    description    = "Metadata of the host, with the token of its account"
    protocol       = "TCP"
    port           = 80
    v4_cidr_blocks = ["169.254.169.254/32"]
  }

  egress {
    description    = "Valkey over TLS"
    protocol       = "TCP"
    port           = 6380
    v4_cidr_blocks = [for subnet in var.subnets : subnet.cidr]
  }

  egress {
    description    = "PostgreSQL: the catalog, from the shipper"
    protocol       = "TCP"
    port           = 6432
    v4_cidr_blocks = [for subnet in var.subnets : subnet.cidr]
  }
}

resource "yandex_vpc_security_group" "airflow" {
  name       = "${var.prefix}-airflow"
  folder_id  = var.folder_id
  network_id = yandex_vpc_network.this.id
  labels     = var.labels

  ingress {
    description    = "Airflow"
    protocol       = "TCP"
    port           = 8443
    v4_cidr_blocks = var.operators
  }

  ingress {
    description    = "SSH"
    protocol       = "TCP"
    port           = 22
    v4_cidr_blocks = var.operators
  }

  ingress {
    description       = "MLflow, which jobs write to"
    protocol          = "TCP"
    port              = 5000
    security_group_id = yandex_vpc_security_group.cluster.id
  }

  egress {
    description    = "APIs and storage of the cloud, package registries"
    protocol       = "TCP"
    port           = 443
    v4_cidr_blocks = ["0.0.0.0/0"]
  }

  egress {
    description    = "Names"
    protocol       = "UDP"
    port           = 53
    v4_cidr_blocks = [for subnet in var.subnets : subnet.cidr]
  }

  egress {
    description    = "Metadata of the host, with the token of its account"
    protocol       = "TCP"
    port           = 80
    v4_cidr_blocks = ["169.254.169.254/32"]
  }

  egress {
    description    = "PostgreSQL"
    protocol       = "TCP"
    port           = 6432
    v4_cidr_blocks = [for subnet in var.subnets : subnet.cidr]
  }
}

# Spark opens ports of its own choice between its hosts, so all traffic inside the group is allowed.
resource "yandex_vpc_security_group" "cluster" {
  name       = "${var.prefix}-cluster"
  folder_id  = var.folder_id
  network_id = yandex_vpc_network.this.id
  labels     = var.labels

  ingress {
    description       = "Hosts of one cluster"
    protocol          = "ANY"
    from_port         = 0
    to_port           = 65535
    predefined_target = "self_security_group"
  }

  egress {
    description       = "Hosts of one cluster"
    protocol          = "ANY"
    from_port         = 0
    to_port           = 65535
    predefined_target = "self_security_group"
  }

  egress {
    description    = "APIs and storage of the cloud, package registries"
    protocol       = "TCP"
    port           = 443
    v4_cidr_blocks = ["0.0.0.0/0"]
  }

  egress {
    description    = "Names"
    protocol       = "UDP"
    port           = 53
    v4_cidr_blocks = [for subnet in var.subnets : subnet.cidr]
  }

  egress {
    description    = "Time"
    protocol       = "UDP"
    port           = 123
    v4_cidr_blocks = ["0.0.0.0/0"]
  }

  egress {
    description    = "Metadata of the host, with the token of its account"
    protocol       = "TCP"
    port           = 80
    v4_cidr_blocks = ["169.254.169.254/32"]
  }

  egress {
    description    = "PostgreSQL"
    protocol       = "TCP"
    port           = 6432
    v4_cidr_blocks = [for subnet in var.subnets : subnet.cidr]
  }

  egress {
    description    = "MLflow"
    protocol       = "TCP"
    port           = 5000
    v4_cidr_blocks = [for subnet in var.subnets : subnet.cidr]
  }
}

resource "yandex_vpc_security_group" "database" {
  name       = "${var.prefix}-database"
  folder_id  = var.folder_id
  network_id = yandex_vpc_network.this.id
  labels     = var.labels

  ingress {
    description       = "Airflow and MLflow"
    protocol          = "TCP"
    port              = 6432
    security_group_id = yandex_vpc_security_group.airflow.id
  }

  ingress {
    description       = "The catalog, from shippers"
    protocol          = "TCP"
    port              = 6432
    security_group_id = yandex_vpc_security_group.scorers.id
  }

  ingress {
    description       = "The catalog, from jobs"
    protocol          = "TCP"
    port              = 6432
    security_group_id = yandex_vpc_security_group.cluster.id
  }
}

resource "yandex_vpc_security_group" "cache" {
  name       = "${var.prefix}-cache"
  folder_id  = var.folder_id
  network_id = yandex_vpc_network.this.id
  labels     = var.labels

  ingress {
    description       = "Scorers"
    protocol          = "TCP"
    port              = 6380
    security_group_id = yandex_vpc_security_group.scorers.id
  }
}
