"""A small world of eight weeks behind the local Google Cloud, and the real clients that talk to it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import pyarrow as pa
import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery, bigquery_storage_v1, monitoring_v3
from google.cloud.bigquery_storage_v1.services.big_query_read.transports import BigQueryReadGrpcTransport
from google.cloud.monitoring_v3.services.metric_service.transports import MetricServiceGrpcTransport

from emulator.clock import Clock
from emulator.faults import Faults
from emulator.gcp import bill
from emulator.gcp.server import start
from emulator.world import World, make_world

TABLE = "acme-billing.billing_export.gcp_billing_export_resource_v1_01A2B3_C4D5E6_F7A8B9"


@dataclass(frozen=True)
class Generated:
    """The written world and its truth."""

    world: World
    charges: pa.Table
    out_of_scope: pa.Table


@dataclass(frozen=True)
class Google:
    """The running local Google Cloud and one client of each kind."""

    folder: Path
    clock: Clock
    faults: Faults
    env: dict[str, str]
    bigquery: bigquery.Client
    storage: bigquery_storage_v1.BigQueryReadClient
    monitoring: monitoring_v3.MetricServiceClient


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Generated:
    world = make_world(tmp_path_factory.mktemp("google"), days=56)
    charges, out_of_scope = bill.write(world)
    return Generated(world, charges, out_of_scope)


@pytest.fixture
def google(generated: Generated, tmp_path: Path) -> Iterator[Google]:
    clock, faults = Clock(tmp_path / "clock.json"), Faults()
    clock.set(generated.world.as_of)
    folder = generated.world.folder("gcp")
    service = start(folder, clock, faults)
    client = bigquery.Client(
        project="acme-billing",
        location="US",
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": service.env["INFERLEDGER_GCP_BIGQUERY_ENDPOINT"]},
    )
    channel = grpc.insecure_channel(service.env["INFERLEDGER_GCP_BIGQUERY_STORAGE_ENDPOINT"])
    yield Google(
        folder,
        clock,
        faults,
        service.env,
        client,
        bigquery_storage_v1.BigQueryReadClient(transport=BigQueryReadGrpcTransport(channel=channel)),
        monitoring_v3.MetricServiceClient(transport=MetricServiceGrpcTransport(channel=channel)),
    )
    client.close()
    channel.close()
    service.stop()
