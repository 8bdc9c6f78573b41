"""Starts the local Google Cloud on loop-back ports: BigQuery over HTTP; Storage Read, Monitoring, Logging over gRPC."""

import threading
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

    # a taken port must fail instead of being shared
    channel = grpc.server(ThreadPoolExecutor(WORKERS, "emulator-google"), options=[("grpc.so_reuseport", 0)])
    storage = StorageRead(warehouse, jobs, clock, faults, Streams(), granted)
    monitoring, logs = Monitoring(folder, clock, faults, granted), Logging(folder, clock, faults, granted)
    channel.add_generic_rpc_handlers((storage.handlers(), monitoring.handlers(), logs.handlers()))
    try:
        bound = channel.add_insecure_port(f"127.0.0.1:{grpc_port}")
    except RuntimeError as error:
        http.shutdown()
        http.server_close()
        raise OSError(f"port {grpc_port} is taken") from error
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
