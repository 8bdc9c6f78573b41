"""What no load could take, and what a restatement took back, reach the published tables with their dollars."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from ingest.contracts import StreamContract
from ingest.landing import Landing
from ingest.quarantine import Quarantine
from ingest.run import Run, Window, day_start
from tests.dbt_project.conftest import AS_OF, Home, new_home

STREAM = StreamContract(
    "aws_cur", "by_hand", pa.schema([("kind", pa.string()), ("cost", pa.string())]), key=("kind",), amount="cost"
)
DAY = Window(day_start(AS_OF.date()), day_start(AS_OF.date()) + timedelta(days=1))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    path: Path = tmp_path_factory.mktemp("set-apart")
    home = new_home(path, {}, config={})
    landing = Landing(str(path / "landing"), Run("run-set-apart", AS_OF), accept_shrink=True)
    for rows in ([("a", "1.10"), ("b", "2.20"), ("b", "2.20")], [("a", "1.10"), ("b", "2.20")]):
        table = pa.Table.from_pylist([{"kind": kind, "cost": cost} for kind, cost in rows], schema=STREAM.schema)
        landing.write(STREAM, scope="export", window=DAY, batches=[table])
    quarantine = Quarantine(STREAM)
    month = AS_OF.date().replace(day=1)
    for amount in (Decimal("0.1"), Decimal("0.2"), None):
        quarantine.put(
            file="x.csv", reason="it has no date", row="r", amount=amount, currency="USD", billing_month=month
        )
    quarantine.land(landing, scope="export", window=DAY, good_rows=100)
    finished = home.dbt("build", "--select", "+fct_quarantine", "+fct_restatement")
    assert finished.returncode == 0, finished.stdout[-3000:]
    return home


def test_rows_set_apart_are_counted_in_dollars(home: Home) -> None:
    row = home.one("select * from fct_quarantine")
    assert (row["row_count"], row["unknown_amount_count"], row["known_amount"]) == (3, 1, Decimal("0.3"))
    assert (row["reason"], row["billing_currency"], row["example_row"]) == ("it has no date", "USD", "r")


def test_rows_taken_back_are_counted_in_dollars(home: Home) -> None:
    row = home.one("select * from fct_restatement")
    assert (row["gone_rows"], row["gone_amount"], row["run_id"]) == (1, Decimal("2.2"), "run-set-apart")
