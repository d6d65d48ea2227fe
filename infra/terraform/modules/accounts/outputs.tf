output "ids" {
  description = "Service accounts by name."
  value       = { for name, account in yandex_iam_service_account.this : name => account.id }
}
