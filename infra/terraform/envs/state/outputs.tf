output "bucket" {
  description = "Name of the bucket, for the line `bucket` of state.config."
  value       = module.bucket.name
}
