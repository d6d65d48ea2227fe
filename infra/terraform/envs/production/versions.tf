# The bucket and the address of the lock's database are the account's own: `-backend-config=state.config`.
terraform {
  required_version = ">= 1.11, < 2.0"

  required_providers {
    yandex = {
      source  = "yandex-cloud/yandex"
      version = "~> 0.222.0"
    }
  }

  backend "s3" {
    key            = "antifraud/production.tfstate"
    region         = "ru-central1"
    dynamodb_table = "terraform-locks"

    endpoints = {
      s3 = "https://storage.yandexcloud.net"
    }

    skip_region_validation      = true
    skip_credentials_validation = true
    skip_requesting_account_id  = true
    skip_s3_checksum            = true
  }
}
