"""A log entry by hand, and the entries of the local Google Cloud as exported files."""

import gzip
import json

import pyarrow.parquet as pq

LOG = "aiplatform.googleapis.com%2Finference_request_metadata"


HAND = {
    "logName": f"projects/p-one-two/logs/{LOG}",
    "insertId": "a1",
    "timestamp": "2026-11-10T23:59:59.123456789Z",
    "resource": {"type": "aiplatform.googleapis.com/PublisherModel", "labels": {"location": "us-central1"}},
    "jsonPayload": {
        "model": "publishers/google/models/gemini-2.5-pro@default",
        "inputTokenCount": "1000",
        "cachedTokenCount": 400,
        "outputTokenCount": 50.0,
        "thoughtTokenCount": 7,
        "provisionedThroughputBurndown": {"input": 640, "output": 450},
        "latency": "1.250s",
        "requestLabels": {"team": "docs"},
    },
}


def log_entry(**payload):
    kept = {name: value for name, value in (HAND["jsonPayload"] | payload).items() if value is not None}
    return HAND | {"jsonPayload": kept}


def write_exported(rig, project, folder, *, shape):
    """The entries of a project as a log sink or gcloud writes them."""
    rows = pq.read_table(rig.world.folder("gcp") / "request_log.parquet").to_pylist()
    entries = [
        {
            "logName": f"projects/{project}/logs/{LOG}",
            "insertId": row["insert_id"],
            "timestamp": row["timestamp"].isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "severity": row["severity"],
            "resource": {"type": "aiplatform.googleapis.com/PublisherModel", "labels": {}},
            "jsonPayload": json.loads(row["payload"]),
        }
        for row in rows
        if row["project"] == project
    ]
    folder.mkdir(parents=True)
    if shape == "gcloud":
        (folder / "entries.json").write_text(json.dumps(entries[::-1]))
        return
    half = len(entries) // 2
    lines = [json.dumps(entry) for entry in entries]
    (folder / "05:00:00_05:59:59_S0.json").write_text("\n".join(lines[half:]))
    # sinks promise no de-duplication
    first = gzip.compress("\n".join(lines[: half + 5]).encode())
    (folder / "04:00:00_04:59:59_S0.json.gz").write_bytes(first)
