"""Saved pages of both organisation APIs through the file door: the rows of the API, each bucket once."""

import gzip
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ingest.contracts import Context
from ingest.errors import ConfigError, CorruptFile, SchemaChanged
from ingest.files import open_folder
from ingest.landing import Landing
from ingest.quarantine import quarantine_contract
from ingest.run import Window, day_start
from ingest.sources import anthropic, openai
from tests.ingest.direct.conftest import AS_OF, Rig

BOTH = pytest.mark.parametrize("source", [anthropic, openai], ids=lambda source: source.SOURCE)
WHOLE = Window(day_start(AS_OF.date().replace(month=10, day=20)), day_start(AS_OF.date()))


def saved(rig: Rig, source: ModuleType, folder: Path) -> list[Path]:
    """Every page of both reports, one a file."""
    folder.mkdir(parents=True)
    api, written = source._api(rig.context), []
    for report in source.ORGANISATION.reports:
        for number, page in enumerate(api.pages(report.path, source._parameters(report, WHOLE))):
            path = folder / f"{report.contract.stream}-{number}"
            path.write_text(json.dumps(page, default=str))
            written.append(path)
    return written


def elsewhere(rig: Rig, tmp_path: Path) -> Context:
    return replace(rig.context, landing=Landing(str(tmp_path / "other"), rig.context.run))


def load(context: Context, source: ModuleType, path: Path) -> list[Any]:
    with open_folder(str(path), context.settings) as folder:
        return source.load_files(context, folder, None)


@BOTH
def test_direct_saved_pages_land_what_the_api_does(rig: Rig, source: ModuleType, tmp_path: Path) -> None:
    source.load(rig.context, None)
    rig.books.most_buckets = 10
    paths = saved(rig, source, tmp_path / "pages")
    assert len(paths) > 4
    paths[0].with_suffix(".gz").write_bytes(gzip.compress(paths[0].read_bytes()))
    (tmp_path / "pages" / "chart.json").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "pages" / "keys.json").write_text('{"data": [{"id": "key-1"}], "has_more": false}')
    context = elsewhere(rig, tmp_path)
    load(context, source, tmp_path / "pages")
    for contract in source.STREAMS:
        ours, theirs = (one.landing.read(contract).select(contract.schema.names) for one in (context, rig.context))
        assert ours.num_rows
        assert sorted(map(str, ours.to_pylist())) == sorted(map(str, theirs.to_pylist()))
    assert not any(result.changed for result in load(context, source, tmp_path / "pages"))


@BOTH
def test_direct_a_result_that_cannot_be_taken_is_set_apart_with_its_dollars(
    rig: Rig, source: ModuleType, tmp_path: Path
) -> None:
    costs = next(path for path in saved(rig, source, tmp_path / "pages") if path.name == "costs-0")
    page = json.loads(costs.read_text())
    bucket = next(one for one in page["data"] if one["results"])
    template = bucket["results"][0]
    bucket["results"] += [template | {"line_item": f"x{n}", "description": f"x{n}"} for n in range(9)]
    dear = {"amount": "250", "currency": None} if source is anthropic else {"amount": {"value": "2.5"}}
    bucket["results"].append(template | dear)
    costs.write_text(json.dumps(page))
    context = elsewhere(rig, tmp_path)
    load(context, source, costs)
    (apart,) = context.landing.read(quarantine_contract(source.SOURCE)).to_pylist()
    assert (apart["reason"], Decimal(apart["amount"])) == ("it has no amount or currency", Decimal("2.5"))


@BOTH
def test_direct_a_bucket_that_two_files_tell_differently_is_refused(
    rig: Rig, source: ModuleType, tmp_path: Path
) -> None:
    usage = saved(rig, source, tmp_path / "pages")[0]
    page = json.loads(usage.read_text())
    next(one for one in page["data"] if one["results"])["results"][0]["output_tokens"] += 1
    (tmp_path / "pages" / "usage-again").write_text(json.dumps(page))
    with pytest.raises(ConfigError, match=r"usage-0 and usage-again tell .* differently"):
        load(elsewhere(rig, tmp_path), source, tmp_path / "pages")


@BOTH
def test_direct_what_is_no_page_is_told(rig: Rig, source: ModuleType, tmp_path: Path) -> None:
    usage = saved(rig, source, tmp_path / "pages")[0]
    text = usage.read_text()
    (tmp_path / "other.json").write_text('{"data": []}')
    with pytest.raises(SchemaChanged, match="no file has a result of"):
        load(elsewhere(rig, tmp_path), source, tmp_path / "other.json")
    (tmp_path / "near.json").write_text(text.replace('"output_tokens"', '"answered"'))
    with pytest.raises(SchemaChanged, match=r"looks like .* missing: output_tokens"):
        load(elsewhere(rig, tmp_path), source, tmp_path / "near.json")
    (tmp_path / "cut.json").write_text(text[:-40])
    with pytest.raises(CorruptFile, match="1 of 1 rows cannot be taken"):
        load(elsewhere(rig, tmp_path), source, tmp_path / "cut.json")
