"""State stores to test on: SQLite, and a PostgreSQL of the test's own where the system has the server."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from state import State, open_state


def _postgres_binaries() -> Path | None:
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    return next((folder for folder in reversed(folders) if (folder / "initdb").exists()), None)


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL server on a socket of its own; it refuses to run as root, so root hands it to the user postgres."""
    binaries = _postgres_binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL server under /usr/lib/postgresql (Debian: apt-get install postgresql)")
    pytest.importorskip("psycopg", reason="psycopg is not installed (extra `postgres`)")
    is_root = os.geteuid() == 0
    if is_root and not ("postgres" in {user.pw_name for user in pwd.getpwall()} and shutil.which("runuser")):
        pytest.skip("running as root, and there is no user postgres to run the server as")
    # Short, because a socket's path may have 107 bytes only.
    folder = Path(subprocess.check_output(["mktemp", "-d", "/tmp/pg.XXXXXX"], text=True).strip())
    as_server = ["runuser", "-u", "postgres", "--"] if is_root else []
    if is_root:
        shutil.chown(folder, "postgres")
    environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}

    def run(*command: str) -> None:
        subprocess.run([*as_server, *command], check=True, env=environment, cwd="/", stdout=subprocess.DEVNULL)

    cluster = str(folder / "data")
    run(str(binaries / "initdb"), "-D", cluster, "-U", "inferledger", "-A", "trust", "-E", "UTF8")
    options = f"-c listen_addresses= -k {folder} -c fsync=off"
    control = str(binaries / "pg_ctl")
    run(control, "-D", cluster, "-w", "-l", str(folder / "log"), "-o", options, "start")
    yield f"postgresql://inferledger@/postgres?host={folder}"
    run(control, "-D", cluster, "-w", "-m", "immediate", "stop")
    shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def state_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'home' / 'state.sqlite'}"
    url: str = request.getfixturevalue("postgres_url")
    store = open_state(url)
    with store.engine.begin() as connection:
        connection.exec_driver_sql("drop schema public cascade")
        connection.exec_driver_sql("create schema public")
    store.close()
    return url


@pytest.fixture
def store(state_url: str) -> Iterator[State]:
    """An open, empty store."""
    opened = open_state(state_url)
    yield opened
    opened.close()
