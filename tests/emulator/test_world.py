from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from emulator.organisation import load_organisation
from emulator.traffic import METRICS
from emulator.world import DEFAULT_AS_OF, World, make_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tmp_path_factory.mktemp("home"), days=10)


def requests_by_stream(world: World) -> dict[str, int]:
    sums = world.usage.group_by("stream_id").aggregate([("request_count", "sum")])
    return dict(zip(sums["stream_id"].to_pylist(), sums["request_count_sum"].to_pylist(), strict=True))


def test_usage_covers_the_full_days_and_the_hours_of_the_as_of_day(world: World) -> None:
    hours = world.usage["hour_start"].unique().sort()

    assert hours[0].as_py() == datetime(2026, 11, 8, tzinfo=UTC)
    assert hours[-1].as_py() == datetime(2026, 11, 18, 5, tzinfo=UTC)
    assert len(hours) == 10 * 24 + 6


def test_usage_has_one_row_per_stream_and_hour_and_counts_are_integers(world: World) -> None:
    assert world.usage.schema.names == ["stream_id", "hour_start", *METRICS]
    assert all(world.usage.schema.field(metric).type == pa.int64() for metric in METRICS)
    assert world.usage.group_by(["stream_id", "hour_start"]).aggregate([]).num_rows == world.usage.num_rows
    assert all(min(world.usage[metric].to_pylist()) >= 0 for metric in METRICS)


def test_days_count_from_the_as_of_date(world: World) -> None:
    assert world.day(0) == date(2026, 11, 18)
    assert world.day(-2) == date(2026, 11, 16)


def test_same_seed_makes_the_same_usage_wherever_the_home_is(world: World, tmp_path: Path) -> None:
    assert make_world(tmp_path, days=10).usage.equals(world.usage)


def test_another_seed_moves_only_the_noise(world: World, tmp_path: Path) -> None:
    other = make_world(tmp_path, days=10, seed=8)

    assert not other.usage.equals(world.usage)
    before, after = requests_by_stream(world), requests_by_stream(other)
    busy = {stream for stream, count in before.items() if count > 100_000}
    assert all(abs(after[stream] / before[stream] - 1) < 0.02 for stream in busy)
    assert [incident.kind for incident in other.incidents] == [incident.kind for incident in world.incidents]


def test_random_numbers_belong_to_a_name_and_not_to_the_order_of_drawing(world: World) -> None:
    world.rng("a").integers(100, size=7)

    assert np.array_equal(world.rng("b").integers(100, size=3), world.rng("b").integers(100, size=3))
    assert not np.array_equal(world.rng("a").integers(100, size=9), world.rng("b").integers(100, size=9))


def test_folder_of_a_cloud_lies_in_the_home(world: World) -> None:
    assert world.folder("aws") == world.home / "emulator" / "aws"
    assert world.folder("aws").is_dir()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"days": 4}, "at least 5 days"),
        ({"as_of": datetime(2026, 11, 18, 6, 30, tzinfo=UTC)}, "full hour"),
        ({"as_of": DEFAULT_AS_OF.replace(tzinfo=None)}, "time zone"),
    ],
    ids=["too few days", "half an hour", "no time zone"],
)
def test_impossible_horizon_is_refused(tmp_path: Path, changes: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make_world(tmp_path, **changes)


def test_organisation_is_the_one_the_design_promises() -> None:
    organisation = load_organisation()
    owned = [stream for stream in organisation.streams if stream.team != "unallocated"]

    assert len(organisation.teams) == 9
    assert {stream.team for stream in owned} == set(organisation.teams)
    assert len({stream.product for stream in owned}) in range(18, 23)
    assert len(organisation.gcp["projects"]) == 6
    assert len(organisation.azure["accounts"]) == 5
    assert [stream.id for stream in organisation.streams if stream.model == "gemini-2.5-pro"] == ["gcp-doc-translate"]
    assert {stream.provider for stream in organisation.of("azure")} == {"azure"}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("  - {id: a, provider: aws, %s}\n  - {id: a, provider: gcp, %s}\n", "unique"),
        ("  - {id: a, provider: oracle, %s}\n", "oracle"),
    ],
    ids=["one id twice", "unknown provider"],
)
def test_wrong_organisation_is_refused(tmp_path: Path, line: str, words: str) -> None:
    rest = "team: t, product: p, environment: e, model: m, account: x, region: r, via: {}, traffic: {}"
    path = tmp_path / "organisation.yml"
    path.write_text("teams: {}\naws: {}\ngcp: {}\nazure: {}\nstreams:\n" + line.replace("%s", rest))

    with pytest.raises(ValueError, match=words):
        load_organisation(path)
