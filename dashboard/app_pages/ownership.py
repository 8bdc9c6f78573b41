"""Ownership: how much is somebody's and how we know, where evidence contradicts, which rules and tag keys count."""

import streamlit as st

from dashboard import charts, definitions, layout
from dashboard import format as fmt

page = layout.current()
currency = page.selection.currency
cost = page.selection.cost_name


def coverage() -> None:
    st.subheader("Coverage", anchor=False)
    methods = page.rows("spend_by_method")
    colours = {"unallocated": charts.GREY}
    drawing = charts.ranked_bars(methods, name="attribution_method", title=cost, colours=colours, currency=currency)
    layout.chart(drawing, "coverage", alternative=f"{cost} by the evidence that gave it to a team")
    columns: layout.Columns = {
        "provider": ("provider", "Provider"),
        "attribution_method": ("text", "Evidence"),
        "cost": ("money", "Spend"),
        "share_ratio": ("ratio", "Share of the provider"),
    }
    layout.table("coverage", page.rows("ownership_coverage"), columns, currency=currency)
    layout.note(f"{cost} in the period. {definitions.COVERAGE}")


def then_and_now() -> None:
    st.subheader("As it was owned, and as it is owned now", anchor=False)
    only_moved = st.toggle("Only teams that differ", value=True, key="ownership-only-moved")
    rows = page.rows("ownership_then_now")
    shown = [row for row in rows if row["moved"] != 0] if only_moved else rows
    if rows and not shown:
        st.markdown("No difference: today's rules name the same teams for all of these days.")
    else:
        columns: layout.Columns = {
            "team": ("text", "Team"),
            "cost_then": ("money", "By the rules of each day"),
            "cost_now": ("money", "By today's rules"),
            "moved": ("money", "Difference"),
        }
        layout.table("then-and-now", shown, columns)
    layout.note(definitions.THEN_AND_NOW)


def conflicts() -> None:
    st.subheader("Conflicts", anchor=False)
    rows = page.rows("ownership_conflicts")
    if not rows:
        st.markdown("No evidence contradicts another in these months.")
        return
    columns: layout.Columns = {
        "provider": ("provider", "Provider"),
        "thing": ("text", "What"),
        "team": ("text", "Decided"),
        "attribution_method": ("text", "By"),
        "other_team": ("text", "Contradicted"),
        "other_evidence": ("text", "By evidence"),
        "cost": ("money", "Spend"),
    }
    layout.table("conflicts", rows, columns)
    layout.note(definitions.CONFLICTS)


def rules() -> None:
    st.subheader("Rules", anchor=False)
    rows = page.rows("ownership_rules")
    dead = [row["rule_id"] for row in rows if row["matched_things"] == 0]
    if not rows:
        st.markdown("ownership.yml holds no rule for these filters: tags and labels alone decide.")
        return
    if dead:
        named = ", ".join(fmt.plain(rule) for rule in dead[:8])
        more = f" and {len(dead) - 8} more" if len(dead) > 8 else ""
        st.warning(f"Dead: {named}{more}. Nothing was seen within their days.", icon=":material/link_off:")
    columns: layout.Columns = {
        "rule_id": ("text", "Rule"),
        "provider": ("provider", "Provider"),
        "field": ("text", "Field"),
        "pattern": ("text", "Pattern"),
        "team": ("text", "Team"),
        "matched_things": ("count", "Things matched"),
        "decided_cost_usd": ("money", "Decided"),
        "valid_from": ("day", "From"),
        "valid_to": ("text", "To"),
    }
    layout.table("ownership-rules", rows, columns)
    layout.note(definitions.RULES)


def tag_keys() -> None:
    st.subheader("Tag keys", anchor=False)
    columns: layout.Columns = {
        "canonical": ("text", "Means"),
        "tag_key": ("text", "Key as it is spelled"),
        "provider": ("provider", "Provider"),
        "is_declared": ("flag", "Declared"),
        "cost": ("money", "Spend"),
        "unallocated_cost": ("money", "Of it unallocated"),
    }
    layout.table("tag-keys", page.rows("tag_keys"), columns)
    layout.note(definitions.TAG_KEYS)


layout.heading(page, "Ownership", "How much is somebody's, how do we know, and what contradicts it?")
if not page.rows("ownership_coverage"):
    layout.empty("charges")
else:
    layout.status_note(page)
    coverage()
    then_and_now()
    conflicts()
    rules()
    tag_keys()
