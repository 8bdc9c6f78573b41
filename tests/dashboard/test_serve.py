"""The child process that serves the dashboard: it answers, steps aside for a taken port, and ends."""

import http.client
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from dashboard import serve

ROOT = Path(__file__).parents[2]


def get(url: str, path: str) -> tuple[int, str]:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def test_serves_from_any_folder_beside_a_taken_port_and_ends(
    shared_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(shared_home.parent)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        served = serve.serve(Path(shared_home.name), port)
        try:
            assert served.url != f"http://127.0.0.1:{port}"
            assert f"Port {port} is taken" in caplog.text
            assert get(served.url, "/_stcore/health") == (200, "ok")
            assert "<title>" in get(served.url, "/")[1]
        finally:
            served.stop()
    assert served.process.poll() is not None
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", urlsplit(served.url).port or 0)) != 0


def test_no_free_port_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "_PORTS_TRIED", 1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(serve.ServeError, match="--port"):
            serve.free_port(taken.getsockname()[1])


def test_child_that_cannot_start_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "_APP", tmp_path / "not_there.py")
    with pytest.raises(serve.ServeError, match=r"see .*dashboard\.log"):
        serve.serve(tmp_path / "home", 0)


def test_ctrl_c_ends_the_child(shared_home: Path) -> None:
    script = (
        "import signal, sys, pathlib\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from dashboard.serve import serve\n"
        f"served = serve(pathlib.Path({str(shared_home)!r}), 0)\n"
        "sys.stdout.write(f'{served.process.pid}\\n'); sys.stdout.flush()\n"
        "sys.exit(served.wait())\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    time.sleep(1)
    parent.send_signal(2)
    assert parent.wait(20) == 0
    parent.stdout.close()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{child}").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not Path(f"/proc/{child}").exists()
