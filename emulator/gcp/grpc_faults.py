"""Faults as gRPC status codes."""

import grpc

from emulator.faults import Fault

_STATUS = {
    "throttle": (grpc.StatusCode.RESOURCE_EXHAUSTED, "Quota exceeded for quota metric 'Read requests' per minute."),
    "server_error": (grpc.StatusCode.UNAVAILABLE, "The service is currently unavailable."),
    "cut": (grpc.StatusCode.UNAVAILABLE, "Socket closed"),
    "forbidden": (grpc.StatusCode.PERMISSION_DENIED, "Permission denied (or the resource may not exist)."),
    "expired": (grpc.StatusCode.UNAUTHENTICATED, "Request had invalid authentication credentials."),
}


def refuse(fault: Fault | None, context: grpc.ServicerContext) -> None:
    """End the call with the fault's status where the fault is an error; other faults change the answer instead."""
    if fault is not None and fault.kind in _STATUS:
        context.abort(*_STATUS[fault.kind])
