"""The organisation's traffic on Google Cloud by stream and hour, and what the provisioned throughput took of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from emulator.gcp.catalog import load_catalog

if TYPE_CHECKING:
    from emulator.world import Stream, World

CLASSES = ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h")
_COLUMNS = {
    "input": "input_tokens",
    "output": "output_tokens",
    "cache_read": "cache_read_tokens",
    "cache_write_5m": "cache_write_tokens",
    "cache_write_1h": "cache_write_1h_tokens",
}
COUNTS = ("request_count", "throttled_count", "error_count")


@dataclass(frozen=True)
class StreamTraffic:
    """One stream's hours. `tokens[request_type][token_class]` and `counts[name]` are int64 arrays along `hours`."""

    stream: "Stream"
    hours: np.ndarray
    tokens: Mapping[str, Mapping[str, np.ndarray]]
    counts: Mapping[str, np.ndarray]
    dedicated_requests: np.ndarray
    burned: np.ndarray
    """Tokens after burndown that the provisioned throughput served."""


def gsu_limit(gsus: int) -> int:
    """Burned-down tokens a second that a number of GSUs serves."""
    return gsus * int(load_catalog().raw["provisioned"]["tokens_per_second_per_gsu"])


def stream_traffic(world: "World") -> list[StreamTraffic]:
    """Every Google stream of the world, in the organisation's order."""
    orders = {order["order_id"]: order for order in world.organisation.gcp["gsu_orders"]}
    result = []
    for stream in world.organisation.of("gcp"):
        is_ours: Any = pc.equal(world.usage["stream_id"], pa.scalar(stream.id))
        rows = world.usage.filter(is_ours).sort_by("hour_start")
        if rows.num_rows:
            result.append(_split(stream, rows, orders.get(stream.via.get("order"))))
    return result


def _split(stream: "Stream", rows: pa.Table, order: Mapping[str, object] | None) -> StreamTraffic:
    hours = rows["hour_start"].cast(pa.timestamp("us")).to_numpy().astype("datetime64[us]")
    total = {name: rows[column].to_numpy() for name, column in _COLUMNS.items()}
    counts = {name: rows[name].to_numpy() for name in COUNTS}
    nothing = {name: np.zeros_like(values) for name, values in total.items()}
    if order is None:
        zeros = np.zeros_like(counts["request_count"])
        return StreamTraffic(stream, hours, {"shared": total, "dedicated": nothing}, counts, zeros, zeros)
    burned = _burned(total)
    capacity = gsu_limit(int(str(order["gsus"]))) * 3600
    served = np.minimum(burned, capacity)
    # whole tokens: what the reservation takes is rounded down, the rest spills
    safe = np.maximum(burned, 1)
    dedicated = {name: (values * served) // safe for name, values in total.items()}
    shared = {name: total[name] - dedicated[name] for name in total}
    requests = (counts["request_count"] * served) // safe
    tokens = {"shared": shared, "dedicated": dedicated}
    return StreamTraffic(stream, hours, tokens, counts, requests, _burned(dedicated))


def _burned(tokens: Mapping[str, np.ndarray]) -> np.ndarray:
    weights = load_catalog().raw["provisioned"]["burndown"]
    burned = np.zeros_like(tokens["input"])
    for name, weight in weights.items():
        exact = Fraction(weight)
        burned = burned + tokens[name] * exact.numerator // exact.denominator
    return burned
