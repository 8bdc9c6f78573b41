"""BigQuery as the unmodified client sees it: jobs, pages, types, partitions, budgets, errors."""

from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from google.api_core import exceptions
from google.auth import exceptions as auth_exceptions
from google.cloud import bigquery

TABLE = "acme-billing.billing_export.gcp_billing_export_resource_v1_01A2B3_C4D5E6_F7A8B9"
DAY = datetime(2026, 11, 10, tzinfo=UTC)


def _day_config(**options):
    parameter = bigquery.ScalarQueryParameter("day", "TIMESTAMP", DAY)
    return bigquery.QueryJobConfig(query_parameters=[parameter], **options)


def _visible(google) -> pa.Table:
    rows = pq.read_table(google.folder / "export.parquet")
    return rows.filter(pc.less_equal(rows["export_time"], pa.scalar(google.clock.now())))


def test_dataset_and_table_are_listed_with_location_and_partitioning(google):
    assert [item.table_id for item in google.bigquery.list_tables("billing_export")] == [TABLE.split(".")[2]]
    assert google.bigquery.get_dataset("billing_export").location == "US"
    table = google.bigquery.get_table(TABLE)
    assert table.time_partitioning.type_ == "DAY"
    assert table.num_rows == _visible(google).num_rows
    assert len(table.schema) == 28
    names = {field.name: field for field in table.schema}
    assert names["credits"].mode == "REPEATED"
    assert names["cost"].field_type == "FLOAT"
    assert names["price"].fields[0].field_type == "NUMERIC"
    assert "_PARTITIONTIME" not in names


def test_partition_filter_returns_exactly_that_export_day(google):
    sql = f"SELECT cost, export_time, _PARTITIONTIME AS p FROM `{TABLE}` WHERE _PARTITIONTIME = @day"
    rows = list(google.bigquery.query(sql, job_config=_day_config()).result())
    stored = _visible(google)
    wanted = stored.filter(pc.equal(stored["_PARTITIONTIME"], pa.scalar(DAY)))
    assert sorted(row["cost"] for row in rows) == sorted(wanted["cost"].to_pylist())
    assert {row["p"] for row in rows} == {DAY}
    assert all(row["export_time"].date() == DAY.date() for row in rows)


def test_nested_rows_arrive_typed_over_rest(google):
    sql = f"SELECT * FROM `{TABLE}` WHERE _PARTITIONTIME = @day AND ARRAY_LENGTH(labels) > 0"
    arrow = google.bigquery.query(sql, job_config=_day_config()).result().to_arrow(create_bqstorage_client=False)
    row = arrow.slice(0, 1).to_pylist()[0]
    assert {"key", "value"} == set(row["labels"][0])
    assert isinstance(row["price"]["list_price"], Decimal)
    assert row["usage_start_time"].tzinfo is not None
    assert "_PARTITIONTIME" not in arrow.column_names


def test_results_come_in_pages(google):
    job = google.bigquery.query(f"SELECT sku.id AS id FROM `{TABLE}` WHERE _PARTITIONTIME = @day", _day_config())
    pages = [len(list(page)) for page in job.result(page_size=100).pages]
    assert pages[:-1] == [100] * (len(pages) - 1)
    assert len(pages) > 2
    requests = [item for item in google.faults.requests if item.operation == "jobs.getQueryResults"]
    assert sum("pageToken" in item.params for item in requests) == len(pages) - 1


def test_query_and_wait_and_list_rows_work(google):
    rows = list(google.bigquery.query_and_wait(f"SELECT COUNT(*) AS n, MAX(export_time) AS t FROM `{TABLE}`"))
    assert rows[0]["n"] == _visible(google).num_rows
    assert rows[0]["t"] <= google.clock.now()
    assert len(list(google.bigquery.list_rows(TABLE, max_results=3))) == 3


def test_rows_appear_when_the_clock_reaches_their_export(google):
    before = google.bigquery.get_table(TABLE).num_rows
    google.clock.set(datetime(2026, 11, 19, 6, tzinfo=UTC))
    assert google.bigquery.get_table(TABLE).num_rows == _visible(google).num_rows > before


