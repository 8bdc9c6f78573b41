import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from emulator.clock import Clock, parse_utc
from emulator.faults import KINDS, Faults, start_control

AS_OF = datetime(2026, 11, 18, 6, tzinfo=UTC)


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    clock = Clock(tmp_path / "truth" / "clock.json")
    clock.set(AS_OF)
    return clock


@pytest.fixture
def control(faults: Faults, clock: Clock) -> Iterator[str]:
    service, url = start_control(faults, clock)
    yield url
    service.stop()


def ask(url: str, method: str = "GET", body: object = None) -> tuple[int, Any]:
    payload = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=payload, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def kinds_taken(faults: Faults, count: int, cloud: str = "aws", operation: str = "GetMetricData") -> list[str | None]:
    taken = [faults.take(cloud, operation) for _ in range(count)]
    return [fault.kind if fault else None for fault in taken]


def test_nothing_strikes_unless_switched_on(faults: Faults) -> None:
    assert faults.take("aws", "GetMetricData") is None


def test_fault_strikes_after_some_requests_and_so_many_times(faults: Faults) -> None:
    faults.add("aws", "GetMetricData", "throttle", times=2, after=1)

    assert kinds_taken(faults, 5) == [None, "throttle", "throttle", None, None]


def test_fault_without_times_strikes_until_cleared(faults: Faults) -> None:
    faults.add("aws", "GetMetricData", "server_error", times=None)

    assert kinds_taken(faults, 3) == ["server_error"] * 3
    faults.clear()
    assert kinds_taken(faults, 1) == [None]


@pytest.mark.parametrize(
    ("cloud", "operation", "expected"),
    [
        ("aws", "GetMetricData", "cut"),
        ("aws", "*", "cut"),
        ("*", "*", "cut"),
        ("gcp", "GetMetricData", None),
        ("aws", "ListMetrics", None),
    ],
)
def test_fault_strikes_where_it_was_put(faults: Faults, cloud: str, operation: str, expected: str | None) -> None:
    faults.add(cloud, operation, "cut")

    assert kinds_taken(faults, 1) == [expected]


def test_two_faults_strike_one_after_the_other(faults: Faults) -> None:
    faults.add("aws", "*", "throttle", times=1)
    faults.add("aws", "*", "server_error", times=1)

    assert kinds_taken(faults, 3) == ["throttle", "server_error", None]


@pytest.mark.parametrize(
    ("kind", "status"),
    [("throttle", 429), ("server_error", 503), ("forbidden", 403), ("expired", 401), ("empty", 200)],
)
def test_kinds_bring_their_usual_status(faults: Faults, kind: str, status: int) -> None:
    assert faults.add("aws", "*", kind).status == status
    assert faults.add("aws", "*", kind, status=418).status == 418


@pytest.mark.parametrize(
    ("kind", "times", "after", "words"),
    [("tired", 1, 0, "throttle"), ("cut", 0, 0, "times"), ("cut", 1, -1, "after")],
    ids=["unknown kind", "never", "before the first"],
)
def test_impossible_fault_is_refused(faults: Faults, kind: str, times: int, after: int, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        faults.add("aws", "*", kind, times=times, after=after)


def test_parallel_requests_share_one_count(faults: Faults) -> None:
    faults.add("aws", "*", "throttle", times=100)
    struck: list[bool] = []

    def hammer() -> None:
        struck.extend(faults.take("aws", "x") is not None for _ in range(100))

    threads = [threading.Thread(target=hammer) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(struck) == 100
    assert len(faults.requests) == 800


def test_requests_are_logged_with_their_parameters(faults: Faults) -> None:
    faults.take("gcp", "jobs.insert", {"query": "select 1"})

    assert [(one.cloud, one.operation, one.params) for one in faults.requests] == [
        ("gcp", "jobs.insert", {"query": "select 1"})
    ]


def test_control_port_switches_faults_on_and_off(faults: Faults, control: str) -> None:
    wanted = {"cloud": "azure", "operation": "query", "kind": "throttle", "times": 3, "after": 1, "retry_after": 2.5}
    status, fault = ask(f"{control}/faults", "POST", wanted)

    assert status == 201
    assert fault == {"kind": "throttle", "status": 429, "retry_after": 2.5, "times": 3, "after": 1}
    assert kinds_taken(faults, 2, "azure", "query") == [None, "throttle"]
    assert ask(f"{control}/faults")[1][0]["hit"] == 1
    assert ask(f"{control}/faults", "DELETE")[0] == 200
    assert ask(f"{control}/faults") == (200, [])


def test_control_port_shows_and_forgets_requests(faults: Faults, control: str) -> None:
    faults.take("aws", "ListMetrics", {"Namespace": "AWS/Bedrock"})

    assert ask(f"{control}/requests") == (
        200,
        [{"cloud": "aws", "operation": "ListMetrics", "params": {"Namespace": "AWS/Bedrock"}}],
    )
    ask(f"{control}/requests", "DELETE")
    assert ask(f"{control}/requests") == (200, [])


def test_control_port_moves_the_clock(clock: Clock, control: str) -> None:
    assert ask(f"{control}/clock") == (200, {"as_of": "2026-11-18T06:00:00Z"})
    assert ask(f"{control}/clock", "POST", {"as_of": "2026-11-20T06:00:00Z"})[0] == 200
    assert clock.now() == datetime(2026, 11, 20, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/faults", {"kind": "tired"}, KINDS[0]),
        ("/faults", {"cloud": "aws"}, "kind"),
        ("/faults", {"kind": "cut", "colour": "red"}, "colour"),
        ("/faults", ["cut"], "object"),
        ("/clock", {"as_of": "2026-11-20T06:00:00"}, "time zone"),
    ],
    ids=["unknown kind", "no kind", "unknown field", "a list", "no time zone"],
)
def test_control_port_says_what_is_wrong(control: str, path: str, body: object, words: str) -> None:
    status, answer = ask(control + path, "POST", body)

    assert status == 400
    assert words in answer["error"]


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_control_port_knows_only_its_paths(control: str, method: str) -> None:
    status, answer = ask(f"{control}/other", method, {} if method == "POST" else None)

    assert status == 404
    assert "/faults" in answer["error"]


def test_stopped_control_port_frees_its_port(faults: Faults, clock: Clock) -> None:
    service, url = start_control(faults, clock)
    port = int(url.rsplit(":", 1)[1])
    service.stop()

    again, same_url = start_control(faults, clock, port)
    again.stop()
    assert same_url == url


def test_clock_sees_every_move_even_within_one_time_stamp(clock: Clock) -> None:
    for hour in range(24):
        moment = datetime(2026, 11, 19, hour, tzinfo=UTC)
        Clock(clock.path).set(moment)
        assert clock.now() == moment


def test_clock_needs_a_time_zone(clock: Clock) -> None:
    with pytest.raises(ValueError, match="time zone"):
        clock.set(AS_OF.replace(tzinfo=None))
    with pytest.raises(ValueError, match="time zone"):
        parse_utc("2026-11-18T06:00:00")


def test_clock_without_a_world_says_which_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"clock\.json"):
        Clock(tmp_path / "clock.json").now()
