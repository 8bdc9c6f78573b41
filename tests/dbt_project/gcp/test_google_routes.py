"""The same bill by every route gives the same totals; SKUs are read as the facts say; nothing is lost."""

from decimal import Decimal

import pytest

from tests.dbt_project.gcp.routes import ALL_AT_ONCE, FILES, NO_AI, SKU_TABLE, TABLES
from tests.dbt_project.gcp.sku_facts import SKUS

# a double as its shortest text, as a decimal
OWN_SUM = """
    sum(cast(cast(cost AS varchar) AS decimal(38, 12)))
    + sum(coalesce(list_sum(
        list_transform(credits, lambda credit: cast(cast(credit.amount AS varchar) AS decimal(38, 12)))
    ), 0))
"""
SAME = [*TABLES.values(), *FILES.values(), ALL_AT_ONCE]


def _totals(home, account):
    return home.query(f"""
        SELECT billing_month, billing_currency, landed_cost, mart_cost, out_of_scope_cost, difference
        FROM main.fct_provider_totals WHERE billing_account_id = '{account}' ORDER BY billing_month
    """)


def _skus(home):
    return {row["sku_id"]: row for row in home.query("SELECT * FROM intermediate.int_gcp_sku_dimensions")}


def _reading(row):
    names = ("provider_model_name", "token_class", "direction", "tier", "context_band", "modality", "region_scope")
    return tuple(row[name] or "-" for name in names)


def _charged(home):
    """What the export's own rows sum to, cost and credits, straight from the emulator's file."""
    return home.query(f"""
        SELECT {OWN_SUM} AS total
        FROM read_parquet('{home.world.folder("gcp")}/export.parquet')
        WHERE export_time <= TIMESTAMPTZ '{home.world.as_of.isoformat()}'
    """)[0]["total"]


def test_gcp_1_4_every_route_gives_the_same_totals_exactly(routes_home):
    totals = {account: _totals(routes_home, account) for account in SAME}
    first = totals[TABLES["detailed"]]
    assert sum(row["landed_cost"] for row in first) == _charged(routes_home)
    assert all(row["mart_cost"] > 0 and row["out_of_scope_cost"] > 0 for row in first[-1:])
    assert {account: rows for account, rows in totals.items() if rows != first} == {}


def test_gcp_1_4_routes_of_one_month_never_add_up_and_the_most_detailed_counts(routes_home):
    routes = routes_home.query(f"""
        SELECT export_kind, is_taken, landed_cost FROM intermediate.int_gcp_billing_routes
        WHERE billing_account_id = '{ALL_AT_ONCE}' AND billing_month = '2026-11-01' ORDER BY export_kind
    """)
    assert [(row["export_kind"], row["is_taken"]) for row in routes] == [
        ("detailed", True),
        ("focus", False),
        ("standard", False),
    ]
    assert len({row["landed_cost"] for row in routes}) == 1


def test_gcp_1_6_credits_are_never_joined_into_cost(routes_home):
    net = routes_home.query(f"""
        SELECT sum(gross_cost) AS gross, sum(promotion_credits) AS promotions, sum(other_credits) AS others,
            sum(net_cost) AS net, sum(net_cost_before_promotions) AS before
        FROM intermediate.int_gcp_net_costs WHERE billing_account_id = '{TABLES["focus"]}'
    """)[0]
    assert net["others"] < 0
    assert net["net"] == _charged(routes_home) == net["before"] + net["promotions"]
    assert net["gross"] == net["net"] - net["promotions"] - net["others"]


def test_gcp_1_6_a_promotion_pays_for_spend_and_does_not_hide_it(routes_home):
    net = routes_home.query(f"""
        SELECT sum(gross_cost) AS gross, sum(promotion_credits) AS promotions, sum(net_cost) AS net,
            sum(net_cost_before_promotions) AS before
        FROM intermediate.int_gcp_net_costs WHERE billing_account_id = '{SKU_TABLE}'
    """)[0]
    # a dollar each; a free trial pays the first
    assert net == {"gross": len(SKUS), "promotions": -1, "net": len(SKUS) - 1, "before": len(SKUS)}


