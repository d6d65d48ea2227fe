resource "yandex_compute_instance" "this" {
  name                      = "${var.prefix}-airflow"
  hostname                  = "${var.prefix}-airflow"
  folder_id                 = var.folder_id
  zone                      = var.subnet.zone
  platform_id               = "standard-v3"
  service_account_id        = var.account_id
  allow_stopping_for_update = true
  labels                    = var.labels

  resources {
    cores  = var.size.cores
    memory = var.size.memory_gb
  }

  boot_disk {
    auto_delete = true

    initialize_params {
      image_id   = var.image_id
      type       = "network-ssd"
      size       = var.size.disk_gb
      kms_key_id = var.kms_key_id
    }
  }

  network_interface {
    subnet_id          = var.subnet.id
    security_group_ids = [var.security_group_id]
    nat                = false
  }

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
