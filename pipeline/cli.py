"""The `inferledger` command line: each command calls one function of the pipeline."""

import logging
import signal
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from alerts.errors import AlertError
from dashboard.serve import ServeError
from ingest.errors import ConfigError, InferledgerError
from ingest.registry import SOURCES
from pipeline import cli_export, cli_ledger, cli_local, cli_ownership, cli_reconcile
from pipeline.cli_options import AsJson, Config, Day, Home, progress_bars, settings_for, tell_result
from state import StateError

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
_INTERRUPTED = 130  # what typer makes of Ctrl-C


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

    settings = settings_for(home, config)
    run = new_run(settings)
    if path is not None and not logging.getLogger("ingest").isEnabledFor(logging.INFO):
        # what was passed over in a folder is part of the answer
        logging.getLogger("ingest").setLevel(logging.WARNING)
    with progress_bars() as tell:
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
    tell_result(summary, as_json, _told(summary))


def _told(summary: dict[str, Any]) -> str:
    """What an ingest did, as sentences."""
    text = "{source}: {rows:,} rows in {windows} windows, {changed} of them changed.".format(**summary)
    if summary["quarantined"]:
        text += f" {summary['quarantined']:,} rows could not be taken and are in quarantine, with their reason."
    if summary["gone"]:
        text += f" {summary['gone']:,} rows of an earlier load are gone: the provider took them back."
    return text


@app.command()
def build(
    only: Annotated[
        Literal["attribution"] | None,
        typer.Option("--only", help="After a change of ownership rules or splits: leave alone what lies before."),
    ] = None,
    full_refresh: Annotated[
        bool, typer.Option("--full-refresh", help="Build every day anew, not only those whose inputs have changed.")
    ] = False,
    home: Home = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Build and test the dbt models over landing.

    Example: inferledger build --home .inferledger
    Example: inferledger ingest config && inferledger build --only attribution
    """
    from pipeline.building import build as build_models
    from pipeline.running import new_run

    settings = settings_for(home, config)
    with progress_bars() as tell:
        tell("build", 0, 1)
        result = build_models(settings, new_run(settings), only=only, full_refresh=full_refresh)
        tell("build", 1, 1)
    summary = {"models": result.models, "tests": result.tests, "model_seconds": result.seconds}
    tell_result(summary, as_json, f"{result.models} models built, {result.tests} tests passed.")


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
        tell_result(
            {"anomalies": anomalies, "out": str(out)}, as_json, f"{anomalies} anomalies; every row is in {out}."
        )
        return
    settings = settings_for(home, config)
    spikes = detect_spikes(settings, new_run(settings))
    tell_result({"spikes": spikes}, as_json, f"{spikes} spikes found.")


@app.command()
def publish(home: Home = None, config: Config = None, as_json: AsJson = False) -> None:
    """Swap in a new published file, if build and detect have passed.

    Example: inferledger publish --home .inferledger
    """
    from pipeline.publishing import publish as publish_marts
    from pipeline.running import new_run

    settings = settings_for(home, config)
    path = publish_marts(settings, new_run(settings))
    tell_result({"published": str(path)}, as_json, f"Published {path}.")


@app.command()
def run(home: Home = None, config: Config = None, as_json: AsJson = False) -> None:
    """Do the whole day: ingest, build, detect, publish, alert.

    Example: inferledger run --home .inferledger --config ./config
    """
    from pipeline.restating import moved_sentence
    from pipeline.running import new_run, run_all

    settings = settings_for(home, config)
    with progress_bars() as tell:
        result = run_all(settings, new_run(settings), progress=tell)
    summary = {
        "run_id": result.run.run_id,
        "as_of": result.run.as_of.isoformat(),
        "rows": result.ingestion.rows,
        "models": result.build.models,
        "tests": result.build.tests,
        "spikes": result.spikes,
        "alerts": result.alerts.sent,
        "moved_closed_months": result.moved,
    }
    published = f"Published as of {result.run.as_of:%Y-%m-%d %H:%M} UTC"
    text = f"{published}: {result.spikes} spikes, {result.alerts.sent} alerts sent."
    tell_result(summary, as_json, "\n".join([text, *map(moved_sentence, result.moved, result.moved.values())]))


@app.command()
def alert(home: Home = None, config: Config = None, as_json: AsJson = False) -> None:
    """Send what the published file found and nobody was told yet.

    Example: inferledger alert --home .inferledger
    """
    from pipeline.alerting import alert as send
    from pipeline.running import new_run

    settings = settings_for(home, config)
    result = send(settings, new_run(settings))
    summary = {"sent": result.sent, "spikes": result.spikes}
    tell_result(summary, as_json, f"{result.sent} alerts sent about {result.spikes} spikes.")


for command in (cli_ledger.close, cli_ledger.restatement, cli_ledger.report):
    app.command()(command)
for command in (cli_local.demo, cli_local.doctor, cli_local.dashboard):
    app.command()(command)
app.add_typer(cli_export.export, name="export")
app.add_typer(cli_reconcile.reconcile, name="reconcile")
app.add_typer(cli_ownership.ownership, name="ownership")


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
    except OSError as error:
        sys.stderr.write(f"inferledger: {error.filename or 'a file'}: {error.strerror}. Check the path and the disk.\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
