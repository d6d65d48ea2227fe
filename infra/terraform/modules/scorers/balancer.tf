resource "yandex_vpc_address" "balancer" {
  name                = "${var.prefix}-balancer"
  folder_id           = var.folder_id
  deletion_protection = true
  labels              = var.labels

  external_ipv4_address {
    zone_id = var.address_zone
  }
}

resource "yandex_dns_zone" "this" {
  name                = "${var.prefix}-zone"
  folder_id           = var.folder_id
  zone                = "${var.domain}."
  public              = true
  deletion_protection = true
  labels              = var.labels
}

resource "yandex_cm_certificate" "this" {
  name                = "${var.prefix}-scorers"
  folder_id           = var.folder_id
  domains             = [var.domain]
  deletion_protection = true
  labels              = var.labels

  managed {
    challenge_type = "DNS_CNAME"
  }
}

# The cloud renews the certificate as long as this record shows that the domain is ours.
resource "yandex_dns_recordset" "challenge" {
  zone_id = yandex_dns_zone.this.id
  name    = yandex_cm_certificate.this.challenges[0].dns_name
  type    = yandex_cm_certificate.this.challenges[0].dns_type
  data    = [yandex_cm_certificate.this.challenges[0].dns_value]
  ttl     = 300
}

resource "yandex_dns_recordset" "scorers" {
  zone_id = yandex_dns_zone.this.id
  name    = "${var.domain}."
  type    = "A"
  data    = [yandex_vpc_address.balancer.external_ipv4_address[0].address]
  ttl     = 300
}

# Inside the network the same name leads to the inner listener, so that its certificate fits.
resource "yandex_dns_zone" "inside" {
  name                = "${var.prefix}-inside"
  folder_id           = var.folder_id
  zone                = "${var.domain}."
  public              = false
  private_networks    = [var.network_id]
  deletion_protection = true
  labels              = var.labels
}

resource "yandex_dns_recordset" "inside" {
  zone_id = yandex_dns_zone.inside.id
  name    = "${var.domain}."
  type    = "A"
  data    = [yandex_alb_load_balancer.this.listener[1].endpoint[0].address[0].internal_ipv4_address[0].address]
  ttl     = 300
}

resource "yandex_alb_backend_group" "this" {
  name      = "${var.prefix}-scorers"
  folder_id = var.folder_id
  labels    = var.labels

  http_backend {
    name             = "scorers"
    port             = 8080
    weight           = 1
    http2            = false
    target_group_ids = [yandex_compute_instance_group.this.application_load_balancer[0].target_group_id]

    load_balancing_config {
      panic_threshold = 50
    }

    # /readyz is 503 while a scorer refuses decisions, so requests go to hosts that take them.
    healthcheck {
      interval            = "2s"
      timeout             = "1s"
      healthy_threshold   = 2
      unhealthy_threshold = 2
      healthcheck_port    = 8080

      http_healthcheck {
        path = "/readyz"
      }
    }
  }
}

resource "yandex_alb_http_router" "this" {
  name      = "${var.prefix}-scorers"
  folder_id = var.folder_id
  labels    = var.labels
}

# The balancer sends no request twice: a repeat must come from the client, with the same transaction id.
resource "yandex_alb_virtual_host" "this" {
  name           = "scorers"
  http_router_id = yandex_alb_http_router.this.id
  authority      = [var.domain]

  route {
    name = "api"

    http_route {
      http_match {
        path {
          prefix = "/v1/"
        }
      }

      http_route_action {
        backend_group_id = yandex_alb_backend_group.this.id
        timeout          = "5s"
      }
    }
  }
}

resource "yandex_alb_load_balancer" "this" {
  name               = "${var.prefix}-scorers"
  folder_id          = var.folder_id
  network_id         = var.network_id
  security_group_ids = [var.balancer_group_id]
  labels             = var.labels

  allocation_policy {
    dynamic "location" {
      for_each = var.subnets

      content {
        zone_id   = location.value.zone
        subnet_id = location.value.id
      }
    }
  }

  auto_scale_policy {
    min_zone_size = 1
    max_size      = var.size.balancer_units
  }

  listener {
    name = "tls"

    endpoint {
      ports = [443]

      address {
        external_ipv4_address {
          address = yandex_vpc_address.balancer.external_ipv4_address[0].address
        }
      }
    }

    tls {
      default_handler {
        certificate_ids = [yandex_cm_certificate.this.id]

        http_handler {
          http_router_id = yandex_alb_http_router.this.id
        }
      }
    }
  }

  # Jobs leave the network through a gateway without a fixed address, so they could not be among the clients.
  listener {
    name = "inside"

    endpoint {
      ports = [443]

      address {
        internal_ipv4_address {
          subnet_id = var.home_subnet_id
        }
      }
    }

    tls {
      default_handler {
        certificate_ids = [yandex_cm_certificate.this.id]

        http_handler {
          http_router_id = yandex_alb_http_router.this.id
        }
      }
    }
  }

  log_options {
    log_group_id = var.log_group_id

    discard_rule {
      http_code_intervals = ["HTTP_2XX"]
      discard_percent     = 90
    }
  }
}
