"""The filters every page shares. They live in the URL, so a link shows its reader the same numbers.

Streamlit writes the words of a choice into the URL (``?period=Last+30+complete+days&provider=AWS+Bedrock``): changing
the words of a choice breaks the links that people kept.
"""

from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from typing import Final

import streamlit as st

from dashboard import format as fmt
from dashboard import store

PERIODS: Final = {
    "7d": "Last 7 complete days",
    "30d": "Last 30 complete days",
    "90d": "Last 90 complete days",
    "month": "This month so far",
    "last-month": "Last month",
    "custom": "Days I choose",
}
BASES: Final = {"billed": "Billed", "effective": "Effective", "list": "List"}
BASIS_MEANING: Final = {
    "billed": "what the invoice says",
    "effective": "discounts and prepaid commitments spread over the days they cover",
    "list": "what it would have cost at public prices",
}
CATEGORY_MEANING: Final = (
    "Usage and Purchase alone leave out what is no consumption: Tax, Credit, and Adjustment (refunds, rounding, "
    "corrections by hand). All of them together are what the invoice says."
)
_DAY: Final = timedelta(days=1)
_AS_BILLED: Final = "as-billed-"
_IN_THE_URL: Final = ("period", "provider", "team", "environment", "charge_category", "basis", "currency")


@dataclass(frozen=True)
class Period:
    """Half-open days: the period, and the one before it that it is compared with."""

    start_day: date
    end_day: date
    before_start: date
    before_end: date

    @property
    def last_day(self) -> date:
        """The last day that is in it."""
        return self.end_day - _DAY


@dataclass(frozen=True)
class Selection:
    """What the reader chose. ``None`` for a list means no restriction. ``chart_end`` is the day after the last one
    drawn: charts go on past the period into days that are not complete.
    """

    period: Period
    chart_end: date
    providers: tuple[str, ...] | None
    teams: tuple[str, ...] | None
    environments: tuple[str, ...] | None
    charge_categories: tuple[str, ...] | None
    basis: str
    currency: str
    in_usd: bool
    in_reporting: bool = False

    def parameters(self, **extra: object) -> dict[str, object]:
        """Named parameters of the queries; ``extra`` adds to or replaces them."""
        chosen = asdict(replace(self))
        return chosen | chosen.pop("period") | extra

    @property
    def cost_name(self) -> str:
        """``Billed cost, USD``: what every amount on the page is."""
        return f"{BASES[self.basis]} cost, {self.currency}"


def period(choice: str, *, complete_end: date, custom: Sequence[date] = ()) -> Period:
    """The days behind a choice. ``complete_end`` is the day after the last complete one.

    A month is compared with as many days of the month before; days chosen by hand with as many days before them.
    """
    if choice == "custom" and len(custom) == 2:
        start, end = custom[0], custom[1] + _DAY
    elif choice in ("month", "last-month"):
        start = (complete_end - _DAY).replace(day=1)
        end = complete_end
        if choice == "last-month":
            start, end = _month_before(start), start
        before = _month_before(start)
        return Period(start, end, before, min(before + (end - start), start) if choice == "month" else start)
    else:
        end = complete_end
        start = end - timedelta(days=int(choice[:-1]) if choice[:-1].isdigit() else 30)
    return Period(start, end, start - (end - start), start)


def _month_before(first: date) -> date:
    last = first - _DAY
    return first - timedelta(days=monthrange(last.year, last.month)[1])


