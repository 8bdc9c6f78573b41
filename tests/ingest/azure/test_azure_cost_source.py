"""Azure's bill as landed: exact text, all pages, both views, and every way in which reading it can fail."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from emulator.azure import query as emulated_query
from ingest.errors import (
    CredentialExpired,
    EmptyAnswer,
    PermissionDenied,
    SchemaChanged,
    Shrunk,
    TerminalError,
    TransientError,
)
from ingest.run import Window
from ingest.sources import azure_cost, azure_cost_picture
from ingest.sources.azure_cost_query import Query, parse_page

APPS = "5b000000-0000-4000-8000-00000000000a"
DATA = "5b000000-0000-4000-8000-00000000000b"
ACCOUNT = "8611537"
NOVEMBER = Window(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))


def total(table: pa.Table) -> Decimal:
    return sum((Decimal(cost) for cost in table.column("Cost").to_pylist()), Decimal(0))


def visible(local, condition=None) -> Decimal:
    """What the local Azure holds for November at the clock's time."""
    rows = pq.read_table(local.world.folder("azure") / "cost_rows.parquet").to_pandas()
    now = local.clock.now()
    rows = rows[(rows.metric == "ActualCost") & (rows.visible_from <= now)]
    rows = rows[rows.visible_to.isna() | (rows.visible_to > now)]
    return sum(rows[condition(rows)].cost if condition else rows.cost, Decimal(0))


@pytest.fixture
def loaded(context):
    made = context()
    azure_cost.load(made, NOVEMBER)
    return made


def test_all_actual_rows_sum_to_the_bill_exactly(loaded, local):
    assert total(loaded.landing.read(azure_cost.ACTUAL)) == visible(local)


def test_usage_and_purchases_never_overlap(loaded, local):
    usage = loaded.landing.read(azure_cost.ACTUAL, scope=APPS)
    assert set(usage.column("ChargeType").to_pylist()) == {"Usage"}
    account = loaded.landing.read(azure_cost.ACTUAL, scope=ACCOUNT)
    assert "Usage" not in set(account.column("ChargeType").to_pylist())
    assert total(account) == visible(local, lambda rows: rows.charge_type != "Usage") == Decimal(19500)


def test_azure_2_2_a_purchase_is_in_the_actual_view_alone_and_use_in_both(loaded):
    actual, amortized = (loaded.landing.read(contract) for contract in (azure_cost.ACTUAL, azure_cost.AMORTIZED))
    kinds = [set(view.column("ChargeType").to_pylist()) for view in (actual, amortized)]
    assert kinds == [{"Usage", "Purchase"}, {"Usage"}]
    reserved = [view.filter(pc.equal(view.column("PricingModel"), "Reservation")) for view in (actual, amortized)]
    used = [view.filter(pc.equal(view.column("ChargeType"), "Usage")) for view in reserved]
    assert used[0].num_rows == used[1].num_rows > 0
    assert total(used[0]) < Decimal("0.001") < Decimal(1000) < total(used[1])


def test_azure_1_1_money_is_the_text_that_stood_in_the_answer():
    page = parse_page(
        '{"properties": {"nextLink": "", "columns": [{"name": "Cost"}, {"name": "UsageDate"}, {"name": "Meter"}],'
        ' "rows": [[1.2e-07, 20261101, "a"], [0.10000000000000001, 20261101, null], [7, 20261101, ""]]}}'
    )
    assert page.rows == [
        ("1.2e-07", "20261101", "a"),
        ("0.10000000000000001", "20261101", None),
        ("7", "20261101", ""),
    ]
    assert page.next_link is None


def test_a_query_ends_a_second_before_its_window():
    asked = Query("ActualCost", ("Meter",), "team", (("ChargeType", ("Usage",)),)).body(NOVEMBER)
    assert asked["timePeriod"] == {"from": "2026-11-01T00:00:00Z", "to": "2026-11-30T23:59:59Z"}
    assert asked["dataset"]["grouping"] == [{"type": "Dimension", "name": "Meter"}, {"type": "TagKey", "name": "team"}]
    assert asked["dataset"]["filter"] == {"dimensions": {"name": "ChargeType", "operator": "In", "values": ["Usage"]}}


