"""CSV downloads: every digit, unknown left empty, nothing that a spreadsheet would run."""

from datetime import date
from decimal import Decimal

from dashboard import layout


def test_csv_keeps_every_digit() -> None:
    text = layout.as_csv([[Decimal("0.000000000001"), Decimal("123456789012345678.900000000000")]], ["a", "b"])
    assert text.decode("utf-8-sig").splitlines()[1] == "0.000000000001,123456789012345678.900000000000"


def test_csv_leaves_unknown_empty() -> None:
    assert layout.as_csv([[None, date(2026, 11, 16)]], ["a", "b"]).decode("utf-8-sig").splitlines() == [
        "a,b",
        ",2026-11-16",
    ]


def test_csv_defuses_formulas_in_names_and_leaves_negative_money_alone() -> None:
    text = layout.as_csv([["=HYPERLINK(1)", Decimal("-5.5"), "plain"]], ["a", "b", "c"])
    assert text.decode("utf-8-sig").splitlines()[1] == "'=HYPERLINK(1),-5.5,plain"
