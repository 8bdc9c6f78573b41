"""The `inferledger` command line: each command calls one function of the pipeline."""

import json
import logging
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from alerts.errors import AlertError
from dashboard.serve import ServeError
from ingest.errors import ConfigError, InferledgerError
from ingest.registry import SOURCES
from ingest.settings import Settings, load_settings
from state import StateError

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
stderr = Console(stderr=True)
_INTERRUPTED = 130  # what typer makes of Ctrl-C

Home = Annotated[Path | None, typer.Option("--home", help="Folder that holds landing, warehouse and published file.")]
Config = Annotated[Path | None, typer.Option("--config", help="Folder of the configuration files.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="UTC day, YYYY-MM-DD.")]


def _settings(home: Path | None, config: Path | None) -> Settings:
    return load_settings(home=home, config_dir=config)


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
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


def _print(result: dict[str, Any], as_json: bool, text: str) -> None:
    sys.stdout.write((json.dumps(result, default=str) if as_json else text) + "\n")


@app.callback()
def options(verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log what is done.")] = False) -> None:
    """What did our LLM tokens cost on AWS, Google Cloud and Azure, per team and model, to the cent.

    Example: inferledger run --home /var/lib/inferledger --config /etc/inferledger
    """
    logging.basicConfig(
        level=logging.INFO if verbose else logging.ERROR,
        stream=sys.stderr,
        format="%(levelname)s %(name)s: %(message)s",
    )


@app.command()
def demo(
    home: Home = None,
    days: Annotated[int, typer.Option(min=14, max=400, help="Days of history.")] = 90,
    seed: Annotated[int, typer.Option(help="Seed of the traffic's noise.")] = 7,
    dashboard: Annotated[
        bool, typer.Option("--dashboard/--no-dashboard", help="Serve the dashboard at the end.")
    ] = True,
    port: Annotated[int, typer.Option(help="Port of the dashboard.")] = 8501,
) -> None:
    """Run everything against three local clouds, then open the dashboard.

    Example: inferledger demo --home /tmp/demo --days 30 --no-dashboard
    """
    from pipeline import demo as local
    from pipeline.running import new_run, run_all

    folder = (_settings(home, None).home).resolve()
    local.check_home(folder)
    with _progress() as tell:
        tell("demo organisation", 0, 1)
        local.generate_world(folder, days=days, seed=seed)
        tell("demo organisation", 1, 1)
        with local.local_clouds(folder) as env:
            settings = local.demo_settings(folder, env, days)
            result = run_all(settings, new_run(settings), progress=tell)
    sys.stdout.write(
        f"Published {settings.published} as of {result.run.as_of:%Y-%m-%d %H:%M} UTC: "
        f"{sum(result.ingestion.rows.values()):,} rows landed, "
        f"{result.build.models} models, {result.build.tests} tests passed, {result.spikes} spikes, "
        f"{result.alerts.sent} alerts in {folder / 'outbox'}.\n"
    )
    if dashboard:
        _serve(folder, port)


@app.command()
def ingest(
    source: Annotated[str, typer.Argument(help=f"One of: {', '.join(SOURCES)}.")],
    start: Day = None,
    end: Day = None,
    path: Annotated[
        str | None,
        typer.Option(
            "--path", metavar="DIR_OR_URL", help="Read exported files instead: folder, file, s3://, gs://, az://."
        ),
    ] = None,
    accept_shrink: Annotated[bool, typer.Option("--accept-shrink", help="Let a window lose rows.")] = False,
    home: Home = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Load one source into landing: its own default window, or the days from --start up to but without --end.

    With --path, exported files instead of the provider's API: each is recognised by its columns.

    Example: inferledger ingest aws_cur --start 2026-10-01 --end 2026-11-01
    Example: inferledger ingest aws_cur --path ./exports/2026-10.csv.gz
    """
    from pipeline.ingesting import ingest_source, window_from_days
    from pipeline.running import new_run

    settings = _settings(home, config)
    run = new_run(settings)
    with _progress() as tell:
        window = window_from_days(start, end, run)
        loads = ingest_source(
            settings, run, source, window=window, path=path, progress=tell, accept_shrink=accept_shrink
        )
    landed = [load for load in loads if load.stream != "_quarantine"]
    summary = {
        "source": source,
        "windows": len(landed),
        "changed": sum(load.changed for load in landed),
        "rows": sum(load.rows for load in landed),
        "quarantined": sum(load.rows for load in loads) - sum(load.rows for load in landed),
        "gone": sum(load.gone for load in landed),
        "streams": sorted({load.stream for load in landed}),
    }
    _print(summary, as_json, _told(summary))


def _told(summary: dict[str, Any]) -> str:
    """What an ingest did, as sentences."""
    text = "{source}: {rows:,} rows in {windows} windows, {changed} of them changed.".format(**summary)
    if summary["quarantined"]:
        text += f" {summary['quarantined']:,} rows could not be taken and are in quarantine, with their reason."
    if summary["gone"]:
        text += f" {summary['gone']:,} rows of an earlier load are gone: the provider took them back."
    return text


@app.command()
def build(home: Home = None, config: Config = None, as_json: AsJson = False) -> None:
    """Build and test the dbt models over landing.

    Example: inferledger build --home .inferledger
    """
    from pipeline.building import build as build_models
    from pipeline.running import new_run

    settings = _settings(home, config)
    with _progress() as tell:
        tell("build", 0, 1)
        result = build_models(settings, new_run(settings))
        tell("build", 1, 1)
    summary = {"models": result.models, "tests": result.tests, "model_seconds": result.seconds}
    _print(summary, as_json, f"{result.models} models built, {result.tests} tests passed.")


@app.command()
def detect(
    csv: Annotated[Path | None, typer.Option("--csv", help="Judge this file instead: series,timestamp,value.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Where to write the judged rows.")] = None,
    home: Home = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Find spikes in the marts, or in any regular hourly or daily series.

    Example: inferledger detect --csv series.csv --out judged.csv
    """
    from pipeline.detecting import detect as detect_spikes
    from pipeline.detecting import detect_file
    from pipeline.running import new_run

    if (csv is None) != (out is None):
        raise ConfigError("--csv and --out belong together.", "Give both, or neither.")
    if csv is not None and out is not None:
        anomalies = detect_file(csv, out)
        _print({"anomalies": anomalies, "out": str(out)}, as_json, f"{anomalies} anomalies; every row is in {out}.")
        return
    settings = _settings(home, config)
    spikes = detect_spikes(settings, new_run(settings))
    _print({"spikes": spikes}, as_json, f"{spikes} spikes found.")


@app.command()
def publish(home: Home = None, config: Config = None, as_json: AsJson = False) -> None:
    """Swap in a new published file, if build and detect have passed.

    Example: inferledger publish --home .inferledger
    """
    from pipeline.publishing import publish as publish_marts
    from pipeline.running import new_run

    settings = _settings(home, config)
    path = publish_marts(settings, new_run(settings))
    _print({"published": str(path)}, as_json, f"Published {path}.")


@app.command()
def run(home: Home = None, config: Config = None, as_json: AsJson = False) -> None:
    """Do the whole day: ingest, build, detect, publish, alert.

    Example: inferledger run --home .inferledger --config ./config
    """
    from pipeline.running import new_run, run_all

    settings = _settings(home, config)
    with _progress() as tell:
        result = run_all(settings, new_run(settings), progress=tell)
    summary = {
        "run_id": result.run.run_id,
        "as_of": result.run.as_of.isoformat(),
        "rows": result.ingestion.rows,
        "models": result.build.models,
        "tests": result.build.tests,
        "spikes": result.spikes,
        "alerts": result.alerts.sent,
    }
    published = f"Published as of {result.run.as_of:%Y-%m-%d %H:%M} UTC"
    _print(summary, as_json, f"{published}: {result.spikes} spikes, {result.alerts.sent} alerts sent.")


@app.command()
def alert(home: Home = None, config: Config = None, as_json: AsJson = False) -> None:
    """Send what the published file found and nobody was told yet.

    Example: inferledger alert --home .inferledger
    """
    from pipeline.alerting import alert as send
    from pipeline.running import new_run

    settings = _settings(home, config)
    result = send(settings, new_run(settings))
    summary = {"sent": result.sent, "spikes": result.spikes}
    _print(summary, as_json, f"{result.sent} alerts sent about {result.spikes} spikes.")


@app.command()
def doctor(
    sources: Annotated[
        list[str] | None, typer.Argument(help="Sources to examine; all configured ones when left out.")
    ] = None,
    home: Home = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Say of each source whether it is reachable, permitted, fresh and complete, and what reading it costs.

    Exit code 1 when something fails.

    Example: inferledger doctor aws_cur aws_bedrock --config ./config
    """
    from pipeline.doctor import as_text, examine
    from pipeline.running import new_run

    settings = _settings(home, config)
    with _progress() as tell:
        findings = examine(settings, new_run(settings), sources or [], progress=tell)
    _print({"findings": [asdict(finding) for finding in findings]}, as_json, as_text(findings))
    if any(finding.status == "fail" for finding in findings):
        raise typer.Exit(1)


@app.command()
def dashboard(
    home: Home = None,
    port: Annotated[int, typer.Option(help="Port to listen on; the next free one when it is taken.")] = 8501,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all of them.")] = "127.0.0.1",
) -> None:
    """Serve the dashboard until Ctrl-C.

    Example: inferledger dashboard --home .inferledger --port 8600
    """
    _serve(_settings(home, None).home.resolve(), port, host=host)


def _serve(home: Path, port: int, *, host: str = "127.0.0.1") -> None:
    from dashboard.serve import serve

    served = serve(home, port, host=host)
    sys.stdout.write(f"The dashboard is at {served.url} (Ctrl-C ends it).\n")
    sys.stdout.flush()
    try:
        served.wait()
    finally:
        served.stop()


def main() -> None:
    """Run the command line; a known fault is one sentence on stderr and exit code 1, a wrong call 2."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        app()
    except SystemExit as end:
        if end.code == _INTERRUPTED:
            sys.stderr.write("inferledger: stopped.\n")
        raise
    except ConfigError as error:
        sys.stderr.write(f"inferledger: {error}\n")
        sys.exit(2)
    except (InferledgerError, StateError, AlertError, ServeError) as error:
        sys.stderr.write(f"inferledger: {error}\n")
        sys.exit(1)
    except PermissionError as error:
        sys.stderr.write(f"inferledger: {error.filename} may not be read or written. Give this user the right to it.\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
