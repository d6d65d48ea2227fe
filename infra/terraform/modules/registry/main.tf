locals {
  images = toset(["scorer", "airflow"])
}

resource "yandex_container_registry" "this" {
  name      = var.prefix
  folder_id = var.folder_id
  labels    = var.labels
}

resource "yandex_container_repository" "this" {
  for_each = local.images

  name = "${yandex_container_registry.this.id}/${each.key}"
}
