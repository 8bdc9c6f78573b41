"""What a switched-on fault does to a call of the local Azure."""

from emulator.azure.authorization import ACTIONS
from emulator.azure.throttle import throttled
from emulator.azure.wire import AzureError, Reply
from emulator.faults import Fault


def strike(operation: str, fault: Fault | None) -> None:
    """Refuse the call as the fault says; raises Azure's own error."""
    if fault is None:
        return
    if fault.kind == "throttle":
        raise throttled(fault.retry_after)
    if fault.kind == "server_error":
        raise AzureError(fault.status, "ServiceUnavailable", "The service is temporarily unavailable.")
    if fault.kind == "forbidden":
        action = ACTIONS.get(operation, operation)
        message = f"The client does not have authorization to perform action '{action}' over the scope."
        raise AzureError(fault.status, "AuthorizationFailed", message)
    if fault.kind == "expired":
        raise AzureError(fault.status, "ExpiredAuthenticationToken", "The access token expiry UTC time has passed.")


def emptied(operation: str, reply: Reply) -> Reply:
    """The same answer with nothing in it."""
    if operation == "query":
        return Reply(204)
    if operation == "logs_query":
        return Reply(200, {"tables": [{**table, "rows": []} for table in reply.body["tables"]]})
    if operation == "metrics_batch":
        values = [
            {**one, "value": [{**metric, "timeseries": []} for metric in one["value"]]} for one in reply.body["values"]
        ]
        return Reply(200, {"values": values})
    return Reply(200, {"value": []})