def test_gcp_1_5_corrections_are_summed_and_equal_rows_kept(routes_home):
    rows = routes_home.query(f"""
        SELECT count(*) AS n FROM intermediate.int_gcp_bill_rows WHERE billing_account_id = '{TABLES["standard"]}'
    """)[0]["n"]
    served = routes_home.query(f"""
        SELECT count(*) AS n FROM read_parquet('{routes_home.world.folder("gcp")}/export.parquet')
        WHERE export_time <= TIMESTAMPTZ '{routes_home.world.as_of.isoformat()}'
    """)[0]["n"]
    assert rows == served


def test_a_bill_without_any_model_lands_whole_and_is_out_of_scope(routes_home):
    total = _totals(routes_home, NO_AI)
    own = routes_home.query(f"""
        SELECT {OWN_SUM} AS total
        FROM read_parquet('{routes_home.world.folder("gcp")}/export.parquet')
        WHERE service.description IN ('Compute Engine', 'BigQuery')
            AND export_time <= TIMESTAMPTZ '{routes_home.world.as_of.isoformat()}'
    """)[0]["total"]
    assert sum(row["landed_cost"] for row in total) == own != 0
    assert sum(row["out_of_scope_cost"] for row in total) == own
    assert {row["mart_cost"] for row in total} == {Decimal(0)}


@pytest.mark.parametrize("fact", SKUS, ids=[fact.text.strip()[:60] for fact in SKUS])
def test_gcp_2_2_sku_grammar(routes_home, fact):
    assert _reading(_skus(routes_home)[fact.sku_id]) == fact.expected


def test_gcp_2_2_rule_1_flash_lite_before_flash(routes_home):
    names = {row["sku"]: row["provider_model_name"] for row in _skus(routes_home).values()}
    assert names["Gemini 2.5 Flash Lite Text Input - Predictions"] == "gemini-2.5-flash-lite"
    assert names["Gemini 2.5 Flash Text Input"] == "gemini-2.5-flash"


def test_gcp_2_2_rule_2_an_output_need_not_end_in_output(routes_home):
    row = next(
        r for r in _skus(routes_home).values() if r["sku"].startswith("Gemini 2.5 Flash GA Text Output (Thinking")
    )
    assert (row["token_class"], row["is_thinking"]) == ("output", False)


def test_gcp_2_2_rule_3_cache_before_input_and_storage_is_no_tokens(routes_home):
    rows = {row["sku"]: row for row in _skus(routes_home).values()}
    assert rows["Gemini 2.5 Flash GA Input Text Caching (Long)"]["token_class"] == "cache_read"
    stored = rows["Gemini 2.5 Flash GA Input Video Caching Storage"]
    assert (stored["token_class"], stored["direction"]) == ("other", "cache_storage")
    tokens = routes_home.query("""
        SELECT sum(consumed_tokens) AS tokens FROM intermediate.int_gcp_bill_rows WHERE sku LIKE '%Caching Storage'
    """)
    assert tokens == [{"tokens": None}]


def test_gcp_2_2_rule_4_blanks_and_case_say_nothing(routes_home):
    rows = {row["sku_id"]: row for row in _skus(routes_home).values()}
    ga = next(fact for fact in SKUS if " Ga " in fact.text)
    assert rows[ga.sku_id]["sku"] == "Gemini 2.5 Flash Ga Text Input - Predictions"
    assert rows[ga.sku_id]["model"] == "gemini-2.5-flash"


def test_gcp_2_2_rule_5_image_is_a_modality_or_the_image_model(routes_home):
    names = {row["sku"]: row["provider_model_name"] for row in _skus(routes_home).values()}
    assert names["Gemini 2.5 Flash GA Image Input - Predictions"] == "gemini-2.5-flash"
    assert names["Gemini 2.5 Flash Image Image Output - Predictions"] == "gemini-2.5-flash-image"