def test_dry_run_counts_only_the_partitions_and_columns_read(google):
    dry = {"dry_run": True}
    all_cost = google.bigquery.query(f"SELECT cost FROM `{TABLE}`", bigquery.QueryJobConfig(**dry))
    assert all_cost.total_bytes_processed == 8 * _visible(google).num_rows
    one_day = f"SELECT cost FROM `{TABLE}` WHERE _PARTITIONTIME = @day"
    pruned = google.bigquery.query(one_day, _day_config(**dry)).total_bytes_processed
    day_rows = google.bigquery.query(one_day, _day_config()).result().total_rows
    assert pruned == 8 * day_rows
    by_date = f"SELECT cost FROM `{TABLE}` WHERE _PARTITIONDATE = '2026-11-10'"
    assert google.bigquery.query(by_date, bigquery.QueryJobConfig(**dry)).total_bytes_processed == pruned
    not_pruning = f"SELECT cost FROM `{TABLE}` WHERE usage_start_time >= @day"
    unpruned = google.bigquery.query(not_pruning, _day_config(**dry)).total_bytes_processed
    assert unpruned == 16 * _visible(google).num_rows


def test_a_query_over_its_budget_is_refused_and_not_run(google):
    config = bigquery.QueryJobConfig(maximum_bytes_billed=1_000_000)
    with pytest.raises(exceptions.BadRequest) as refused:
        google.bigquery.query(f"SELECT * FROM `{TABLE}`", config).result()
    assert refused.value.errors[0]["reason"] == "bytesBilledLimitExceeded"


@pytest.mark.parametrize(
    ("sql", "error", "reason"),
    [
        ("SELEC 1", exceptions.BadRequest, "invalidQuery"),
        (f"SELECT nothing FROM `{TABLE}`", exceptions.BadRequest, "invalidQuery"),
        ("SELECT 1 FROM `acme-billing.other.table`", exceptions.NotFound, "notFound"),
        (f"DELETE FROM `{TABLE}` WHERE TRUE", exceptions.Forbidden, "accessDenied"),
    ],
    ids=["syntax", "column", "table", "write"],
)
def test_wrong_queries_get_googles_errors(google, sql, error, reason):
    with pytest.raises(error) as refused:
        google.bigquery.query(sql).result()
    assert refused.value.errors[0]["reason"] == reason


def test_another_location_does_not_know_the_dataset(google):
    with pytest.raises(exceptions.NotFound, match="not found in location EU"):
        google.bigquery.query(f"SELECT cost FROM `{TABLE}`", location="EU").result()


def test_an_unknown_operation_gets_googles_error_shape(google):
    with pytest.raises(exceptions.NotFound) as refused:
        google.bigquery.list_routines("billing_export", retry=None).pages.__next__()
    assert refused.value.errors[0]["reason"] == "notFound"


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("throttle", exceptions.TooManyRequests),
        ("server_error", exceptions.ServiceUnavailable),
        ("forbidden", exceptions.Forbidden),
        # the client answers 401 with a refresh, which anonymous credentials do not have
        ("expired", auth_exceptions.InvalidOperation),
    ],
)
def test_faults_reach_the_client_as_googles_errors(google, kind, error):
    google.faults.add("gcp", "tables.get", kind)
    with pytest.raises(error):
        google.bigquery.get_table(TABLE, retry=None)
    assert google.bigquery.get_table(TABLE, retry=None).num_rows > 0


def test_a_throttled_client_recovers_by_its_own_retry(google):
    google.faults.add("gcp", "tables.get", "throttle", times=1)
    assert google.bigquery.get_table(TABLE).num_rows > 0


def test_a_cut_answer_breaks_the_connection(google):
    google.faults.add("gcp", "tables.get", "cut")
    with pytest.raises(Exception, match=r"(?i)incomplete|broken|connection"):
        google.bigquery.get_table(TABLE, retry=None)
