"""Write one world to a home: what the three local clouds serve, and the truth beside it."""

import hashlib
import importlib
import json
import logging
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from types import ModuleType

from emulator import truth
from emulator.clock import Clock, format_utc, write_atomically
from emulator.organisation import PROVIDERS
from emulator.world import DEFAULT_AS_OF, DEFAULT_DAYS, DEFAULT_SEED, World, make_world

logger = logging.getLogger(__name__)

MARKER = "world.json"
PACKAGE = Path(__file__).parent
INGREDIENTS = {".py", ".yml", ".gz", ".csv", ".json"}


def generate(
    home: Path, *, as_of: datetime = DEFAULT_AS_OF, days: int = DEFAULT_DAYS, seed: int = DEFAULT_SEED
) -> bool:
    """Write the world to `home`; returns False when it is there already and was left alone.

    The same as-of time, days, seed and emulator make the same world. A different one replaces the files of the clouds
    and the truth, and puts the clock back to its as-of time. Raises ValueError as `make_world` does.
    """
    wanted = {"as_of": format_utc(as_of), "days": days, "seed": seed, "emulator": fingerprint()}
    marker = home / "emulator" / MARKER
    if marker.is_file() and json.loads(marker.read_text(encoding="utf-8")) == wanted:
        return False
    world = make_world(home, as_of=as_of, days=days, seed=seed)
    marker.unlink(missing_ok=True)
    for folder in [*(home / "emulator" / cloud for cloud in PROVIDERS), world.truth]:
        shutil.rmtree(folder, ignore_errors=True)
    _write(world)
    # The marker comes last: a run killed before this line starts over next time.
    write_atomically(marker, json.dumps(wanted) + "\n")
    return True


def _write(world: World) -> None:
    charges, out_of_scope, usage, residuals = [], [], [], []
    for cloud, bill in bills():
        in_scope, rest = bill.write(world)
        charges.append(in_scope)
        out_of_scope.append(rest)
        usage.append(bill.usage_truth(world))
        residuals.extend(bill.residual_truth(world))
        logger.info("wrote a local cloud's bill", extra={"cloud": cloud, "charges": in_scope.num_rows})
    truth.write_charges(world.truth, charges, out_of_scope)
    truth.write_usage(world.truth, usage)
    truth.write_residuals(world.truth, residuals)
    truth.write_incidents(world.truth, (incident.row() for incident in world.incidents))
    Clock(world.truth / "clock.json").set(world.as_of)


def bills() -> Iterator[tuple[str, ModuleType]]:
    """The clouds' bill modules, imported one after the other so that a short command stays light."""
    for cloud in PROVIDERS:
        yield cloud, importlib.import_module(f"emulator.{cloud}.bill")


def fingerprint() -> str:
    """A digest of the emulator's own code and data: another emulator makes another world."""
    digest = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*")):
        if path.is_file() and path.suffix in INGREDIENTS and "__pycache__" not in path.parts:
            digest.update(path.relative_to(PACKAGE).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