def test_azure_1_2_every_page_is_read(context, local, monkeypatch):
    monkeypatch.setattr(emulated_query, "PAGE_ROWS", 400)
    made = context()
    azure_cost.load(made, NOVEMBER)
    assert total(made.landing.read(azure_cost.ACTUAL)) == visible(local)
    pages = [
        r
        for r in local.faults.requests
        if r.operation == "query" and "$skiptoken" in r.params and DATA in r.params["path"]
    ]
    assert len(pages) >= 2 * 5
    assert all(request.params["body"]["type"] for request in pages)


def test_tags_are_asked_for_by_the_keys_that_are_in_use(loaded, local):
    tags = loaded.landing.read(azure_cost.TAGS, scope=APPS)
    assert set(tags.column("_tag_key").to_pylist()) == {"app", "env", "environment", "product", "team"}
    teams = tags.filter(pc.equal(tags.column("_tag_key"), "team"))
    assert {value for value in teams.column("TagValue").to_pylist() if value} == {"devtools", "support"}
    assert all("cognitiveservices" in resource.lower() for resource in tags.column("ResourceId").to_pylist())


def test_the_second_load_changes_nothing(loaded):
    again = azure_cost.load(loaded, NOVEMBER)
    assert [result.changed for result in again] == [False] * len(again)


def test_months_of_the_backfill_that_are_missing_are_read_beside_the_trailing_ones(context, config):
    made = context(changed_config=config.model_copy(update={"backfill_days": 100}))

    def wanted() -> list[str]:
        return [f"{month.start:%Y-%m}" for month in azure_cost._by_route(made, None)["query"]]

    assert wanted() == ["2026-08", "2026-09", "2026-10", "2026-11"]
    september = Window(datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC))
    for contract in (azure_cost.ACTUAL, azure_cost.AMORTIZED):
        for scope in (APPS, DATA, "5b000000-0000-4000-8000-00000000000c", ACCOUNT):
            assert "2026-09" in wanted()
            made.landing.write(contract, scope=scope, window=september, batches=[])
    assert wanted() == ["2026-08", "2026-10", "2026-11"]


def test_azure_1_3_the_restated_day_replaces_what_was_landed(context, local):
    early = local.clock.now() - timedelta(days=4)
    local.clock.set(early)
    made = context(early)
    azure_cost.load(made, NOVEMBER)
    before = total(made.landing.read(azure_cost.ACTUAL))
    assert before == visible(local)
    local.clock.set(early + timedelta(days=4))
    azure_cost.load(made, NOVEMBER)
    assert total(made.landing.read(azure_cost.ACTUAL)) == visible(local) > before


def test_status_says_how_far_each_account_is_known(loaded):
    path = f"{loaded.settings.landing_root}/azure_cost/_status"
    rows = {row["account_id"]: row for row in pq.read_table(path).to_pylist()}
    assert rows[APPS]["watermark"] == datetime(2026, 11, 17, tzinfo=UTC)
    assert set(rows) == {APPS, DATA, "5b000000-0000-4000-8000-00000000000c", ACCOUNT}


def test_a_subscription_that_nobody_configured_is_told(context, config):
    fewer = config.azure.model_copy(update={"subscriptions": config.azure.subscriptions[:1]})
    made = context(changed_config=config.model_copy(update={"azure_section": fewer}))
    azure_cost.load(made, NOVEMBER)
    rows = pq.read_table(f"{made.settings.landing_root}/azure_cost/_status").to_pylist()
    (message,) = [row["message"] for row in rows if row["account_id"] == ACCOUNT]
    assert DATA in message


