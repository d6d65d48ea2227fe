output "groups" {
  description = "Log groups by what writes to them."
  value       = { for name, group in yandex_logging_group.this : name => group.id }
}
