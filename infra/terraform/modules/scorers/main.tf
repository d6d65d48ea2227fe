resource "yandex_compute_instance_group" "this" {
  name                = "${var.prefix}-scorers"
  folder_id           = var.folder_id
  service_account_id  = var.scaler_account_id
  deletion_protection = false
  labels              = var.labels

  # Hosts are replaced one by one, and only after the new one answers: a swap never leaves less than the group's size.
  deploy_policy {
    max_expansion    = 1
    max_unavailable  = 0
    max_creating     = 1
    max_deleting     = 1
    startup_duration = 60
    strategy         = "proactive"
  }

  allocation_policy {
    zones = [for subnet in var.subnets : subnet.zone]
  }

  scale_policy {
    fixed_scale {
      size = var.size.hosts
    }
  }

  health_check {
    interval            = 10
    timeout             = 3
    healthy_threshold   = 2
    unhealthy_threshold = 3

    http_options {
      path = "/healthz"
      port = 8080
    }
  }

  application_load_balancer {
    target_group_name            = "${var.prefix}-scorers"
    max_opening_traffic_duration = 300
  }

  instance_template {
    name               = "${var.prefix}-scorer-{instance.index}"
    platform_id        = "standard-v3"
    service_account_id = var.account_id
    labels             = var.labels

    resources {
      cores  = var.size.cores
      memory = var.size.memory_gb
    }

    boot_disk {
      mode = "READ_WRITE"

      initialize_params {
        image_id = var.image_id
        type     = "network-ssd"
        size     = var.size.disk_gb
      }
    }

    network_interface {
      network_id         = var.network_id
      subnet_ids         = [for subnet in var.subnets : subnet.id]
      security_group_ids = [var.security_group_id]
      nat                = false
    }

    # The token of the account comes from the metadata service; its older, unprotected form is switched off.
    metadata_options {
      gce_http_endpoint    = 1
      gce_http_token       = 1
      aws_v1_http_endpoint = 2
      aws_v1_http_token    = 2
    }

    metadata = {
      serial-port-enable = "0"
      user-data          = var.user_data
    }
  }
}
