"""What the organisation owns in AWS: ids, ARNs, tags and life spans, all derived from the streams and the seed."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from emulator.world import Stream, World

ID_LENGTH = 12
ESTATE_FILE = "estate.json"
_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
# destination regions of the cross-region profiles; the global one also routes through a region-less ARN
_GEO_REGIONS = {
    "us": ("us-east-1", "us-east-2", "us-west-2"),
    "eu": ("eu-central-1", "eu-north-1", "eu-west-1", "eu-west-3"),
}


@dataclass(frozen=True)
class Workload:
    """One thing that model calls run through.

    Attributes:
        kind: ``application_profile``, ``system_profile`` or ``provisioned``.
        workload_id: last part of the ARN, the id that people and truth use.
        metric_model_id: what CloudWatch shows as ``ModelId``.
        routing: ``global``, ``geo`` or ``in_region``; decides price and usage type.
        deleted_at: None while it exists.
    """

    stream_id: str
    kind: str
    account: str
    region: str
    model: str
    name: str
    workload_id: str
    arn: str
    metric_model_id: str
    model_arns: tuple[str, ...]
    routing: str
    tags: Mapping[str, str]
    created_at: datetime
    deleted_at: datetime | None
    model_units: int = 0

    def exists(self, moment: datetime) -> bool:
        """Whether the control plane shows it at ``moment``."""
        return self.created_at <= moment and (self.deleted_at is None or moment < self.deleted_at)


def price_sheet() -> dict[str, Any]:
    """AWS's own price sheet of this emulator."""
    return yaml.safe_load((Path(__file__).parent / "prices.yml").read_text(encoding="utf-8"))


def opaque_id(seed: int, name: str, length: int = ID_LENGTH) -> str:
    """An id of lower-case letters and digits that looks random and is the same for the same seed."""
    digest = int.from_bytes(hashlib.sha256(f"{seed}:{name}".encode()).digest(), "big")
    letters: list[str] = []
    for _ in range(length):
        digest, position = divmod(digest, len(_ALPHABET))
        letters.append(_ALPHABET[position])
    return "".join(letters)


def workloads(world: World) -> tuple[Workload, ...]:
    """Every workload of the organisation's AWS streams, in their order."""
    sheet = price_sheet()["models"]
    return tuple(_workload(world, stream, sheet[stream.model]) for stream in world.organisation.of("aws"))


def save_estate(world: World) -> None:
    """Keep the workloads beside the bill, so that a server needs nothing but the folder."""
    rows = [asdict(workload) for workload in workloads(world)]
    path = world.folder("aws") / ESTATE_FILE
    path.write_text(json.dumps(rows, default=datetime.isoformat, indent=1), encoding="utf-8")


def load_estate(folder: Path) -> tuple[Workload, ...]:
    """The workloads that `save_estate` kept."""
    rows = json.loads((folder / ESTATE_FILE).read_text(encoding="utf-8"))
    return tuple(
        Workload(
            **row
            | {
                "model_arns": tuple(row["model_arns"]),
                "created_at": datetime.fromisoformat(row["created_at"]),
                "deleted_at": datetime.fromisoformat(row["deleted_at"]) if row["deleted_at"] else None,
            }
        )
        for row in rows
    )


def system_profiles(account: str, region: str) -> list[dict[str, Any]]:
    """The cross-region profiles that AWS defines in one region; nobody can tag them."""
    geo = region.partition("-")[0]
    profiles: list[dict[str, Any]] = []
    for sheet in price_sheet()["models"].values():
        for scope in sheet["profiles"]:
            if scope not in (geo, "global"):
                continue
            profile_id = f"{scope}.{sheet['model_id']}"
            profiles.append(
                {
                    "id": profile_id,
                    "name": f"{scope.upper()} {sheet['name']}",
                    "arn": f"arn:aws:bedrock:{region}:{account}:inference-profile/{profile_id}",
                    "model_arns": _model_arns(sheet["model_id"], scope, region),
                }
            )
    return profiles


def _model_arns(model_id: str, scope: str, region: str) -> tuple[str, ...]:
    def arn(place: str) -> str:
        return f"arn:aws:bedrock:{place}::foundation-model/{model_id}"

    if scope == "global":
        return (arn(region), arn(""))
    if scope in _GEO_REGIONS:
        return tuple(arn(place) for place in _GEO_REGIONS[scope])
    return (arn(region),)


def _workload(world: World, stream: Stream, sheet: Mapping[str, Any]) -> Workload:
    kind = stream.via["kind"]
    prefix = f"arn:aws:bedrock:{stream.region}:{stream.account}"
    scope = stream.via.get("geo") or ("global" if "global" in sheet["profiles"] else "in_region")
    if kind == "system_profile":
        workload_id = f"{scope}.{sheet['model_id']}"
        arn, metric_id = f"{prefix}:inference-profile/{workload_id}", workload_id
    else:
        workload_id = opaque_id(world.seed, stream.id)
        resource = "provisioned-model" if kind == "provisioned" else "application-inference-profile"
        arn = f"{prefix}:{resource}/{workload_id}"
        metric_id = arn if kind == "provisioned" else workload_id
    scope = "in_region" if kind == "provisioned" else scope
    return Workload(
        stream_id=stream.id,
        kind=kind,
        account=stream.account,
        region=stream.region,
        model=stream.model,
        name=stream.id.removeprefix("aws-"),
        workload_id=workload_id,
        arn=arn,
        metric_model_id=metric_id,
        model_arns=_model_arns(sheet["model_id"], scope, stream.region),
        routing=scope if scope in ("global", "in_region") else "geo",
        tags=_tags(stream),
        created_at=_moment(world, stream.via.get("created_day", -world.days - 30)),
        deleted_at=_moment(world, stream.via["deleted_day"]) if "deleted_day" in stream.via else None,
        model_units=int(stream.via.get("model_units", 0)),
    )


def _tags(stream: Stream) -> dict[str, str]:
    if stream.via["kind"] == "system_profile" or stream.via.get("tagged") == "none":
        return {}
    found = {"team": stream.team, "product": stream.product, "environment": stream.environment}
    return {key: value for key, value in found.items() if value is not None}


def _moment(world: World, offset: int) -> datetime:
    return datetime.combine(world.day(offset), datetime.min.time(), tzinfo=UTC) + timedelta(
        hours=9 if offset < -100 else 0
    )
