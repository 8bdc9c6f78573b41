"""Tables of a gateway's log in every form that they leave Azure in, by hand."""

import csv
import gzip
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ingest.config import load_sources
from ingest.contracts import Context
from ingest.files import open_folder
from ingest.landing import Landing
from ingest.run import Run
from ingest.settings import Settings
from ingest.sources import azure_gateway_log

ROOT = Path(__file__).parents[3]


AS_OF = datetime(2026, 11, 18, 6, tzinfo=UTC)


PLACE = "10900000-0000-4000-8000-0000000000a1"


LLM = ("TenantId", "TimeGenerated", "CorrelationId", "DeploymentName", "ModelName", "PromptTokens", "CompletionTokens",
       "TotalTokens", "IsStreamCompletion", "SequenceNumber")  # fmt: skip


HOPS = (
    "TimeGenerated",
    "CorrelationId",
    "ApimSubscriptionId",
    "ProductId",
    "ApiId",
    "UserId",
    "ResponseCode",
    "BackendUrl",
)


BACKEND = "https://oai-shared.openai.azure.com/openai/deployments/gpt-4o/chat/completions"


def request(number: int, hour: int = 10, prompt: int = 100, completion: int = 20) -> list[dict[str, Any]]:
    """A request as the log writes it: one row with the tokens, and two with parts of its messages."""
    base = {
        "TenantId": PLACE,
        "CorrelationId": f"c-{number}",
        "DeploymentName": "",
        "ModelName": "",
        "PromptTokens": 0,
        "CompletionTokens": 0,
        "TotalTokens": 0,
        "IsStreamCompletion": False,
    }
    told = {"DeploymentName": "gpt-4o", "ModelName": "gpt-4o-2024-11-20", "PromptTokens": prompt,
            "CompletionTokens": completion, "TotalTokens": prompt + completion}  # fmt: skip
    times = [f"2026-11-16T{hour:02d}:30:00.{part}234567Z" for part in range(3)]
    return [
        base | told | {"TimeGenerated": times[0], "SequenceNumber": 0},
        *(base | {"TimeGenerated": times[part], "SequenceNumber": part} for part in (1, 2)),
    ]


def hop(number: int, key: str = "apim-docs", code: int = 200) -> dict[str, Any]:
    return {
        "TimeGenerated": "2026-11-16T10:30:00.0234567Z",
        "CorrelationId": f"c-{number}",
        "ApimSubscriptionId": key,
        "ProductId": "ai-gateway",
        "ApiId": "azure-openai",
        "UserId": "",
        "ResponseCode": code,
        "BackendUrl": BACKEND,
    }


REQUESTS = [row for number in range(6) for row in request(number, hour=10 + number // 4)]


HOP_ROWS = [
    hop(number, "apim-docs" if number % 2 else "apim-mobile", 429 if number == 5 else 200) for number in range(6)
]


# hour 10 has requests 0..3, hour 11 has 4 and 5, of which the last was refused
EXPECTED = {
    (10, "apim-mobile"): (200, 40, 2, 0),
    (10, "apim-docs"): (200, 40, 2, 0),
    (11, "apim-mobile"): (100, 20, 1, 0),
    (11, "apim-docs"): (100, 20, 0, 1),
}


def as_csv(names: tuple[str, ...], rows: list[dict[str, Any]], rename: Callable[[str], str] = str) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, names, extrasaction="ignore")
    out.write(",".join(rename(name) for name in names) + "\n")
    writer.writerows(rows)
    return out.getvalue().encode()


def as_lines(rows: list[dict[str, Any]]) -> bytes:
    return "\n".join(json.dumps(row) for row in rows).encode()


def as_archive(rows: list[dict[str, Any]], category: str) -> bytes:
    """Records of a diagnostic archive, columns inside `properties`."""
    records = [
        {"time": row["TimeGenerated"], "category": category, "correlationId": row["CorrelationId"], "properties":
            {name[0].lower() + name[1:]: value for name, value in row.items() if name not in ("TimeGenerated",)}}
        for row in rows
    ]  # fmt: skip
    return json.dumps({"records": records}).encode()


def as_answer(names: tuple[str, ...], rows: list[dict[str, Any]]) -> bytes:
    columns = [{"name": name, "type": "string"} for name in names]
    values = [[row.get(name) for name in names] for row in rows]
    return json.dumps({"tables": [{"name": "PrimaryResult", "columns": columns, "rows": values}]}).encode()


def as_parquet(rows: list[dict[str, Any]]) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), out)
    return out.getvalue()


def portal_time(row: dict[str, Any]) -> dict[str, Any]:
    moment = datetime.fromisoformat(row["TimeGenerated"])
    return row | {"TimeGenerated": moment.strftime("%m/%d/%Y, %I:%M:%S.%f %p")[:-6] + moment.strftime(" %p")}


def utc(name: str) -> str:
    return f"{name} [UTC]" if name == "TimeGenerated" else name


def context_at(home: Path) -> Context:
    settings = Settings(home=home, config_dir=ROOT / "config")
    run = Run("run-1", AS_OF)
    return Context(settings, load_sources(ROOT / "config" / "sources.yml"), Landing(settings.landing_root, run), run)


def load(made: Context, folder: Path) -> list[Any]:
    with open_folder(str(folder), made.settings) as opened:
        return azure_gateway_log.load_files(made, opened, None)


def put(folder: Path, **files: bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_bytes(content)
    return folder


def summed(made: Context) -> dict[tuple[int, str], tuple[int, int, int, int]]:
    return {
        (row["TimeGenerated"].hour, row["ApimSubscriptionId"]): (
            row["PromptTokens"], row["CompletionTokens"], row["Requests"], row["Errors"],
        )
        for row in made.landing.read(azure_gateway_log.REQUESTS, scope=PLACE).to_pylist()
    }  # fmt: skip


FORMS = {
    "portal csv": (
        as_csv(LLM, [portal_time(row) for row in REQUESTS], utc),
        as_csv(HOPS, [portal_time(row) for row in HOP_ROWS], utc),
    ),
    "csv with a byte order mark, gzipped": (
        gzip.compress(b"\xef\xbb\xbf" + as_csv(LLM, REQUESTS)),
        gzip.compress(as_csv(HOPS, HOP_ROWS, str.lower)),
    ),
    "json lines": (as_lines(REQUESTS), as_lines(HOP_ROWS)),
    "diagnostic archive": (as_archive(REQUESTS, "GatewayLlmLogs"), as_archive(HOP_ROWS, "GatewayLogs")),
    "answer of a query": (as_answer(LLM, REQUESTS), as_answer(HOPS, HOP_ROWS)),
    "parquet": (as_parquet(REQUESTS), as_parquet(HOP_ROWS)),
    "the other order, in reverse": (as_csv(LLM, REQUESTS[::-1]), as_csv(HOPS, HOP_ROWS[::-1])),
}
