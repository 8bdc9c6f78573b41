"""The configured cost exports: what they delivered since the last run is read, and nothing twice."""

from datetime import datetime

from ingest.contracts import Context, LoadResult
from ingest.files import open_folder
from ingest.run import Window
from ingest.sources.azure_cost_deliveries import Delivery, find
from ingest.sources.azure_cost_files import inside, land
from ingest.sources.azure_cost_shapes import SOURCE


def load_exports(context: Context, window: Window) -> list[LoadResult]:
    """Land what the configured exports delivered for months in `window`; a delivery that was read is not read again.

    Raises:
        EmptyAnswer: an export's folder is empty.
        ConfigError, PermissionDenied, CorruptFile, Shrunk, SchemaChanged: as the folder is read.
    """
    results: list[LoadResult] = []
    for export in context.config.azure.exports:
        known: dict[str, str] = context.landing.read_state(SOURCE, f"export-{export.name}")
        with open_folder(export.location, context.settings) as folder:
            found = find(folder)
            fresh = [delivery for delivery in found.deliveries if known.get(_delivered(delivery)) != delivery.mark]
            fresh = [one for one in fresh if not one.span or any(inside(month, window) for month in one.wanted)]
            if fresh:
                results += land(context, folder, fresh, window, told=found.passed_over)
        known |= {_delivered(delivery): delivery.mark for delivery in fresh}
        context.landing.write_state(SOURCE, f"export-{export.name}", known)
    if not results:
        for account, day in context.landing.read_state(SOURCE, "accounts").items():
            context.landing.report(SOURCE, account, datetime.fromisoformat(day))
    return results


def _delivered(delivery: Delivery) -> str:
    return f"{delivery.scope_kind} {delivery.scope_id} {delivery.view} {delivery.name}"
