"""Cost exports in a blob container: read as a folder is, and unchanged runs not again."""

from collections.abc import Iterator

import pytest
from azure.storage.blob import BlobServiceClient

from emulator.azure.exports import Export, run, to_container
from ingest.config_azure import AzureSources
from ingest.contracts import Context
from ingest.errors import ConfigError, EmptyAnswer
from ingest.files import open_folder
from ingest.sources import azure_cost
from ingest.sources.azure_cost_shapes import FOCUS
from tests import azurite
from tests.ingest.azure.conftest import AS_OF
from tests.ingest.azure.exported import NOVEMBER, total, visible


@pytest.fixture(scope="module")
def blobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with azurite.serving(tmp_path_factory.mktemp("azurite")) as connection:
        yield connection


def test_azure_6_a_container_reads_as_a_folder_does(cost_world, cost_context, tmp_path, blobs):
    with BlobServiceClient.from_connection_string(blobs, api_version="2025-11-05") as service:
        container = service.create_container("exports")
        for kind, name, form in (("ActualCost", "actual", "csv.gz"), ("FocusCost", "focus", "parquet")):
            run(
                cost_world.folder("azure"),
                Export(kind, name, form=form, partitions=2),
                NOVEMBER,
                AS_OF,
                to_container(container),
            )
    settings = cost_context.settings.model_copy(update={"azure_blob_connection_string": blobs})
    with open_folder("az://exports/cost", settings) as folder:
        assert {file.matches("*.json") for file in folder.files()} == {True, False}
        azure_cost.load_files(cost_context, folder, None)
    assert total(cost_context) == total(cost_context, FOCUS, "BilledCost") == visible(cost_world)
    with pytest.raises(EmptyAnswer, match="no file"), open_folder("az://exports/elsewhere", settings):
        pass
    with pytest.raises(ConfigError, match="no such container"), open_folder("az://nothing/x", settings):
        pass


def test_the_configured_exports_are_the_bill_and_unchanged_runs_are_not_read_again(
    cost_world, cost_context, tmp_path, blobs
):
    with BlobServiceClient.from_connection_string(blobs, api_version="2025-11-05") as service:
        container = service.create_container("routed")
        for kind in ("ActualCost", "AmortizedCost"):
            run(cost_world.folder("azure"), Export(kind, kind.lower()), NOVEMBER, AS_OF, to_container(container))
    changes = {"route": "export", "exports": [{"name": "nightly", "location": "az://routed/cost"}]}
    azure = AzureSources.model_validate(cost_context.config.azure.model_dump() | changes)
    settings = cost_context.settings.model_copy(update={"azure_blob_connection_string": blobs})
    config = cost_context.config.model_copy(update={"azure_section": azure})
    made = Context(settings, config, cost_context.landing, cost_context.run)
    results = azure_cost.load(made, None)
    assert {(result.stream, result.scope.split("-")[1]) for result in results} == {
        ("ea_costs", "actual"),
        ("ea_costs", "amortized"),
    }
    assert total(made, view="actual") == visible(cost_world)
    assert azure_cost.load(made, None) == []
