import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from emulator import __main__ as commands
from emulator.generate import bills, generate
from emulator.organisation import PROVIDERS
from emulator.serve import endpoints_path, serving
from emulator.truth import CHARGE_SCHEMA, INCIDENT_SCHEMA, USAGE_SCHEMA
from emulator.world import make_world

ROOT = Path(__file__).parents[2]
DAYS = 12


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("demo") / "home"
    assert generate(home, days=DAYS)
    return home


@contextmanager
def serving_process(home: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    endpoints_path(home).unlink(missing_ok=True)
    command = [sys.executable, "-m", "emulator", "serve", "--home", str(home), *options]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        wait_until_ready(home, process)
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def wait_until_ready(home: Path, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 60
    while not endpoints_path(home).exists():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < end, "the local clouds did not start within a minute"
        time.sleep(0.05)


def no_port(*_: object) -> None:
    raise OSError("no port left")


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_generated_truth_has_the_promised_files(home: Path) -> None:
    schemas = {"charges": CHARGE_SCHEMA, "out_of_scope": CHARGE_SCHEMA, "usage": USAGE_SCHEMA}

    for name, schema in {**schemas, "incidents": INCIDENT_SCHEMA}.items():
        assert pq.read_schema(home / "truth" / f"{name}.parquet").equals(schema)
    assert json.loads((home / "truth" / "clock.json").read_text()) == {"as_of": "2026-11-18T06:00:00Z"}


def test_every_cloud_left_something_to_serve(home: Path) -> None:
    for cloud in PROVIDERS:
        assert any(path.stat().st_size for path in (home / "emulator" / cloud).rglob("*") if path.is_file())


def test_usage_truth_holds_every_token_once(home: Path, tmp_path: Path) -> None:
    world = make_world(tmp_path, days=DAYS)
    stream_ids = {cloud: pa.array([one.id for one in world.organisation.of(cloud)]) for cloud in PROVIDERS}
    truth = pq.read_table(home / "truth" / "usage.parquet")

    for cloud in PROVIDERS:
        told = truth.filter(pc.equal(truth["provider"], cloud))
        made = world.usage.filter(pc.is_in(world.usage["stream_id"], stream_ids[cloud]))
        # What a full reservation refuses is answered elsewhere or never becomes tokens.
        for metric in ("output_tokens", "request_count"):
            assert 0.97 < pc.sum(told[metric]).as_py() / pc.sum(made[metric]).as_py() <= 1


def test_bills_cost_what_the_demo_organisation_is_meant_to_cost(home: Path) -> None:
    charges = pq.read_table(home / "truth" / "charges.parquet")
    days = pc.and_(
        pc.greater_equal(charges["charge_date"], pa.scalar(datetime(2026, 11, 9, tzinfo=UTC).date())),
        pc.less(charges["charge_date"], pa.scalar(datetime(2026, 11, 13, tzinfo=UTC).date())),
    )
    current = pc.and_(pc.is_null(charges["visible_to"]), days)
    for provider, least in (("aws", 2500), ("gcp", 700), ("azure", 1500)):
        rows = charges.filter(pc.and_(current, pc.equal(charges["provider"], provider)))
        daily = pc.sum(rows["billed_cost"]).as_py() / 4
        assert least < daily < 3 * Decimal(least)


def test_no_bill_row_is_taken_back_before_it_is_seen(home: Path) -> None:
    for name in ("charges", "out_of_scope"):
        rows = pq.read_table(home / "truth" / f"{name}.parquet")
        closed = rows.filter(pc.is_valid(rows["visible_to"]))
        assert rows["visible_from"].null_count == 0
        assert pc.all(pc.less(closed["visible_from"], closed["visible_to"]), min_count=0).as_py()


def test_same_world_is_not_written_twice(home: Path) -> None:
    before = (home / "truth" / "charges.parquet").stat()

    assert not generate(home, days=DAYS)
    assert (home / "truth" / "charges.parquet").stat().st_mtime_ns == before.st_mtime_ns


def test_same_seed_writes_the_same_bytes_elsewhere(home: Path, tmp_path: Path) -> None:
    generate(tmp_path / "other", days=DAYS)

    for folder in ("truth", "emulator"):
        assert files(tmp_path / "other" / folder) == files(home / folder)


def test_another_world_replaces_the_one_before(tmp_path: Path) -> None:
    generate(tmp_path, days=6)
    (tmp_path / "emulator" / "aws" / "left_over.txt").write_text("from the world before")

    assert generate(tmp_path, days=5)
    assert not (tmp_path / "emulator" / "aws" / "left_over.txt").exists()
    first = pc.min(pq.read_table(tmp_path / "truth" / "usage.parquet")["usage_date"]).as_py()
    assert first.isoformat() == "2026-11-13"


def test_world_that_was_killed_half_way_is_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("emulator.generate.bills", lambda: [("aws", None)])
        with pytest.raises(AttributeError):
            generate(tmp_path, days=5)

    assert generate(tmp_path, days=5)
    assert [cloud for cloud, _ in bills()] == list(PROVIDERS)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_serve_says_where_it_answers_and_stops_when_told(home: Path, number: signal.Signals) -> None:
    with serving_process(home) as process:
        found = json.loads(endpoints_path(home).read_text())
        with urllib.request.urlopen(f"{found['control']}/clock", timeout=10) as answer:
            assert json.load(answer) == {"as_of": "2026-11-18T06:00:00Z"}
        for name in (
            "INFERLEDGER_AWS_ENDPOINT_URL",
            "INFERLEDGER_GCP_BIGQUERY_ENDPOINT",
            "INFERLEDGER_AZURE_ARM_ENDPOINT",
        ):
            host, port = found["env"][name].split("//")[1].split(":")
            socket.create_connection((host, int(port)), timeout=10).close()

        process.send_signal(number)
        _, complaint = process.communicate(timeout=30)
        assert (process.returncode, complaint) == (0, "")
        assert not endpoints_path(home).exists()


def test_taken_control_port_is_stepped_aside(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with serving_process(home, "--control-port", str(port)):
            control = json.loads(endpoints_path(home).read_text())["control"]
            assert control != f"http://127.0.0.1:{port}"
            with urllib.request.urlopen(f"{control}/faults", timeout=10) as answer:
                assert json.load(answer) == []


def test_endpoints_of_a_killed_server_do_not_outlive_the_next_start(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving_process(home) as process:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert endpoints_path(home).exists()

    monkeypatch.setattr("emulator.serve._control", no_port)
    with pytest.raises(OSError, match="no port left"), serving(home):
        pass
    assert not endpoints_path(home).exists()


def test_clouds_do_not_outlive_a_killed_demo(home: Path) -> None:
    endpoints_path(home).unlink(missing_ok=True)
    starter = f"""
import os, subprocess, sys, time
asked = ["serve", "--parent", str(os.getpid()), "--home", {str(home)!r}]
child = subprocess.Popen([sys.executable, "-m", "emulator", *asked])
print(child.pid, flush=True)
time.sleep(600)
"""
    parent = subprocess.Popen([sys.executable, "-c", starter], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    wait_until_ready(home, parent)
    parent.kill()
    parent.communicate()
    end = time.monotonic() + 30
    while (Path("/proc") / str(child)).exists() and time.monotonic() < end:
        time.sleep(0.2)
    assert not endpoints_path(home).exists()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["serve", "--home", "HOME"], 1, "generate --home"),
        (["generate", "--home", "HOME", "--days", "2"], 1, "at least 5 days"),
        (["generate", "--home", "HOME", "--as-of", "2026-11-18"], 2, "time zone"),
        (["generate"], 2, "--home"),
        ([], 2, "COMMAND"),
    ],
    ids=["nothing generated", "too few days", "no time zone", "no home", "no command"],
)
def test_wrong_use_is_one_sentence_on_stderr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, words: str
) -> None:
    given = [str(tmp_path) if argument == "HOME" else argument for argument in arguments]
    try:
        result = commands.main(given)
    except SystemExit as left:
        result = left.code

    captured = capsys.readouterr()
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == set()
    assert (result, captured.out) == (code, "")
    assert words in captured.err
    assert "Traceback" not in captured.err


@pytest.mark.parametrize("arguments", [["--help"], ["generate", "--help"], ["serve", "--help"]], ids=" ".join)
def test_help_has_an_example(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as left:
        commands.main(arguments)

    assert left.value.code == 0
    assert "python -m emulator generate --home" in (words := capsys.readouterr().out) or "--home .inferledger" in words