@pytest.mark.parametrize(("kind", "times"), [("throttle", 3), ("server_error", 2), ("cut", 2)])
def test_it_recovers_from_a_passing_fault(context, local, kind, times):
    local.faults.add("azure", "query", kind, times=times, after=2, retry_after=0.05)
    made = context()
    azure_cost.load(made, NOVEMBER)
    assert total(made.landing.read(azure_cost.ACTUAL)) == visible(local)


def test_one_restated_answer_among_many_is_read_again(context, local):
    # the control total is asked first; the usage after it is dearer once
    local.faults.add("azure", "query", "restated_day", times=1, after=1)
    made = context()
    azure_cost.load(made, NOVEMBER)
    assert total(made.landing.read(azure_cost.ACTUAL)) == visible(local)


def test_azure_1_1_an_empty_answer_among_full_ones_is_not_believed(context, local):
    local.faults.add("azure", "query", "empty", times=1, after=1)
    made = context()
    azure_cost.load(made, NOVEMBER)
    assert total(made.landing.read(azure_cost.ACTUAL)) == visible(local)


def test_sums_that_keep_moving_stop_the_load_and_land_nothing(context, local, monkeypatch):
    real = azure_cost_picture.control_totals
    monkeypatch.setattr(
        azure_cost_picture, "control_totals", lambda *args: {key: cost + 1 for key, cost in real(*args).items()}
    )
    made = context()
    with pytest.raises(TransientError, match=r"where the billing account says .* 3 times"):
        azure_cost.load(made, NOVEMBER)
    assert made.landing.read(azure_cost.ACTUAL).num_rows == 0


@pytest.mark.parametrize(
    ("kind", "error", "words"),
    [
        ("forbidden", PermissionDenied, "403 .*Grant the role"),
        ("expired", CredentialExpired, "did not accept the credential"),
        ("wrong_schema", SchemaChanged, "columns Cost are missing; found CostInBillingCurrency"),
        ("empty", EmptyAnswer, "shows no cost"),
    ],
)
def test_a_lasting_fault_stops_with_a_sentence_and_keeps_what_was_landed(context, local, kind, error, words):
    made = context()
    azure_cost.load(made, NOVEMBER)
    before = total(made.landing.read(azure_cost.ACTUAL))
    local.faults.add("azure", "query", kind, times=None)
    with pytest.raises(Shrunk if kind == "empty" else error, match="0 rows came" if kind == "empty" else words):
        azure_cost.load(made, NOVEMBER)
    assert total(made.landing.read(azure_cost.ACTUAL)) == before
    if kind == "empty":
        fresh = context(home=made.settings.home / "fresh")
        with pytest.raises(error, match=words):
            azure_cost.load(fresh, NOVEMBER)


def test_permission_names_role_and_scope_of_the_call_that_failed(context, local):
    local.faults.add("azure", "query", "forbidden", times=1)
    with pytest.raises(PermissionDenied, match=r"Billing account reader \(MCA\)' at billing account 8611537"):
        azure_cost.load(context(), NOVEMBER)
    local.faults.add("azure", "query", "forbidden", times=1, after=1)
    with pytest.raises(PermissionDenied, match=f"'Cost Management Reader' at subscription {APPS}"):
        azure_cost.load(context(), NOVEMBER)
    local.faults.add("azure", "tag_names", "forbidden", times=1)
    with pytest.raises(PermissionDenied, match=f"'Reader' at subscription {APPS}"):
        azure_cost.load(context(), NOVEMBER)


def test_azure_1_2_a_next_page_elsewhere_is_not_followed(context, local, monkeypatch):
    monkeypatch.setattr(emulated_query, "PAGE_ROWS", 400)
    monkeypatch.setattr(emulated_query, "_next_link", lambda call, offset: "https://example.invalid/steal")
    with pytest.raises(TerminalError, match=r"example\.invalid, not at 127\.0\.0\.1"):
        azure_cost.load(context(), NOVEMBER)