def choose(*, as_of: date, completeness: Sequence[store.Row], options: Sequence[store.Row]) -> Selection:
    """Draw the filters in the sidebar and return what they say."""
    asked = {name: st.query_params.get_all(name) for name in _IN_THE_URL}
    offered = {
        name: sorted({str(row[name]) for row in options if row[name] is not None})
        for name in ("provider", "team", "environment", "charge_category", "billing_currency", "reporting_currency")
    }
    with st.sidebar:
        choice = _period_choice()
        # what stands here depends on the providers below
        under_period = st.container()
        providers = _several("Provider", "provider", offered["provider"], naming=True)
        complete_end = _complete_end(completeness, options, providers=providers, as_of=as_of)
        with under_period:
            custom = _custom_days(options, complete_end) if choice == "custom" else ()
            chosen = period(choice, complete_end=complete_end, custom=custom)
            st.caption(fmt.span(chosen.start_day, chosen.last_day))
        teams = _several("Team", "team", offered["team"])
        environments = _several("Environment", "environment", offered["environment"])
        categories = _several("Charge category", "charge_category", offered["charge_category"], hint=CATEGORY_MEANING)
        basis = _basis()
        currencies = _currency_keys(offered["billing_currency"], offered["reporting_currency"])
        currency = _currency(currencies)
    words = offered | {
        "period": list(PERIODS.values()),
        "provider": [fmt.provider(name) for name in offered["provider"]],
        "basis": list(BASES.values()),
        "currency": [_currency_words(key) for key in currencies],
    }
    _say_what_is_not_offered(asked, words)
    drawn_to = max((row["last_day"] for row in options), default=chosen.last_day) + _DAY
    follows_complete_days = choice not in ("custom", "last-month")
    return Selection(
        period=chosen,
        chart_end=max(chosen.end_day, drawn_to) if follows_complete_days else chosen.end_day,
        providers=providers,
        teams=teams,
        environments=environments,
        charge_categories=categories,
        basis=basis,
        currency=currency.removeprefix(_AS_BILLED),
        in_usd=currency == "USD",
        in_reporting=currency != "USD" and not currency.startswith(_AS_BILLED),
    )


def _period_choice() -> str:
    return st.selectbox(
        "Period",
        list(PERIODS),
        index=1,
        format_func=PERIODS.__getitem__,
        key="period",
        bind="query-params",
        persist_state="session",
        help="Totals hold complete days only. Charts go on into days whose bill is still arriving, drawn faded.",
    )


def _several(
    label: str, key: str, options: list[str], *, naming: bool = False, hint: str | None = None
) -> tuple[str, ...] | None:
    chosen = st.multiselect(
        label,
        options,
        format_func=fmt.provider if naming else str,
        key=key,
        placeholder="All",
        disabled=not options,
        bind="query-params",
        persist_state="session",
        help=hint,
    )
    return tuple(chosen) or None


def _custom_days(options: Sequence[store.Row], complete_end: date) -> tuple[date, ...]:
    first = min((row["first_day"] for row in options), default=complete_end - 30 * _DAY)
    last = max((row["last_day"] for row in options), default=complete_end - _DAY)
    chosen = st.date_input(
        "First and last day",
        value=(max(first, complete_end - 14 * _DAY), max(first, complete_end - _DAY)),
        min_value=first,
        max_value=max(last, complete_end - _DAY),
        key="days",
        bind="query-params",
        persist_state="session",
    )
    return tuple(chosen)


def _basis() -> str:
    return st.segmented_control(
        "Cost basis",
        list(BASES),
        default="billed",
        required=True,
        format_func=BASES.__getitem__,
        key="basis",
        bind="query-params",
        persist_state="session",
        help="  \n".join(f"**{BASES[name]}**: {meaning}." for name, meaning in BASIS_MEANING.items()),
    )


def _currency_keys(billing_currencies: list[str], reporting: list[str]) -> list[str]:
    others = [name for name in reporting if name != "USD"]
    return ["USD", *others, *(_AS_BILLED + name for name in billing_currencies if billing_currencies != ["USD"])]


def _currency_words(key: str) -> str:
    return f"{key.removeprefix(_AS_BILLED)} as billed" if key.startswith(_AS_BILLED) else key


def _currency(keys: list[str]) -> str:
    return st.selectbox(
        "Currency",
        keys,
        format_func=_currency_words,
        key="currency",
        bind="query-params",
        persist_state="session",
        help=(
            "USD or the reporting currency: every charge, converted at a dated rate. A currency as billed: only the "
            "charges billed in it."
        ),
    )


def _complete_end(
    completeness: Sequence[store.Row], options: Sequence[store.Row], *, providers: tuple[str, ...] | None, as_of: date
) -> date:
    known = [
        row["complete_through"]
        for row in completeness
        if row["complete_through"] is not None and (providers is None or row["provider"] in providers)
    ]
    if known:
        return min(known) + _DAY
    return max((row["last_day"] + _DAY for row in options), default=as_of)


def _say_what_is_not_offered(asked: Mapping[str, list[str]], offered: Mapping[str, list[str]]) -> None:
    gone = [f"{name} “{value}”" for name, values in asked.items() for value in values if value not in offered[name]]
    if gone:
        st.warning(
            f"The link asks for {fmt.plain(', '.join(gone))}, which this publication does not hold: "
            "that part of the link is ignored.",
            icon=":material/link_off:",
        )
