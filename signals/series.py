"""Turns marts into daily series: one per provider, team and product, or per account where nobody is known to own it."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa

from signals.arrays import Flags, Floats

UNALLOCATED = "unallocated"
BILL_SOURCES = ("aws_cur", "gcp_billing", "azure_cost")
METER_SOURCES = ("aws_bedrock", "gcp_vertex", "azure_openai")
_ACCOUNTS = ["billing_account_id", "sub_account_id"]
_RECENT_DAYS = 35


@dataclass(frozen=True, order=True)
class SeriesKey:
    """`sub_account_id` is set, and `product` is None, where the team is unallocated."""

    provider: str
    team: str
    product: str | None
    sub_account_id: str | None

    def text(self) -> str:
        """The key as one line, for hashing."""
        return "|".join(part or "" for part in (self.provider, self.team, self.product, self.sub_account_id))


@dataclass(frozen=True)
class SeriesSet:
    """Daily USD of every series (rows) from `first` on (columns).

    `values` are floats for statistics only; money is summed from `rows`, whose `series` and `day` are row and column
    here. `judgeable` is false before a provider's data begin and after the last day that is complete for the series.
    """

    lane: str
    metric: str
    first: date
    keys: tuple[SeriesKey, ...]
    values: Floats
    judgeable: Flags
    rows: pa.Table

    def day(self, index: int) -> date:
        """Date of a column."""
        return self.first + timedelta(days=index)


def billed_series(spend: pa.Table, status: pa.Table) -> SeriesSet | None:
    """Series of effective cost from the rows of `SPEND_QUERY`; None without rows."""
    return _series(spend, status, "billed", "charge_date", "effective_cost_usd", BILL_SOURCES)


def estimated_series(tokens: pa.Table, status: pa.Table) -> SeriesSet | None:
    """Series of estimated cost from the rows of `TOKENS_QUERY`; None without priced rows."""
    priced = tokens.filter(tokens["estimated_cost_usd"].is_valid())
    return _series(priced, status, "estimate", "usage_date", "estimated_cost_usd", METER_SOURCES)


def with_series(table: pa.Table, day_column: str, keys: tuple[SeriesKey, ...], first: date) -> pa.Table:
    """The table with the columns `series` and `day` of its rows; rows of no known series are left out."""
    frame = _key_frame(table)
    numbers = {key: number for number, key in enumerate(keys)}
    series = np.array([numbers.get(SeriesKey(*row), -1) for row in frame.itertuples(index=False)], dtype=np.int64)
    days = (pd.to_datetime(table[day_column].to_pandas()) - pd.Timestamp(first)).dt.days.to_numpy(dtype=np.int64)
    numbered = table.append_column("series", pa.array(series)).append_column("day", pa.array(days))
    return numbered.filter(pa.array((series >= 0) & (days >= 0)))


def _series(
    table: pa.Table, status: pa.Table, lane: str, day_column: str, metric: str, sources: tuple[str, ...]
) -> SeriesSet | None:
    if table.num_rows == 0:
        return None
    dates = table[day_column].to_pandas()
    first, last = dates.min(), dates.max()
    keys = tuple(sorted({SeriesKey(*row) for row in _key_frame(table).itertuples(index=False)}, key=SeriesKey.text))
    rows = with_series(table, day_column, keys, first)
    values = np.zeros((len(keys), (last - first).days + 1))
    series, days = rows["series"].to_numpy(), rows["day"].to_numpy()
    np.add.at(values, (series, days), rows[metric].cast(pa.float64()).to_numpy())
    judgeable = _complete_days(rows, keys, values.shape, first, _complete_through(status, sources))
    return SeriesSet(lane, metric, first, keys, values, judgeable, rows)


def _key_frame(table: pa.Table) -> pd.DataFrame:
    frame = table.select(["provider", "team", "product", "sub_account_id"]).to_pandas()
    # What is billed above all accounts, such as an unused reservation, stands under the billing account.
    frame["sub_account_id"] = frame["sub_account_id"].fillna(table["billing_account_id"].to_pandas())
    frame = frame.astype(object).where(frame.notna(), None)
    frame["team"] = frame["team"].fillna(UNALLOCATED)
    is_unallocated = frame["team"] == UNALLOCATED
    frame["product"] = frame["product"].where(~is_unallocated, None)
    frame["sub_account_id"] = frame["sub_account_id"].where(is_unallocated, None)
    return frame.astype(object).where(frame.notna(), None)


def _complete_through(status: pa.Table, sources: tuple[str, ...]) -> dict[tuple[str, str | None], date | None]:
    """Last complete day by (provider, account), and by (provider, None) the earliest of all its accounts."""
    known: dict[tuple[str, str | None], date | None] = {}
    for row in status.to_pylist():
        if row["source"] not in sources:
            continue
        for account in (row["account_id"], None):
            place = (row["provider"], account)
            day = row["complete_through"]
            earlier = known.get(place, day)
            known[place] = None if day is None or earlier is None else min(day, earlier)
    return known


def _complete_days(
    rows: pa.Table,
    keys: tuple[SeriesKey, ...],
    shape: tuple[int, int],
    first: date,
    complete: dict[tuple[str, str | None], date | None],
) -> Flags:
    frame = rows.select(["series", "day", "provider", *_ACCOUNTS]).to_pandas()
    begins = frame.groupby("provider")["day"].min().to_dict()
    last_use = frame.groupby("series")["day"].transform("max")
    recent = frame[frame["day"] > last_use - _RECENT_DAYS].drop_duplicates(["series", *_ACCOUNTS])
    accounts: dict[int, set[str]] = {}
    for row in recent.itertuples(index=False):
        for account in (row.sub_account_id, row.billing_account_id):
            if (row.provider, account) in complete:
                accounts.setdefault(row.series, set()).add(account)
                break
    judgeable = np.zeros(shape, dtype=bool)
    for number, key in enumerate(keys):
        places: set[str | None] = set(accounts.get(number, ())) or {None}
        days = [complete.get((key.provider, place)) for place in places]
        known = [day for day in days if day is not None]
        # An account whose completeness is unknown is not judged: its last days may still be on their way.
        if len(known) == len(days):
            judgeable[number, begins[key.provider] : max(0, (min(known) - first).days + 1)] = True
    return judgeable
