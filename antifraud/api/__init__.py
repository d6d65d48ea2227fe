"""The scorer's HTTP interface as types: requests, answers, problems, and the OpenAPI document made from them."""
