"""Ingest: one source and window, or all of them with the clouds side by side in processes of their own."""

import csv
import logging
import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import Any, cast

from ingest.config import SourcesConfig, load_sources
from ingest.config_prices import PricesConfig
from ingest.contracts import Context, LoadResult
from ingest.errors import ConfigError, CorruptFile, EmptyAnswer, InferledgerError, TerminalError
from ingest.files import open_folder
from ingest.landing import Landing
from ingest.registry import CLOUDS, ReadsFiles, configured, modules
from ingest.run import Run, Window
from ingest.settings import Settings
from ingest.yaml_config import load_yaml
from pipeline.lock import die_with_parent
from pipeline.ownership_examples import load_ownership
from pipeline.paths import config_dir, dbt_project

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Ingestion:
    """What a whole ingest put into landing, per source."""

    windows: dict[str, int]
    rows: dict[str, int]
    changed: dict[str, int]


def no_progress(step: str, done: int, total: int) -> None:
    """Report to nobody."""


def window_from_days(start: datetime | None, end: datetime | None, run: Run) -> Window | None:
    """The window that was asked for by its days, None when none was; an open end is the run's as-of.

    Raises:
        ConfigError: the window ends before it starts.
    """
    if start is None and end is None:
        return None
    first, after = (start or run.as_of).replace(tzinfo=UTC), (end or run.as_of).replace(tzinfo=UTC)
    if first >= after:
        raise ConfigError(
            f"The window {first:%Y-%m-%d}..{after:%Y-%m-%d} holds no day.",
            "Give the first day as start and the day after the last one as end.",
        )
    return Window(first, after)


def ingest_source(
    settings: Settings,
    run: Run,
    source: str,
    *,
    window: Window | None = None,
    path: str | None = None,
    progress: Progress = no_progress,
    accept_shrink: bool = False,
) -> list[LoadResult]:
    """Load one source.

    Args:
        window: what to load, half-open; None for the source's own default, or for all that the files hold.
        path: exported files to read instead of asking the provider: a folder, one file, or an object-store URL.
        progress: told the step's name, how many parts are done, and of how many.

    Raises:
        InferledgerError: the source's own errors, with their remedy; windows loaded before it stay loaded.
    """
    context = source_context(settings, run, progress=progress, accept_shrink=accept_shrink)
    if source == "config":
        load_ownership(config_dir(settings) / "ownership.yml")
    if source == "prices":
        check_price_models(config_dir(settings))
    if path is None:
        return [result for module in modules(source) for result in module.load(context, window)]
    readers = [cast(ReadsFiles, module) for module in modules(source) if hasattr(module, "load_files")]
    if not readers:
        raise ConfigError(f"{source} is not read from files.", "Leave --path out.")
    with open_folder(path, context.settings) as folder:
        try:
            results = [result for reader in readers for result in reader.load_files(context, folder, window)]
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            # what somebody exported can be bent in ways that nobody thought of
            raise CorruptFile(
                f"{source} --path {path}: what is in it cannot be read ({error!r}).",
                "Export it again; windows that landed before stay. --verbose names the files as they are read.",
            ) from error
    if not any(result.rows for result in results):
        raise EmptyAnswer(f"{source} --path {path}: there is no row in it.", "Check the export and the days.")
    return results


def check_price_models(folder: Path) -> None:
    """Refuse a `prices.yml` that prices a model which the seed of models does not hold.

    Raises:
        ConfigError: names file, line and model.
    """
    with (dbt_project() / "seeds" / "models.csv").open(encoding="utf-8", newline="") as lines:
        known = {row["model"] for row in csv.DictReader(lines)}
    load_yaml(folder / "prices.yml", PricesConfig, lambda prices: prices.check_models(known))