def test_gcp_2_2_rule_6_outputs_of_gemini_3_hold_their_thinking(routes_home):
    rows = [row for row in _skus(routes_home).values() if str(row["provider_model_name"]).startswith("gemini-3")]
    assert {row["is_thinking"] for row in rows} == {False}
    assert "output" in {row["token_class"] for row in rows}


def test_gcp_2_2_rule_7_versions_are_captured_and_unknown_ones_keep_their_cost(routes_home):
    row = next(row for row in _skus(routes_home).values() if row["provider_model_name"] == "gemini-9.7-flash")
    assert row["model"] is None
    cost = routes_home.query(f"""
        SELECT sum(billed_cost) AS cost FROM intermediate.int_gcp_charges
        WHERE billing_account_id = '{SKU_TABLE}' AND provider_model_name = 'gemini-9.7-flash'
    """)
    assert cost == [{"cost": Decimal(1)}]
    reviews = routes_home.query("SELECT reason FROM intermediate.int_gcp_sku_reviews WHERE sku LIKE 'Gemini 9.7%'")
    assert reviews == [{"reason": "unknown_model"}]


def test_gcp_2_1_claude_and_the_gemini_api_are_services_of_their_own_and_in_scope(routes_home):
    spend = routes_home.query(f"""
        SELECT count(*) AS n, sum(billed_cost) AS cost FROM main.fct_spend_daily
        WHERE billing_account_id = '{SKU_TABLE}' AND charge_category = 'Usage'
    """)[0]
    # a dollar each; only the seat of another service is none of ours
    assert spend["cost"] == len(SKUS) - 1


def test_gcp_2_1_a_sku_that_reads_like_a_model_and_is_not_counted_is_shown_with_its_dollars(routes_home):
    rows = routes_home.query("SELECT * FROM intermediate.int_gcp_sku_reviews WHERE reason = 'unmatched_service'")
    assert [row["sku"] for row in rows] == ["Gemini Code Assist seat"]
    assert rows[0]["cost_usd"] > 1
    status = routes_home.query(
        f"SELECT message FROM main.source_status WHERE source = 'gcp_billing' AND account_id = '{SKU_TABLE}'"
    )
    assert "Gemini Code Assist seat 1.16 USD" in status[0]["message"]


def test_gcp_2_3_the_unit_on_the_row_says_requests_and_tokens_are_counted(routes_home):
    rows = routes_home.query(f"""
        SELECT DISTINCT usage_unit, consumed_tokens FROM intermediate.int_gcp_bill_rows
        WHERE billing_account_id = '{SKU_TABLE}' AND sku = 'Gemini 2.5 Flash GA Text Input - Predictions'
    """)
    assert rows == [{"usage_unit": "requests", "consumed_tokens": 1_000_000}]


def test_gcp_2_3_characters_are_no_tokens(routes_home):
    rows = routes_home.query(
        "SELECT DISTINCT consumed_tokens AS n FROM intermediate.int_gcp_bill_rows WHERE sku LIKE '%Characters%'"
    )
    assert rows == [{"n": None}]


def test_gcp_2_3_an_amount_that_is_no_token_count_is_flagged(routes_home):
    rows = routes_home.query("SELECT sku_id FROM intermediate.int_gcp_sku_reviews WHERE reason = 'unit_price_outlier'")
    assert rows == [{"sku_id": "X-00"}]


def test_gcp_2_2_provisioned_throughput_names_its_term(routes_home):
    terms = routes_home.query("""
        SELECT DISTINCT commitment_term AS term FROM intermediate.int_gcp_sku_dimensions
        WHERE commitment_term IS NOT NULL ORDER BY ALL
    """)
    assert [row["term"] for row in terms] == ["1 month", "1 week", "1 year"]
    categories = routes_home.query(f"""
        SELECT DISTINCT pricing_category AS category FROM main.fct_spend_daily
        WHERE billing_account_id = '{SKU_TABLE}' AND pricing_category = 'provisioned'
    """)
    assert categories == [{"category": "provisioned"}]
