output "name" {
  description = "Name of the bucket, once it exists."
  value       = yandex_storage_bucket.this.bucket
}
