output "ids" {
  description = "Ids of the secrets; the values stay in Lockbox."
  value = merge(
    { for name, secret in yandex_lockbox_secret.by_hand : name => secret.id },
    {
      raw-storage     = yandex_lockbox_secret.storage["raw"].id
      lake-storage    = yandex_lockbox_secret.storage["lake"].id
      shipper-storage = yandex_lockbox_secret.storage["shipper"].id
    },
  )
}
