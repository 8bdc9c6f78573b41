from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from tests.emulator.aws.local_aws import APPS, AS_OF, DATA, SANDBOX, LocalAws
from tests.emulator.aws.shapes import differences, raw_answer


def error_code(call, **params) -> str:
    with pytest.raises(ClientError) as caught:
        call(**params)
    return caught.value.response["Error"]["Code"]


def arn_of(aws: LocalAws, stream: str) -> str:
    return aws.estate[stream].arn


@pytest.mark.parametrize(
    ("operation", "account", "params"),
    [
        ("ListInferenceProfiles", APPS, {"typeEquals": "APPLICATION"}),
        ("ListInferenceProfiles", APPS, {"typeEquals": "SYSTEM_DEFINED"}),
        ("ListInferenceProfiles", SANDBOX, {"maxResults": 2}),
        ("ListProvisionedModelThroughputs", DATA, {}),
    ],
)
def test_lists_have_the_shape_of_the_service_model(aws: LocalAws, operation: str, account: str, params: dict) -> None:
    body, shape = raw_answer(aws.client("bedrock", account=account), operation, **params)
    assert differences(body, shape) == []
    assert any(isinstance(items, list) and items for items in body.values())


def test_single_answers_have_the_shape_of_the_service_model(aws: LocalAws) -> None:
    client, arn = aws.client("bedrock"), arn_of(aws, "aws-ticket-triage")
    profile, shape = raw_answer(client, "GetInferenceProfile", inferenceProfileIdentifier=arn)
    assert differences(profile, shape) == []
    tags, shape = raw_answer(client, "ListTagsForResource", resourceARN=arn)
    assert differences(tags, shape) == []
    assert {tag["key"]: tag["value"] for tag in tags["tags"]} == {
        "team": "support",
        "product": "ticket-triage",
        "environment": "prod",
    }


def test_checker_finds_what_is_wrong(aws: LocalAws) -> None:
    body, shape = raw_answer(aws.client("bedrock"), "ListInferenceProfiles")
    broken = dict(body["inferenceProfileSummaries"][0]) | {"type": "OTHER", "copyFrom": "x"}
    del broken["status"]
    gaps = differences({"inferenceProfileSummaries": [broken]}, shape)
    assert len(gaps) == 3


def test_pages_follow_the_token_and_hold_each_profile_once(aws: LocalAws) -> None:
    pages = aws.client("bedrock").get_paginator("list_inference_profiles").paginate(PaginationConfig={"PageSize": 3})
    sizes = [len(page["inferenceProfileSummaries"]) for page in pages]
    names = [one["inferenceProfileArn"] for page in pages for one in page["inferenceProfileSummaries"]]
    assert set(sizes[:-1]) == {3}
    assert len(sizes) > 2
    assert len(names) == len(set(names))


def test_foreign_token_is_refused(aws: LocalAws) -> None:
    client = aws.client("bedrock")
    assert error_code(client.list_inference_profiles, nextToken="somebodys-token") == "ValidationException"


def test_profile_never_tells_what_it_was_copied_from(aws: LocalAws) -> None:
    body, _ = raw_answer(
        aws.client("bedrock"), "GetInferenceProfile", inferenceProfileIdentifier=arn_of(aws, "aws-ticket-triage")
    )
    assert "copyFrom" not in str(body)
    assert {model["modelArn"].split(":")[3] for model in body["models"]} == {"us-east-1", ""}


def test_system_profiles_carry_no_tags(aws: LocalAws) -> None:
    client = aws.client("bedrock")
    page = client.list_inference_profiles(typeEquals="SYSTEM_DEFINED")
    arn = page["inferenceProfileSummaries"][0]["inferenceProfileArn"]
    assert error_code(client.list_tags_for_resource, resourceARN=arn) == "ValidationException"


def test_deleted_profile_is_listed_until_its_day(aws: LocalAws) -> None:
    client, arn = aws.client("bedrock"), arn_of(aws, "aws-voice-summary-old")
    assert error_code(client.get_inference_profile, inferenceProfileIdentifier=arn) == "ResourceNotFoundException"
    aws.clock.set(AS_OF - timedelta(days=36))
    assert client.get_inference_profile(inferenceProfileIdentifier=arn)["inferenceProfileArn"] == arn


def test_account_and_region_see_their_own_alone(aws: LocalAws) -> None:
    ids = {}
    for account, region in ((APPS, "us-east-1"), (APPS, "eu-west-1"), (DATA, "us-east-1")):
        client = aws.client("bedrock", account=account, region=region)
        page = client.list_inference_profiles(typeEquals="APPLICATION")
        ids[account, region] = {one["inferenceProfileId"] for one in page["inferenceProfileSummaries"]}
    sets = list(ids.values())
    assert all(sets)
    assert sum(len(one) for one in sets) == len(set().union(*sets))


def test_unknown_operations_answer_in_each_services_own_words(aws: LocalAws) -> None:
    assert error_code(aws.client("bedrock").list_foundation_models) == "UnknownOperationException"
    assert error_code(aws.client("cloudwatch").describe_alarms).startswith("UnknownOperation")
    assert error_code(aws.client("sts").get_session_token) == "InvalidAction"
    assert error_code(aws.client("s3").get_object, Bucket="nobodys-bucket", Key="x") == "NoSuchBucket"


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("throttle", "ThrottlingException"),
        ("server_error", "InternalServerException"),
        ("forbidden", "AccessDeniedException"),
        ("expired", "ExpiredTokenException"),
    ],
)
def test_faults_are_named_as_aws_names_them(aws: LocalAws, kind: str, code: str) -> None:
    aws.faults.add("aws", "ListInferenceProfiles", kind)
    client = aws.client("bedrock")
    assert error_code(client.list_inference_profiles) == code
    assert client.list_inference_profiles()["inferenceProfileSummaries"]


def test_unsigned_and_unknown_callers_are_refused(aws: LocalAws) -> None:
    client = aws.client("bedrock", account="nobody")
    assert error_code(client.list_inference_profiles) == "UnrecognizedClientException"


def test_assumed_role_is_the_roles_account(aws: LocalAws) -> None:
    sts = aws.client("sts", account="100000000001")
    assert sts.get_caller_identity()["Account"] == "100000000001"
    role = sts.assume_role(RoleArn=f"arn:aws:iam::{DATA}:role/inferledger-reader", RoleSessionName="test")
    assert DATA in role["AssumedRoleUser"]["Arn"]
    assert role["Credentials"]["AccessKeyId"].endswith(DATA)


def test_tagging_api_knows_tagged_profiles_only_and_capitalises(aws: LocalAws) -> None:
    client = aws.client("resourcegroupstaggingapi", region="eu-west-1")
    body, shape = raw_answer(
        client, "GetResources", ResourceTypeFilters=["bedrock:application-inference-profile"], ResourcesPerPage=100
    )
    assert differences(body, shape) == []
    arns = {one["ResourceARN"] for one in body["ResourceTagMappingList"]}
    assert arn_of(aws, "aws-agent-assist") in arns
    assert arn_of(aws, "aws-prototype") not in arns
    found = client.get_resources(TagFilters=[{"Key": "team", "Values": ["docs"]}])["ResourceTagMappingList"]
    assert [one["ResourceARN"] for one in found] == [arn_of(aws, "aws-doc-translate")]
