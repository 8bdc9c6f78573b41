"""The commands that start something here or look at what is there: demo, doctor, dashboard."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli_options import AsJson, Config, Home, progress_bars, settings_for, tell_result


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

    folder = (settings_for(home, None).home).resolve()
    local.check_home(folder)
    with progress_bars() as tell:
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

    settings = settings_for(home, config)
    with progress_bars() as tell:
        findings = examine(settings, new_run(settings), sources or [], progress=tell)
    tell_result({"findings": [asdict(finding) for finding in findings]}, as_json, as_text(findings))
    if any(finding.status == "fail" for finding in findings):
        raise typer.Exit(1)


def dashboard(
    home: Home = None,
    port: Annotated[int, typer.Option(help="Port to listen on; the next free one when it is taken.")] = 8501,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all of them.")] = "127.0.0.1",
) -> None:
    """Serve the dashboard until Ctrl-C.

    Example: inferledger dashboard --home .inferledger --port 8600
    """
    _serve(settings_for(home, None).home.resolve(), port, host=host)


def _serve(home: Path, port: int, *, host: str = "127.0.0.1") -> None:
    from dashboard.serve import serve

    served = serve(home, port, host=host)
    sys.stdout.write(f"The dashboard is at {served.url} (Ctrl-C ends it).\n")
    sys.stdout.flush()
    try:
        served.wait()
    finally:
        served.stop()
