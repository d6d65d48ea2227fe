output "buckets" {
  description = "Names of the buckets."
  value       = { for name, bucket in module.bucket : name => bucket.name }
}

output "keys" {
  description = "Ids of the keys that encrypt."
  value       = { for name, key in yandex_kms_symmetric_key.this : name => key.id }
}
