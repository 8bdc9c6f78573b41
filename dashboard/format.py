"""Numbers as people read them. ``None`` is unknown and says so; it never turns into a zero."""

from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

UNKNOWN: Final = "unknown"
_SYMBOLS: Final = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}
_STEPS: Final = ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "k"))
_MINUS: Final = "\u2212"


def money(amount: Decimal | None, currency: str, *, places: int = 2, signed: bool = False) -> str:
    """``1234.5, "USD"`` as ``$1,234.50``; a currency without a symbol stands in front as its code."""
    if amount is None:
        return UNKNOWN
    rounded = amount.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)
    sign = _MINUS if rounded < 0 else "+" if signed and rounded > 0 else ""
    return f"{sign}{_SYMBOLS.get(currency, currency + ' ')}{abs(rounded):,}"


def change(now: Decimal | None, before: Decimal | None, currency: str) -> str | None:
    """The step between two periods, in money and per cent; ``None`` when one of them is unknown.

    The sign is an ASCII hyphen because Streamlit reads the arrow's direction from it.
    """
    if now is None or before is None:
        return None
    step = now - before
    text = money(step, currency, signed=True).replace(_MINUS, "-")
    return f"{text} ({percent(step / before, signed=True).replace(_MINUS, '-')})" if before > 0 else text


def percent(ratio: Decimal | float | None, *, places: int = 1, signed: bool = False) -> str:
    """A ratio (0..1) as a percentage."""
    if ratio is None:
        return UNKNOWN
    text = f"{abs(ratio) * 100:,.{places}f}%"
    sign = _MINUS if ratio < 0 else "+" if signed and ratio > 0 else ""
    return sign + text


def tokens(count: int | None) -> str:
    """A count in thousands, millions or billions: ``1_234_000`` as ``1.2M``; under a thousand as it is."""
    if count is None:
        return UNKNOWN
    for step, letter in _STEPS:
        if abs(count) >= step:
            return f"{count / step:,.1f}{letter}"
    return str(count)


def day(moment: date | None) -> str:
    """``16 Nov 2026``."""
    return UNKNOWN if moment is None else f"{moment.day} {moment:%b %Y}"


def short_day(moment: date | None) -> str:
    """``16 Nov``, where the year stands beside it."""
    return UNKNOWN if moment is None else f"{moment.day} {moment:%b}"


def minute(moment: datetime | None) -> str:
    """``18 Nov 2026, 06:00 UTC``."""
    return UNKNOWN if moment is None else f"{moment.day} {moment:%b %Y, %H:%M} UTC"


def span(first: date, last: date) -> str:
    """Two days, both included: ``18 Oct to 16 Nov 2026``."""
    if first == last:
        return day(first)
    if first.year != last.year:
        return f"{day(first)} to {day(last)}"
    opening = str(first.day) if first.month == last.month else f"{first.day} {first:%b}"
    return f"{opening} to {day(last)}"


def provider(name: str | None) -> str:
    """The name a person uses for a provider's short name."""
    return _PROVIDERS.get(name, name) if name is not None else UNKNOWN


_PROVIDERS: Final = {
    "aws": "AWS Bedrock",
    "gcp": "Google Vertex AI",
    "azure": "Azure OpenAI",
    "anthropic": "Anthropic API",
    "openai": "OpenAI API",
}


def plain(text: str) -> str:
    """Text as Streamlit's Markdown shows it literally; two dollar signs would otherwise become a formula."""
    for mark in "\\`*_$[]<>#~|":
        text = text.replace(mark, "\\" + mark)
    return text
