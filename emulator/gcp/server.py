"""Starts the local Google Cloud on loop-back ports: BigQuery over HTTP; Storage Read, Monitoring, Logging over gRPC."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc

from emulator.clock import Clock
from emulator.faults import Faults
from emulator.gcp.jobs import Jobs
from emulator.gcp.logging import Logging
from emulator.gcp.monitoring import Monitoring
from emulator.gcp.objects import start_objects
from emulator.gcp.permissions import Permissions
from emulator.gcp.rest import BigQuery, BigQueryServer
from emulator.gcp.storage import StorageRead, Streams
from emulator.gcp.warehouse import Warehouse
from emulator.service import Service

WORKERS = 4


def start(
    folder: Path,
    clock: Clock,
    faults: Faults,
    *,
    port: int = 0,
    grpc_port: int = 0,
    tables: tuple[str, ...] = ("detailed",),
    permissions: Permissions | None = None,
) -> Service:
    """Serve what `bill.write` left in `folder`; port 0 takes a free one. Raises OSError when a port is taken.

    `tables` are the exports of the same rows that are served: detailed, standard, focus, pricing. Folders below
    `buckets` are served as buckets of Cloud Storage. `permissions` are those of the caller, all when None.
    """
    granted = permissions or Permissions()
    warehouse = Warehouse(folder, tables)
    jobs = Jobs(warehouse)
    http = BigQueryServer(port, BigQuery(warehouse, jobs, clock), faults, granted)
    thread = threading.Thread(target=http.serve_forever, name="emulator-bigquery", daemon=True)
    thread.start()

    storage = StorageRead(warehouse, jobs, clock, faults, Streams(), granted)
    monitoring, logs = Monitoring(folder, clock, faults, granted), Logging(folder, clock, faults, granted)
    try:
        channel, bound = _channel(grpc_port, (storage.handlers(), monitoring.handlers(), logs.handlers()))
    except OSError:
        http.shutdown()
        http.server_close()
        raise
    channel.start()
    objects = start_objects(folder / "buckets", faults)

    def stop() -> None:
        http.shutdown()
        http.server_close()
        thread.join(timeout=5)
        channel.stop(grace=0.5).wait()
        objects.stop()
        warehouse.close()

    env = {
        "INFERLEDGER_GCP_BIGQUERY_ENDPOINT": f"http://127.0.0.1:{http.server_address[1]}",
        "INFERLEDGER_GCP_BIGQUERY_STORAGE_ENDPOINT": f"127.0.0.1:{bound}",
        "INFERLEDGER_GCP_MONITORING_ENDPOINT": f"127.0.0.1:{bound}",
        "INFERLEDGER_GCP_LOGGING_ENDPOINT": f"127.0.0.1:{bound}",
    }
    return Service(env | objects.env, stop)


def _channel(port: int, handlers: Sequence[grpc.GenericRpcHandler]) -> tuple[grpc.Server, int]:
    """A server of these services and its port. Raises OSError when the port is taken instead of sharing it."""
    channel = grpc.server(ThreadPoolExecutor(WORKERS, "emulator-google"), options=[("grpc.so_reuseport", 0)])
    channel.add_generic_rpc_handlers(handlers)
    try:
        return channel, channel.add_insecure_port(f"127.0.0.1:{port}")
    except RuntimeError as error:
        raise OSError(f"port {port} is taken") from error
