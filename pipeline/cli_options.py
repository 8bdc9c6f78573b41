"""What the commands share: their options, the progress bars and how a result is told."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from ingest.settings import Settings, load_settings

stderr = Console(stderr=True)

Home = Annotated[Path | None, typer.Option("--home", help="Folder that holds landing, warehouse and published file.")]
Config = Annotated[Path | None, typer.Option("--config", help="Folder of the configuration files.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="UTC day, YYYY-MM-DD.")]


def settings_for(home: Path | None, config: Path | None) -> Settings:
    """Settings from the environment, the options on top."""
    return load_settings(home=home, config_dir=config)


@contextmanager
def progress_bars() -> Iterator[Callable[[str, int, int], None]]:
    """A bar per step on a terminal, nothing elsewhere."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:<28}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=stderr, disable=not stderr.is_terminal) as bars:
        tasks: dict[str, Any] = {}

        def tell(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=total)
            bars.update(tasks[step], completed=done, total=total)

        yield tell


def tell_result(result: dict[str, Any], as_json: bool, text: str) -> None:
    """Write a result to stdout, as JSON or as the sentence for people."""
    sys.stdout.write((json.dumps(result, default=str) if as_json else text) + "\n")
