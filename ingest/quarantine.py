"""Rows that a provider or a person gave us and that cannot be a row: kept with their reason, their dollars counted.

The quarantine of a load lands beside it, in the stream `_quarantine` of its source, and is replaced with the load. The
models count it: `fct_provider_totals.quarantined_cost`, `source_status`. An amount that cannot be read is NULL: its
dollars are unknown, and the row is counted all the same.
"""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import pyarrow as pa

from ingest.contracts import LoadResult, StreamContract
from ingest.errors import CorruptFile
from ingest.landing import Landing
from ingest.run import Window

MOST_PCT = 20
_LONGEST_ROW = 4_000
_text = pa.string()
_SCHEMA = pa.schema(
    [
        ("source", _text),
        ("stream", _text),
        ("file", _text),
        ("reason", _text),
        ("row", _text),
        ("amount", _text),
        ("currency", _text),
        ("billing_account_id", _text),
        ("billing_month", pa.date32()),
    ]
)


def quarantine_contract(source: str) -> StreamContract:
    """Contract of the stream in which a source keeps what it could not take."""
    return StreamContract(
        source, "_quarantine", _SCHEMA, ("source", "stream", "reason"), empty_ok=True, may_shrink=True
    )


@dataclass
class Quarantine:
    """What one load of one stream sets apart.

    Args:
        contract: the stream that the rows were meant for.
    """

    contract: StreamContract
    rows: list[dict[str, object]] = field(default_factory=list[dict[str, object]])

    def put(
        self,
        *,
        file: str,
        reason: str,
        row: str,
        amount: Decimal | None = None,
        currency: str | None = None,
        billing_account_id: str | None = None,
        billing_month: date | None = None,
    ) -> None:
        """Set one row apart.

        Args:
            reason: what is wrong with it, as a sentence without its full stop.
            row: the row as it came, as text.
            amount: its cost where that can be read, in `currency`.
        """
        self.rows.append(
            {
                "source": self.contract.source,
                "stream": self.contract.stream,
                "file": file,
                "reason": reason,
                "row": row[:_LONGEST_ROW],
                "amount": None if amount is None else str(amount),
                "currency": currency,
                "billing_account_id": billing_account_id,
                "billing_month": billing_month,
            }
        )

    def land(self, landing: Landing, *, scope: str, window: Window, good_rows: int) -> LoadResult:
        """Write what was set apart beside the load of the same scope and window, replacing that of an earlier load.

        Raises:
            CorruptFile: more than a fifth of all rows was set apart: the file is not what it seems.
        """
        self.refuse_too_many(scope, good_rows)
        table = pa.Table.from_pylist(self.rows, schema=_SCHEMA)
        contract = quarantine_contract(self.contract.source)
        return landing.write(contract, scope=f"{self.contract.stream}-{scope}", window=window, batches=[table])

    def refuse_too_many(self, scope: str, good_rows: int) -> None:
        """Raise CorruptFile when more than a fifth of all rows was set apart; asked before the good ones land."""
        bad = len(self.rows)
        if bad * 100 > (bad + good_rows) * MOST_PCT:
            raise CorruptFile(
                f"{self.contract.source}.{self.contract.stream} of {scope}: {bad} of {bad + good_rows} rows cannot be "
                f"taken, the first because {self.rows[0]['reason']} ({self.rows[0]['file']}).",
                "Check the file; what was landed before stays.",
            )
