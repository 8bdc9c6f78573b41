"""The billing export into landing: by changed partition, at a known price, and with a sentence for every refusal."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from ingest.errors import (
    CredentialExpired,
    EmptyAnswer,
    PermissionDenied,
    SchemaChanged,
    TransientError,
    Unreachable,
    WrongRegion,
)
from ingest.run import Window
from ingest.sources import gcp_billing
from ingest.sources.gcp_billing_rows import (
    DETAILED,
    EXPORT_ROWS,
    OWN_COLUMNS,
    PARTITION,
    conformed,
    selected_columns,
    unknown_columns,
)

TABLE = "gcp_billing_export_resource_v1_01A2B3_C4D5E6_F7A8B9"


def _landed(rig) -> pa.Table:
    return rig.context.landing.read(EXPORT_ROWS, scope=TABLE)


def _served(rig) -> pa.Table:
    rows = pq.read_table(rig.world.folder("gcp") / "export.parquet")
    return rows.filter(pc.less_equal(rows["export_time"], pa.scalar(rig.clock.now())))


def _bill(rows: pa.Table) -> Counter[tuple[str, str, str, str]]:
    """What makes two bills equal: the multiset of what was charged when."""
    columns = ("cost", "export_time", "usage_start_time", "credits")
    return Counter(tuple(str(row[name]) for name in columns) for row in rows.select(columns).to_pylist())


def _files(rig) -> dict[str, bytes]:
    root = rig.context.settings.home / "landing"
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("part.parquet")}


def test_gcp_4_1_first_load_lands_every_served_row_by_export_day(rig):
    results = rig.load(gcp_billing)
    assert _bill(_landed(rig)) == _bill(_served(rig))
    days = {f"{value:%Y-%m-%d}" for value in pc.unique(_served(rig)["_PARTITIONTIME"]).to_pylist()}
    assert set(rig.context.landing.windows(EXPORT_ROWS, TABLE)) == days
    assert sum(result.rows for result in results) == _served(rig).num_rows


def test_nested_columns_keep_googles_names_and_types(rig):
    rig.load(gcp_billing)
    rows = _landed(rig).to_pylist()
    labelled = next(row for row in rows if row["labels"])
    assert {"key", "value"} == set(labelled["labels"][0])
    assert isinstance(labelled["price"]["list_price"], Decimal)
    assert {row[PARTITION].date() == row["export_time"].date() for row in rows} == {True}


def test_an_unchanged_export_is_only_fingerprinted(rig):
    rig.load(gcp_billing)
    before = _files(rig)
    rig.faults.forget_requests()
    assert rig.load(gcp_billing) == []
    assert _files(rig) == before
    assert [request["dryRun"] for request in rig.asked("jobs.insert")] == [True, False]
    assert rig.asked("ReadRows") == []


def test_late_rows_and_corrections_are_picked_up_with_their_partition(rig):
    rig.load(gcp_billing)
    rig.move_to(rig.world.as_of + timedelta(days=3))
    results = rig.load(gcp_billing)
    assert _bill(_landed(rig)) == _bill(_served(rig))
    # the day that was half there, and those after it
    assert [f"{result.window_start:%m-%d}" for result in results] == ["11-18", "11-19", "11-20"]


def test_gcp_1_5_an_old_partition_that_changed_is_replaced_whole(rig):
    rig.load(gcp_billing)
    state = rig.context.landing.read_state("gcp_billing", TABLE)
    state["partitions"]["2026-11-12T00:00:00+00:00"][1] -= 1
    rig.context.landing.write_state("gcp_billing", TABLE, state)
    results = rig.load(gcp_billing)
    assert [f"{result.window_start:%m-%d}" for result in results] == ["11-12"]
    assert _bill(_landed(rig)) == _bill(_served(rig))


def test_a_window_is_read_again_although_nothing_changed(rig):
    rig.load(gcp_billing)
    window = Window(datetime(2026, 11, 10, tzinfo=UTC), datetime(2026, 11, 12, tzinfo=UTC))
    results = rig.load(gcp_billing, window)
    assert [f"{result.window_start:%m-%d}" for result in results] == ["11-10", "11-11"]
    assert not any(result.changed for result in results)


def test_gcp_4_2_every_query_is_priced_first_and_capped_there(rig):
    rig.load(gcp_billing)
    asked = rig.asked("jobs.insert")
    assert [request["dryRun"] for request in asked] == [True, False] * (len(asked) // 2)
    for dry, real in zip(asked[::2], asked[1::2], strict=True):
        assert dry["query"] == real["query"]
        assert "_PARTITIONTIME >=" in str(real["query"])
        assert 10 * 2**20 <= int(str(real["maximumBytesBilled"])) < 100 * 2**20


def test_gcp_1_5_a_partition_that_grows_while_it_is_read_is_read_again(rig):
    # the fingerprint still misses the newest day, the read that follows has it
    rig.faults.add("gcp", "jobs.insert", "late_day", times=1, after=1)
    rig.load(gcp_billing)
    rig.load(gcp_billing)
    assert _bill(_landed(rig)) == _bill(_served(rig))


def test_gcp_4_1_rows_come_over_rest_where_only_the_read_session_role_is_missing(rig):
    rig.faults.add("gcp", "CreateReadSession", "forbidden", times=None)
    rig.load(gcp_billing)
    assert _bill(_landed(rig)) == _bill(_served(rig))
    status = pq.read_table(rig.context.settings.home / "landing" / "gcp_billing" / "_status").to_pylist()
    assert "roles/bigquery.readSessionUser" in status[0]["message"]


def test_status_says_how_far_usage_reaches(rig):
    rig.load(gcp_billing)
    status = pq.read_table(rig.context.settings.home / "landing" / "gcp_billing" / "_status").to_pylist()
    assert status[0]["account_id"] == "01A2B3-C4D5E6-F7A8B9"
    assert status[0]["watermark"] == max(_served(rig)["usage_end_time"].to_pylist())
    assert status[0]["message"] is None


@pytest.mark.parametrize("kind", ["throttle", "server_error", "cut"])
@pytest.mark.parametrize("operation", ["jobs.insert", "jobs.getQueryResults", "tables.list", "ReadRows"])
def test_a_passing_fault_is_waited_out(rig, kind, operation):
    rig.faults.add("gcp", operation, kind, times=1, after=0, retry_after=1)
    rig.load(gcp_billing)
    assert _bill(_landed(rig)) == _bill(_served(rig))


def test_a_lasting_fault_ends_in_one_sentence_and_leaves_landing_alone(rig):
    rig.load(gcp_billing)
    before = _files(rig)
    rig.set_settings(retry_budget_seconds=0.5)
    rig.faults.add("gcp", "*", "server_error", times=None)
    with pytest.raises(TransientError, match="Error encountered during execution"):
        rig.load(gcp_billing)
    assert _files(rig) == before


@pytest.mark.parametrize(
    ("operation", "kind", "error", "remedy"),
    [
        ("jobs.insert", "forbidden", PermissionDenied, "roles/bigquery.jobUser on project acme-billing"),
        ("tables.list", "forbidden", PermissionDenied, "roles/bigquery.dataViewer on the dataset"),
        ("tables.get", "forbidden", PermissionDenied, "roles/bigquery.dataViewer on the dataset"),
        ("*", "expired", CredentialExpired, "gcloud auth application-default login"),
        ("jobs.insert", "empty", EmptyAnswer, "check that it is on"),
        ("tables.list", "empty", EmptyAnswer, "Switch on the detailed usage cost export"),
    ],
)
def test_a_refusal_names_its_remedy(rig, operation, kind, error, remedy):
    rig.faults.add("gcp", operation, kind, times=None)
    with pytest.raises(error) as refused:
        rig.load(gcp_billing)
    assert remedy in refused.value.remedy
    assert _files(rig) == {}


def test_gcp_4_2_a_wrong_location_is_named(rig):
    rig.set_config(location="EU")
    with pytest.raises(WrongRegion, match="not found in location EU") as refused:
        rig.load(gcp_billing)
    assert "`location` in sources.yml" in refused.value.remedy


def test_an_account_without_export_is_named(rig):
    rig.set_config(billing_account_id="FFFFFF-FFFFFF-FFFFFF")
    with pytest.raises(EmptyAnswer, match="no billing export of account FFFFFF-FFFFFF-FFFFFF"):
        rig.load(gcp_billing)


def test_nobody_at_the_endpoint_is_said_so(rig):
    rig.set_settings(gcp_bigquery_endpoint="http://127.0.0.1:9", retry_budget_seconds=0.5)
    with pytest.raises(Unreachable, match="nobody answers") as refused:
        rig.load(gcp_billing)
    assert "INFERLEDGER_GCP" in refused.value.remedy


def test_a_renamed_column_stops_before_anything_lands(rig):
    rig.load(gcp_billing)
    before = _files(rig)
    rig.faults.add("gcp", "tables.get", "wrong_schema")
    with pytest.raises(SchemaChanged, match="has no cost; columns we do not know: cost_in_billing_currency"):
        rig.load(gcp_billing, Window(datetime(2026, 11, 10, tzinfo=UTC), datetime(2026, 11, 12, tzinfo=UTC)))
    assert _files(rig) == before


def test_gcp_1_2_the_standard_table_lacks_columns_that_are_not_needed():
    paths = set(_all_paths()) - {"price", "subscription", "resource", "cost_at_list"}
    assert {"price", "subscription", "cost"} & set(selected_columns(DETAILED, "t", paths)) == {"cost"}


def test_gcp_1_2_a_renamed_nested_field_is_missed():
    paths = [path for path in _all_paths() if path != "invoice.month"]
    with pytest.raises(SchemaChanged, match=r"has no invoice\.month"):
        selected_columns(DETAILED, "t", paths)


def test_columns_that_google_adds_are_not_read_but_known():
    assert unknown_columns(DETAILED, [*_all_paths(), "brand_new", "tags", "brand_new.part"]) == ["brand_new"]


def test_records_with_fewer_or_more_fields_fit_the_landed_type():
    table = pa.Table.from_pylist(
        [
            {"sku": {"id": "a", "colour": "red"}, "labels": [{"key": "k", "value": "v"}], "credits": None},
            {"sku": None, "labels": [], "credits": [{"amount": -1.5}]},
        ]
    )
    rows = conformed(table, EXPORT_ROWS.schema)
    assert rows["sku"].to_pylist() == [{"id": "a", "description": None}, None]
    assert rows["labels"].to_pylist() == [[{"key": "k", "value": "v"}], []]
    assert [credit["amount"] for credit in rows["credits"].to_pylist()[1]] == [-1.5]
    assert rows.schema.field("credits").type == EXPORT_ROWS.schema.field("credits").type


def _all_paths() -> list[str]:
    def walk(field: pa.Field, prefix: str = "") -> list[str]:
        kind = field.type.value_type if pa.types.is_list(field.type) else field.type
        name = prefix + field.name
        inner = [path for child in kind for path in walk(child, f"{name}.")] if pa.types.is_struct(kind) else []
        return [name, *inner]

    return [path for field in EXPORT_ROWS.schema if field.name not in OWN_COLUMNS for path in walk(field)]
