"""Exchange rates as the European Central Bank serves them: its archive, CSV and XML, and what is wrong with each."""

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from emulator.clock import Clock
from emulator.faults import Faults
from emulator.fx import start
from ingest.config import SourcesConfig, load_sources
from ingest.contracts import Context
from ingest.errors import ConfigError, CorruptFile, EmptyAnswer, InferledgerError, SchemaChanged, Unreachable
from ingest.files import open_folder
from ingest.landing import Landing
from ingest.run import Run, Window
from ingest.settings import Settings
from ingest.sources import fx

AS_OF = datetime(2026, 11, 18, 6, tzinfo=UTC)
# the first columns of three real days, with the comma that closes each line
REAL_CSV = """Date,USD,JPY,BGN,CYP,CZK,
2024-03-18,1.0872,162.43,1.9558,N/A,25.044,
2024-03-15,1.0890,161.69,1.9558,N/A,24.950,
2024-03-14,1.0925,161.68,1.9558,N/A,25.081,
"""
REAL_XML = """<?xml version="1.0" encoding="UTF-8"?>
<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01" xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">
  <gesmes:subject>Reference rates</gesmes:subject>
  <gesmes:Sender><gesmes:name>European Central Bank</gesmes:name></gesmes:Sender>
  <Cube><Cube time='2024-06-28'><Cube currency='USD' rate='1.0705'/><Cube currency='CZK' rate='25.025'/></Cube></Cube>
</gesmes:Envelope>
"""


@dataclass
class Bank:
    context: Context
    clock: Clock
    faults: Faults
    home: Path

    def at(self, as_of: datetime) -> Context:
        """The context of a later run, with the bank's clock moved as well."""
        self.clock.set(as_of)
        run = Run(f"run-{as_of:%m%d%H}", as_of)
        return replace(self.context, run=run, landing=Landing(str(self.home / "landing"), run))

    def rates(self, currency: str) -> dict[date, str]:
        rows = self.context.landing.read(fx.REFERENCE_RATES).to_pylist()
        return {row["rate_date"]: row["units_per_eur"] for row in rows if row["currency"] == currency}

    def message(self) -> str | None:
        import pyarrow.parquet as pq

        path = self.home / "landing" / "fx" / "_status" / "ecb" / "part.parquet"
        return pq.read_table(path).to_pylist()[0]["message"]


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Bank]:
    clock, faults = Clock(tmp_path / "clock.json"), Faults()
    clock.set(AS_OF)
    service = start(clock, faults)
    run = Run("run-1", AS_OF)
    settings = Settings(home=tmp_path, fx_endpoint=service.env["INFERLEDGER_FX_ENDPOINT"], retry_budget_seconds=0.01)
    config = SourcesConfig.model_validate({"backfill_days": 40, "fx": {}})
    yield Bank(Context(settings, config, Landing(str(tmp_path / "landing"), run), run), clock, faults, tmp_path)
    service.stop()


def archive(text: str, name: str = "eurofxref-hist.csv") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        made.writestr(zipfile.ZipInfo(name), text)  # dated 1980: the same bytes in every process
    return buffer.getvalue()


def test_rates_are_text_as_the_bank_writes_them() -> None:
    rates = fx.parse(REAL_CSV.encode(), "eurofxref-hist.csv")
    assert rates[date(2024, 3, 15), "USD"] == "1.0890"
    assert (date(2024, 3, 15), "CYP") not in rates
    assert len(rates) == 12


@pytest.mark.parametrize(
    "content",
    [REAL_CSV.encode(), b"\xef\xbb\xbf" + REAL_CSV.encode(), archive(REAL_CSV), REAL_CSV.replace(",\n", "\n").encode()],
    ids=["csv", "byte order mark", "zip", "without the closing comma"],
)
def test_every_form_of_the_csv_is_read(content: bytes) -> None:
    assert fx.parse(content, "rates") == fx.parse(REAL_CSV.encode(), "rates")


def test_the_xml_is_read_whatever_its_namespace_prefix() -> None:
    assert fx.parse(REAL_XML.encode(), "eurofxref-hist-90d.xml") == {
        (date(2024, 6, 28), "USD"): "1.0705",
        (date(2024, 6, 28), "CZK"): "25.025",
    }


