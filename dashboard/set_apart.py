"""The part of Data health about rows that no load could take, and rows that a provider took back."""

from typing import Final

import streamlit as st

from dashboard import layout

_QUARANTINED: Final[layout.Columns] = {
    "source": ("text", "Source"),
    "billing_month": ("month", "Billing month"),
    "file_name": ("text", "File"),
    "reason": ("text", "Why"),
    "row_count": ("count", "Rows"),
    "unknown_amount_count": ("count", "Cost unreadable"),
    "billing_currency": ("text", "Currency"),
    "known_amount": ("number", "Cost of the others"),
}
_TAKEN_BACK: Final[layout.Columns] = {
    "source": ("text", "Source"),
    "scope": ("text", "Account, export or table"),
    "window_start": ("day", "Window from"),
    "gone_rows": ("count", "Rows gone"),
    "gone_amount": ("number", "Their cost"),
    "restated_at": ("minute", "Seen, UTC"),
}


def show(page: layout.Page) -> None:
    """Both tables, or one sentence where there is nothing to say."""
    st.subheader("Set apart and taken back", anchor=False)
    quarantined, taken_back = page.rows("quarantine"), page.rows("restatements")
    if not quarantined and not taken_back:
        st.markdown("Every row could be taken, and no provider took one back.")
    if quarantined:
        layout.table("quarantine", quarantined, _QUARANTINED)
        layout.note("Rows that could not be taken. Their dollars are in no other number here.")
    if taken_back:
        layout.table("restatements", taken_back, _TAKEN_BACK)
        layout.note(
            "Rows that an earlier load had and its restatement lacks, in the currency of their bill. "
            "Unknown: the stream carries no cost."
        )
