"""A run's clock, and what is checked before it starts."""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from ingest.settings import load_settings
from pipeline.running import new_run

ROOT = Path(__file__).parents[2]


def test_a_demo_home_keeps_its_clock(tmp_path: Path) -> None:
    (tmp_path / "truth").mkdir()
    (tmp_path / "truth" / "clock.json").write_text(json.dumps({"as_of": "2026-11-18T06:00:00Z"}))
    assert new_run(load_settings(home=tmp_path)).as_of == datetime(2026, 11, 18, 6, tzinfo=UTC)
    fixed = load_settings(home=tmp_path, as_of=datetime(2026, 11, 19, tzinfo=UTC))
    assert new_run(fixed).as_of == datetime(2026, 11, 19, tzinfo=UTC)


def test_a_broken_alerts_file_stops_the_run_before_anything_lands(tmp_path: Path, cli: Callable) -> None:
    config = tmp_path / "config"
    shutil.copytree(ROOT / "config", config)
    (config / "alerts.yml").write_text("channels: []\nminimum_dollars: 5\n")
    finished = cli("run", "--home", str(tmp_path / "home"), "--config", str(config))
    assert finished.returncode == 2
    assert "alerts.yml:" in finished.stderr
    assert not (tmp_path / "home").exists()


def test_a_demo_that_was_interrupted_while_its_world_was_made_again_goes_on(tmp_path: Path) -> None:
    from pipeline.demo import check_home

    (tmp_path / "landing").mkdir()
    (tmp_path / "emulator").mkdir()
    check_home(tmp_path)