@pytest.mark.parametrize(
    ("content", "error", "said"),
    [
        (b"day,USD\n2024-03-18,1\n", SchemaChanged, "does not start with Date"),
        (b"Date,USD,\n2024-03-18,-1.0872,\n", SchemaChanged, "2024-03-18 USD"),
        (b"Date,USD,\n2024-03-18,NaN,\n", SchemaChanged, "no rate above 0"),
        (b"Date,USD,\n2024-03-18,one,\n", SchemaChanged, "'one' is no rate"),
        (b"Date,USD,\n18 March 2024,1.0872,\n", SchemaChanged, "18 March 2024"),
        (b"Date,USD,EURO,\n2024-03-18,1.0872,1,\n", SchemaChanged, "2024-03-18 EURO"),
        (b"Date,USD,JPY,\n2024-03-18,1.0872,\n", CorruptFile, ":2: 3 fields where the header has 4"),
        (b"Date,USD,\n", SchemaChanged, "holds no rate"),
        (archive(REAL_CSV)[:80], CorruptFile, "no whole archive"),
        (archive(REAL_CSV, "rates.txt"), SchemaChanged, "one CSV or XML"),
        (REAL_XML.encode()[:300], CorruptFile, "no XML"),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]>" + REAL_XML.encode(), SchemaChanged, "document type"),
    ],
)  # fmt: skip
def test_what_is_no_file_of_the_bank_is_refused(content: bytes, error: type[InferledgerError], said: str) -> None:
    with pytest.raises(error, match=said.replace("(", r"\(")) as caught:
        fx.parse(content, "rates.csv")
    assert "Take eurofxref-hist.zip from the bank again" in caught.value.remedy


def test_the_years_of_the_backfill_land_once(bank: Bank) -> None:
    first = fx.load(bank.context, None)
    assert [f"{result.window_start:%Y}" for result in first] == ["2026"]
    rates = bank.rates("USD")
    assert max(rates) == date(2026, 11, 17), "the rate of a day is out at 15:00 UTC"
    assert date(2026, 11, 14) not in rates, "Saturdays have no rate"
    assert bank.rates("BGN") == {}, "N/A is no rate"
    assert not any(result.changed for result in fx.load(bank.context, None))
    assert bank.message() is None


def test_a_window_reaches_into_every_year_that_it_touches(bank: Bank) -> None:
    window = Window(datetime(2025, 12, 31, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))
    assert [f"{result.window_start:%Y}" for result in fx.load(bank.context, window)] == ["2025"]
    assert min(bank.rates("BGN")) == date(2025, 1, 2)


def test_a_later_run_adds_the_days_since(bank: Bank) -> None:
    fx.load(bank.context, None)
    earlier = bank.rates("JPY")
    fx.load(bank.at(datetime(2026, 11, 20, 16, tzinfo=UTC)), None)
    later = bank.rates("JPY")
    assert sorted(set(later) - set(earlier)) == [date(2026, 11, 18), date(2026, 11, 19), date(2026, 11, 20)]
    assert earlier.items() <= later.items()


def test_a_bank_out_of_reach_leaves_the_landed_rates_and_says_so(bank: Bank) -> None:
    fx.load(bank.context, None)
    bank.faults.add("fx", "*", "server_error", times=None)
    assert fx.load(bank.at(datetime(2026, 11, 19, 6, tzinfo=UTC)), None) == []
    assert max(bank.rates("USD")) == date(2026, 11, 17)
    said = bank.message()
    assert said is not None
    assert "503" in said
    assert "The rates of 2026-11-17 carry over." in said


def test_a_bank_out_of_reach_is_an_error_where_no_rate_is_landed(bank: Bank) -> None:
    bank.faults.add("fx", "*", "server_error", times=None)
    with pytest.raises(Unreachable, match="European Central Bank"):
        fx.load(bank.context, None)


def test_a_broken_archive_changes_nothing(bank: Bank) -> None:
    fx.load(bank.context, None)
    before = bank.rates("USD")
    bank.faults.add("fx", "*", "wrong_schema")
    with pytest.raises(CorruptFile):
        fx.load(bank.context, None)
    assert bank.rates("USD") == before


def test_a_file_of_some_days_takes_no_other_day_away(bank: Bank, tmp_path: Path) -> None:
    fx.load(bank.context, None)
    before = bank.rates("USD")
    path = tmp_path / "rates.csv"
    path.write_text("Date,USD,ISK,\n2026-11-17,1.5,144.90,\n2026-11-21,9,9,\n2023-01-02,1.0683,151.5,\n")
    with open_folder(str(path), bank.context.settings) as folder:
        results = fx.load_files(bank.context, folder, None)
    assert [f"{result.window_start:%Y}" for result in results] == ["2023", "2026"]
    assert bank.rates("USD") == before | {date(2026, 11, 17): "1.5", date(2023, 1, 2): "1.0683"}
    assert date(2026, 11, 21) not in bank.rates("ISK"), "a day after the run's clock is not known yet"


def test_a_folder_without_rates_is_refused(bank: Bank, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "readme.txt").write_text("nothing")
    with (
        open_folder(str(tmp_path / "elsewhere"), bank.context.settings) as folder,
        pytest.raises(EmptyAnswer, match="holds no rates"),
    ):
        fx.load_files(bank.context, folder, None)


def test_an_unknown_reporting_currency_is_refused_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "sources.yml"
    path.write_text("backfill_days: 90\nfx:\n  reporting_currency: EUO\n")
    with pytest.raises(ConfigError, match=r"sources.yml:3: fx.reporting_currency: 'EUO': no currency code of ISO 4217"):
        load_sources(path)


def test_without_the_section_usd_is_reported() -> None:
    assert SourcesConfig.model_validate({}).reporting_currency == "USD"
    assert SourcesConfig.model_validate({"fx": {"reporting_currency": "EUR"}}).reporting_currency == "EUR"
