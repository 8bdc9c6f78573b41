"""Which of an account's export tables are there, and where: found by their names in the datasets of `sources.yml`."""

from dataclasses import dataclass
from fnmatch import fnmatch

from ingest.config_gcp import GcpBillingExport
from ingest.errors import ConfigError, EmptyAnswer
from ingest.gcp_query import BigQueryReader
from ingest.settings import Settings
from ingest.sources.gcp_billing_focus import FOCUS
from ingest.sources.gcp_billing_rows import DETAILED, SOURCE, STANDARD, ExportKind, field_paths

# the most detailed first
KINDS = (DETAILED, STANDARD, FOCUS)
PRICING = "pricing"
PRICING_TABLE = "cloud_pricing_export"


@dataclass(frozen=True)
class ExportTable:
    """One export table and the reader that asks for it.

    Attributes:
        kind: what it is; None for the pricing export.
        name: its own name.
        place: `project.dataset.table`.
        paths: its columns and all they hold: `sku`, `sku.id`, ...
    """

    kind: ExportKind | None
    name: str
    place: str
    paths: tuple[str, ...]
    reader: BigQueryReader


def find_tables(settings: Settings, export: GcpBillingExport) -> list[ExportTable]:
    """The tables to read: those that `tables` names, or else the most detailed one that is there.

    Raises:
        EmptyAnswer: a named table, or any table of the account, is not there.
        ConfigError: a table lies in several datasets.
        PermissionDenied, CredentialExpired, Unreachable: looking is not possible.
    """
    reader = new_reader(settings, export, export.location)
    places = _places(reader, export)
    wanted = list(export.tables) or [kind.name for kind in KINDS if kind.table(export.billing_account_id) in places][:1]
    account = export.billing_account_id
    names = {kind.name: kind.table(account) for kind in KINDS} | {PRICING: PRICING_TABLE}
    missing = [name for name in wanted if names[name] not in places]
    if missing or not wanted:
        looked_for = " and ".join(missing) or "billing"
        raise EmptyAnswer(
            f"{SOURCE}: dataset {export.project}.{export.dataset} holds no {looked_for} export of account {account}.",
            "Switch on the detailed usage cost export in Billing > Billing export, or correct sources.yml.",
        )
    kinds = {kind.name: kind for kind in KINDS}
    return [
        _table(settings, export, reader, kinds.get(name), f"{export.project}.{places[names[name]]}.{names[name]}")
        for name in wanted
    ]


def new_reader(settings: Settings, export: GcpBillingExport, location: str) -> BigQueryReader:
    """A reader of the export's project."""
    what = f"{SOURCE}: {export.project}.{export.dataset}"
    return BigQueryReader(settings, what=what, project=export.project, location=location)


def _table(
    settings: Settings, export: GcpBillingExport, reader: BigQueryReader, kind: ExportKind | None, place: str
) -> ExportTable:
    resource = reader.table(place)
    location: str = resource.location or export.location
    # one dataset has the location that sources.yml says; among several each table knows its own
    is_elsewhere = place.split(".")[1] != export.dataset and location.upper() != export.location.upper()
    found = new_reader(settings, export, location) if is_elsewhere else reader
    return ExportTable(kind, place.rpartition(".")[2], place, tuple(field_paths(resource.schema)), found)


def _places(reader: BigQueryReader, export: GcpBillingExport) -> dict[str, str]:
    """The dataset of each table, in the datasets that the configuration means."""
    found: dict[str, str] = {}
    for dataset in _datasets(reader, export):
        for table in reader.tables(dataset):
            if table in found and table != PRICING_TABLE:
                raise ConfigError(
                    f"{SOURCE}: {table} lies in datasets {found[table]} and {dataset} of {export.project}.",
                    "Name the right one as `dataset` in sources.yml.",
                )
            found[table] = dataset
    return found


def _datasets(reader: BigQueryReader, export: GcpBillingExport) -> list[str]:
    own = f"gcp_billing_immutable_{export.billing_account_id.replace('-', '_')}_*"
    wants_focus = FOCUS.name in export.tables
    if "*" not in export.dataset and not wants_focus:
        return [export.dataset]
    patterns = (export.dataset, own) if wants_focus else (export.dataset,)
    found = [name for name in reader.datasets() if any(fnmatch(name, pattern) for pattern in patterns)]
    if not found:
        raise EmptyAnswer(
            f"{SOURCE}: project {export.project} shows no dataset like {' or '.join(patterns)}.",
            "Correct `dataset` in sources.yml, or grant roles/bigquery.dataViewer on the dataset.",
        )
    return found