def source_context(
    settings: Settings, run: Run, *, progress: Progress = no_progress, accept_shrink: bool = False
) -> Context:
    """All that a source needs, from the settings and the configuration folder."""
    folder = config_dir(settings)
    return Context(
        settings=settings.model_copy(update={"config_dir": folder}),
        config=_sources(settings, folder),
        landing=Landing(settings.landing_root, run, accept_shrink=accept_shrink),
        run=run,
        progress=progress,
    )


def _sources(settings: Settings, folder: Path) -> SourcesConfig:
    config = load_sources(folder / "sources.yml")
    if settings.backfill_days is None:
        return config
    return config.model_copy(update={"backfill_days": settings.backfill_days})


def is_configured(settings: Settings, source: str) -> bool:
    """Whether `sources.yml` has a section for a source; those that belong to no group always are."""
    if not any(source in sources for sources in CLOUDS.values()):
        return True
    return any(source in sources for sources in configured(_sources(settings, config_dir(settings))).values())


def ingest_all(settings: Settings, run: Run, *, progress: Progress = no_progress) -> Ingestion:
    """Load configuration and prices, then every configured group of sources in parallel; nothing locks.

    Raises:
        ConfigError: `sources.yml` names no source at all.
        TerminalError: one or more clouds failed; names each with its sentence. The others have landed.
    """
    groups = configured(_sources(settings, config_dir(settings)))
    if not groups:
        raise ConfigError(
            "sources.yml names no source.", "Add a cloud, a gateway or an API as docs/configuration.md shows."
        )
    Landing(settings.landing_root, run).sweep()
    results = [result for source in ("config", "prices") for result in ingest_source(settings, run, source)]
    context = multiprocessing.get_context("spawn")
    queue: Any = context.SimpleQueue()
    listener = Thread(target=_relay, args=(queue, progress), daemon=True)
    listener.start()
    faults: list[InferledgerError] = []
    about_me = (queue, os.getpid(), logging.getLogger().level)
    with ProcessPoolExecutor(len(groups), mp_context=context, initializer=_start_child, initargs=about_me) as pool:
        for outcome in pool.map(_ingest_cloud, [(settings, run, sources) for sources in groups.values()]):
            results.extend(outcome[0])
            faults.extend(outcome[1])
    queue.put(None)
    listener.join()
    if faults:
        raise TerminalError(" ".join(str(fault) for fault in faults), "The published file is unchanged.")
    return _summary(results)


def _summary(results: Sequence[LoadResult]) -> Ingestion:
    sources = sorted({result.source for result in results})
    grouped = {source: [result for result in results if result.source == source] for source in sources}
    return Ingestion(
        windows={source: len(loads) for source, loads in grouped.items()},
        rows={source: sum(load.rows for load in loads) for source, loads in grouped.items()},
        changed={source: sum(load.changed for load in loads) for source, loads in grouped.items()},
    )


_queue: Any = None


def _start_child(queue: Any, parent: int, log_level: int) -> None:
    global _queue  # noqa: PLW0603 - a pool's initializer has no other place to leave it
    _queue = queue
    die_with_parent(parent)
    # as loud as the caller: unset, the libraries would print pages about a fault that is told in one sentence
    logging.basicConfig(level=log_level, format="%(levelname)s %(name)s: %(message)s")


def _tell(step: str, done: int, total: int) -> None:
    _queue.put((step, done, total))


def _relay(queue: Any, progress: Progress) -> None:
    while (told := queue.get()) is not None:
        progress(*told)


def _ingest_cloud(task: tuple[Settings, Run, tuple[str, ...]]) -> tuple[list[LoadResult], list[InferledgerError]]:
    """The sources of one cloud, one after the other; a fault of one does not keep the others from landing."""
    settings, run, sources = task
    results: list[LoadResult] = []
    faults: list[InferledgerError] = []
    for source in sources:
        try:
            results.extend(ingest_source(settings, run, source, progress=_tell))
        except InferledgerError as fault:
            faults.append(
                type(fault)(
                    f"{source}: {fault.message}" if source not in fault.message else fault.message, fault.remedy
                )
            )
    return results, faults
