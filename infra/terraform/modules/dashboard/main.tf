locals {
  # One entry a chart, in the order of the page: two charts in a row, each half as wide as the page.
  charts = [
    { id = "requests", title = "Requests a second by status", query = "\"load_balancer.requests_count_per_second\"{service=\"application-load-balancer\", load_balancer=\"${var.balancer_id}\", code=\"*\"}" },
    { id = "latency", title = "Latency of answers, milliseconds", query = "\"load_balancer.request_processing_time.p99\"{service=\"application-load-balancer\", load_balancer=\"${var.balancer_id}\"}" },
    { id = "scorers", title = "Processor time of scorers, percent", query = "\"cpu_usage\"{service=\"compute\", instance_group_id=\"${var.scorer_group_id}\"}" },
    { id = "airflow", title = "Processor time of the Airflow host, percent", query = "\"cpu_usage\"{service=\"compute\", resource_id=\"${var.airflow_id}\"}" },
    { id = "database", title = "Free disk of PostgreSQL, bytes", query = "\"disk.free_bytes\"{service=\"managed-postgresql\", resource_id=\"${var.database_id}\"}" },
    { id = "cache", title = "Used memory of Valkey, bytes", query = "\"redis_used_memory\"{service=\"managed-redis\", resource_id=\"${var.cache_id}\"}" },
  ]
}

resource "yandex_monitoring_dashboard" "this" {
  name        = "${var.prefix}-platform"
  title       = "Anti-fraud platform, ${var.prefix}"
  description = "What an operator looks at first"
  folder_id   = var.folder_id
  labels      = var.labels

  dynamic "widgets" {
    for_each = local.charts

    content {
      position {
        x = 18 * (widgets.key % 2)
        y = 8 * floor(widgets.key / 2)
        w = 18
        h = 8
      }

      chart {
        chart_id       = widgets.value.id
        title          = widgets.value.title
        display_legend = true

        queries {
          target {
            query     = widgets.value.query
            text_mode = true
          }
        }
      }
    }
  }
}
