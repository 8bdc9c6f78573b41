import json
from datetime import timedelta
from io import BytesIO

import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError, ResponseStreamingError

from tests.emulator.aws.local_aws import AS_OF, BUCKET, PAYER, LocalAws

MANIFEST = "cur/inferledger-cur2/metadata/BILLING_PERIOD=2026-11/inferledger-cur2-Manifest.json"


def manifest(aws: LocalAws) -> dict:
    return json.loads(aws.client("s3", account=PAYER).get_object(Bucket=BUCKET, Key=MANIFEST)["Body"].read())


def file_keys(aws: LocalAws) -> list[str]:
    return [address.removeprefix(f"s3://{BUCKET}/") for address in manifest(aws)["dataFiles"]]


def test_manifest_names_every_file_and_column(aws: LocalAws) -> None:
    client = aws.client("s3", account=PAYER)
    listed = client.list_objects_v2(Bucket=BUCKET, Prefix="cur/inferledger-cur2/data/BILLING_PERIOD=2026-11/")
    assert file_keys(aws) == [one["Key"] for one in listed["Contents"]]
    body = client.get_object(Bucket=BUCKET, Key=file_keys(aws)[0])["Body"].read()
    schema = pq.read_schema(BytesIO(body))
    assert [column["name"] for column in manifest(aws)["columns"]] == schema.names
    assert pq.read_metadata(BytesIO(body)).row_group(0).column(0).compression == "SNAPPY"


def test_moved_clock_rewrites_the_month(aws: LocalAws) -> None:
    client = aws.client("s3", account=PAYER)
    before = client.head_object(Bucket=BUCKET, Key=MANIFEST)["ETag"]
    assert client.head_object(Bucket=BUCKET, Key=MANIFEST)["ETag"] == before
    aws.clock.set(AS_OF + timedelta(days=1))
    assert client.head_object(Bucket=BUCKET, Key=MANIFEST)["ETag"] != before
    aws.clock.set(AS_OF)
    assert client.head_object(Bucket=BUCKET, Key=MANIFEST)["ETag"] == before


def test_late_day_leaves_the_bucket_as_it_was_yesterday(aws: LocalAws) -> None:
    today = manifest(aws)
    aws.faults.add("aws", "*", "late_day", times=None)
    late = manifest(aws)
    assert late["executionCreatedAt"] < today["executionCreatedAt"]


def test_wrong_region_is_told_as_s3_tells_it(aws: LocalAws) -> None:
    client = aws.client("s3", account=PAYER, region="eu-west-1")
    client.meta.events.unregister("needs-retry.s3")
    client.meta.events.register_last("before-sign.s3", lambda **_: None)
    answer = client.head_bucket(Bucket=BUCKET)
    assert answer["ResponseMetadata"]["HTTPHeaders"]["x-amz-bucket-region"] == "us-east-1"
    assert answer["ResponseMetadata"]["RetryAttempts"] == 1


@pytest.mark.parametrize(
    ("kind", "code"), [("throttle", "SlowDown"), ("forbidden", "AccessDenied"), ("expired", "ExpiredToken")]
)
def test_faults_are_named_as_s3_names_them(aws: LocalAws, kind: str, code: str) -> None:
    aws.faults.add("aws", "GetObject", kind)
    with pytest.raises(ClientError) as caught:
        manifest(aws)
    assert caught.value.response["Error"]["Code"] == code


def test_cut_breaks_the_transfer(aws: LocalAws) -> None:
    key = file_keys(aws)[0]
    aws.faults.add("aws", "GetObject", "cut")
    with pytest.raises(ResponseStreamingError):
        aws.client("s3", account=PAYER).get_object(Bucket=BUCKET, Key=key)["Body"].read()


def test_empty_and_renamed_answers(aws: LocalAws) -> None:
    client, key = aws.client("s3", account=PAYER), file_keys(aws)[0]
    aws.faults.add("aws", "ListObjectsV2", "empty")
    assert client.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0
    aws.faults.add("aws", "GetObject", "wrong_schema")
    body = client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    assert "line_item_unblended_cost" not in pq.read_schema(BytesIO(body)).names
