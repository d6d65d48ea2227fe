"""Check calls as the real API does before it acts: they need a token, and requests must follow the declarations."""

import re

import grpc
from yandex.cloud import validation_pb2

TOKEN = "t1.token-of-the-double"
OPEN = ("/yandex.cloud.iam.v1.IamTokenService/", "/yandex.cloud.endpoint.ApiEndpointService/")


class Guard(grpc.ServerInterceptor):
    """Refuse calls without a token, except to the services that give tokens and addresses."""

    def intercept_service(self, continuation, handler_call_details):
        """Return the handler of a call, or one that refuses it."""
        metadata = dict(handler_call_details.invocation_metadata)
        if handler_call_details.method.startswith(OPEN) or metadata.get("authorization") == f"Bearer {TOKEN}":
            return continuation(handler_call_details)
        return grpc.unary_unary_rpc_method_handler(
            lambda _request, context: context.abort(grpc.StatusCode.UNAUTHENTICATED, "the token is invalid")
        )


def faults_of(message, path=""):
    """Yield what the declarations of the protocol forbid in a message: required fields and patterns of texts."""
    for field in message.DESCRIPTOR.fields:
        options, value = field.GetOptions(), getattr(message, field.name)
        name = f"{path}{field.name}"
        if options.Extensions[validation_pb2.required] and not _is_set(message, field, value):
            yield f"{name} is required"
        pattern = options.Extensions[validation_pb2.pattern]
        if pattern and isinstance(value, str) and not re.fullmatch(pattern, value):
            yield f"{name} does not match {pattern}"
        if field.message_type and not field.message_type.GetOptions().map_entry:
            yield from _inner(message, field, value, name)


def _is_set(message, field, value):
    if field.message_type and not isinstance(value, list) and field.has_presence:
        return message.HasField(field.name)
    return bool(value)


def _inner(message, field, value, name):
    if field.has_presence:
        if message.HasField(field.name):
            yield from faults_of(value, f"{name}.")
    else:
        for each in value:
            yield from faults_of(each, f"{name}.")
