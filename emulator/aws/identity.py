"""STS and the tagging API: small, and each in its own protocol."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from emulator.aws.bedrock import Bedrock
from emulator.aws.wire import REQUEST_ID, Answer, AwsError, Caller, access_key, iso, page_offset, page_token
from emulator.clock import Clock

PROFILE_TYPE = "bedrock:application-inference-profile"
_XMLNS = "https://sts.amazonaws.com/doc/2011-06-15/"


def sts(form: Mapping[str, str], who: Caller, clock: Clock) -> Answer:
    """GetCallerIdentity and AssumeRole; the assumed credentials carry the role's account."""
    action = form.get("Action", "")
    if action == "GetCallerIdentity":
        arn = f"arn:aws:iam::{who.account}:user/inferledger"
        result = f"<Arn>{arn}</Arn><UserId>AIDAEMULATED00000001</UserId><Account>{who.account}</Account>"
    elif action == "AssumeRole":
        role, session = form.get("RoleArn", ""), form.get("RoleSessionName", "")
        account = role.split(":")[4] if role.count(":") == 5 else ""
        if not (account.isdigit() and len(account) == 12):
            raise AwsError("ValidationError", f"{role} is invalid", 400)
        assumed = f"arn:aws:sts::{account}:assumed-role/{role.rpartition('/')[2]}/{session}"
        result = (
            f"<Credentials><AccessKeyId>{access_key(account)}</AccessKeyId>"
            "<SecretAccessKey>emulated</SecretAccessKey><SessionToken>emulated</SessionToken>"
            f"<Expiration>{iso(clock.now() + timedelta(days=3650))}</Expiration></Credentials>"
            f"<AssumedRoleUser><AssumedRoleId>AROAEMULATED00000001:{session}</AssumedRoleId><Arn>{assumed}</Arn></AssumedRoleUser>"
        )
    else:
        raise AwsError("InvalidAction", f"Could not find operation {action} for version 2011-06-15", 400)
    body = (
        f'<{action}Response xmlns="{_XMLNS}"><{action}Result>{result}</{action}Result>'
        f"<ResponseMetadata><RequestId>{REQUEST_ID}</RequestId></ResponseMetadata></{action}Response>"
    )
    return Answer(200, body.encode(), {"Content-Type": "text/xml"})


def get_resources(bedrock: Bedrock, who: Caller, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Tagged application profiles only: untagged ones do not exist for this API. Keys are capitalised here."""
    if wanted.get("ResourceARNList") and wanted.get("TagFilters"):
        raise AwsError("InvalidParameterException", "TagFilters and ResourceARNList cannot be given together.")
    types = wanted.get("ResourceTypeFilters") or [PROFILE_TYPE]
    found = [one for one in bedrock.tagged(who) if PROFILE_TYPE in types and one.kind == "application_profile"]
    for rule in wanted.get("TagFilters", []):
        values = rule.get("Values") or []
        found = [one for one in found if rule["Key"] in one.tags and (not values or one.tags[rule["Key"]] in values)]
    if wanted.get("ResourceARNList"):
        found = [one for one in found if one.arn in wanted["ResourceARNList"]]
    size = int(wanted.get("ResourcesPerPage") or 50)
    start = page_offset(
        wanted.get("PaginationToken"), AwsError("PaginationTokenExpiredException", "The pagination token has expired.")
    )
    shown = [
        {"ResourceARN": one.arn, "Tags": [{"Key": key, "Value": value} for key, value in one.tags.items()]}
        for one in found[start : start + size]
    ]
    token = page_token(start + size) if start + size < len(found) else ""
    return {"ResourceTagMappingList": shown, "PaginationToken": token}
