"""The Storage Read API as the unmodified clients use it: query results, direct sessions, resumed streams."""

import pytest
from google.api_core import exceptions
from google.cloud.bigquery_storage_v1 import types

TABLE = "acme-billing.billing_export.gcp_billing_export_resource_v1_01A2B3_C4D5E6_F7A8B9"
pytestmark = pytest.mark.filterwarnings("ignore:Retrieving Arrow record batches:PendingDeprecationWarning")
PATH = "projects/acme-billing/datasets/billing_export/tables/" + TABLE.split(".")[2]


def _session(google, *, streams=1, **options):
    wanted = types.ReadSession(
        table=PATH, data_format=types.DataFormat.ARROW, read_options=types.ReadSession.TableReadOptions(**options)
    )
    return google.storage.create_read_session(
        parent="projects/acme-billing", read_session=wanted, max_stream_count=streams
    )


def test_query_results_arrive_through_the_storage_api(google):
    result = google.bigquery.query(f"SELECT * FROM `{TABLE}`").result()
    batches = list(result.to_arrow_iterable(bqstorage_client=google.storage, max_stream_count=4))
    assert sum(batch.num_rows for batch in batches) == google.bigquery.get_table(TABLE).num_rows
    asked = [request.operation for request in google.faults.requests]
    assert asked.count("CreateReadSession") == 1
    assert asked.count("ReadRows") == 4


def test_rest_and_storage_give_the_same_table(google):
    sql = f"SELECT * FROM `{TABLE}` WHERE _PARTITIONTIME = TIMESTAMP '2026-11-10' ORDER BY export_time, sku.id, cost"
    by_rest = google.bigquery.query(sql).result().to_arrow(create_bqstorage_client=False)
    by_storage = google.bigquery.query(sql).result().to_arrow(bqstorage_client=google.storage)
    assert by_rest.to_pylist() == by_storage.to_pylist()


def test_a_session_on_the_table_selects_fields_and_restricts_rows(google):
    restriction = "_PARTITIONTIME = '2026-11-10' AND cost_type = 'regular'"
    session = _session(google, selected_fields=["cost", "sku"], row_restriction=restriction)
    reader = google.storage.read_rows(session.streams[0].name)
    arrow = reader.to_arrow(session)
    assert set(arrow.column_names) == {"cost", "sku"}
    assert 0 < arrow.num_rows == session.estimated_row_count


def test_every_stream_carries_the_schema_in_its_first_answer_only(google):
    session = _session(google, streams=2, selected_fields=["cost"])
    for stream in session.streams:
        reader = google.storage.read_rows(stream.name)
        answers = list(reader._wrapped)
        assert answers[0].arrow_schema.serialized_schema
        assert not any(answer.arrow_schema.serialized_schema for answer in answers[1:])


def test_the_client_resumes_a_cut_stream_without_losing_rows(google):
    google.faults.add("gcp", "ReadRows", "cut", times=2)
    session = _session(google, selected_fields=["cost"])
    assert google.storage.read_rows(session.streams[0].name).to_arrow(session).num_rows == session.estimated_row_count
    offsets = [request.params["offset"] for request in google.faults.requests if request.operation == "ReadRows"]
    assert offsets == [0, 2048, 4096]


def test_a_session_without_the_role_is_refused(google):
    google.faults.add("gcp", "CreateReadSession", "forbidden")
    with pytest.raises(exceptions.PermissionDenied):
        _session(google)


def test_an_unknown_table_or_stream_is_not_found(google):
    wanted = types.ReadSession(table="projects/p/datasets/d/tables/t", data_format=types.DataFormat.ARROW)
    with pytest.raises(exceptions.NotFound):
        google.storage.create_read_session(parent="projects/p", read_session=wanted)
    with pytest.raises(exceptions.NotFound):
        google.storage.read_rows("projects/p/locations/us/sessions/none/streams/0").to_arrow()


def test_an_unknown_call_is_unimplemented(google):
    with pytest.raises(exceptions.MethodNotImplemented):
        google.storage.split_read_stream(request={"name": "any"})
