"""Which statement of which shipped policy grants an action, so that a refusal names the line that is missing.

The policies themselves lie in `deploy/aws`: `policy.json` for the collector's own identity in the payer account,
`workload_policy.json` for the role in each account whose Bedrock is read.
"""

_COLLECTOR = "deploy/aws/policy.json"
_WORKLOAD = "deploy/aws/workload_policy.json"
# action, or `action @ statement` where two statements grant the same one for different things
STATEMENTS = {
    "sts:AssumeRole": (_COLLECTOR, "EnterTheAccountsOfSourcesYml"),
    "s3:ListBucket": (_COLLECTOR, "FindTheManifestsOfTheBillingExport"),
    "s3:GetObject": (_COLLECTOR, "ReadTheBillingExport"),
    "bcm-data-exports:ListExports": (_COLLECTOR, "SeeTheHealthOfBillingExportsAndTags"),
    "bcm-data-exports:ListExecutions": (_COLLECTOR, "SeeTheHealthOfBillingExportsAndTags"),
    "ce:ListCostAllocationTags": (_COLLECTOR, "SeeTheHealthOfBillingExportsAndTags"),
    "ce:GetCostAndUsage": (_COLLECTOR, "SeeTheHealthOfBillingExportsAndTags"),
    "bedrock:ListInferenceProfiles": (_WORKLOAD, "ReadInventoryOfBedrock"),
    "bedrock:GetInferenceProfile": (_WORKLOAD, "ReadInventoryOfBedrock"),
    "bedrock:ListTagsForResource": (_WORKLOAD, "ReadInventoryOfBedrock"),
    "bedrock:ListProvisionedModelThroughputs": (_WORKLOAD, "ReadInventoryOfBedrock"),
    "tag:GetResources": (_WORKLOAD, "ReadInventoryOfBedrock"),
    "cloudwatch:ListMetrics": (_WORKLOAD, "ReadMetricsOfBedrock"),
    "cloudwatch:GetMetricData": (_WORKLOAD, "ReadMetricsOfBedrock"),
    "bedrock:GetModelInvocationLoggingConfiguration": (_WORKLOAD, "SeeWhetherCallsAreLogged"),
    "s3:ListBucket @ FindTheInvocationLogs": (_WORKLOAD, "FindTheInvocationLogs"),
    "s3:GetObject @ ReadTheInvocationLogs": (_WORKLOAD, "ReadTheInvocationLogs"),
}


def grant(permission: str) -> str:
    """What to do when AWS refuses an action: the action, the policy's file and the statement in it."""
    action = permission.partition(" @ ")[0]
    if permission not in STATEMENTS:
        return f"Grant {action} as in {_COLLECTOR}."
    file, statement = STATEMENTS[permission]
    return f"Grant {action} as in {file}, statement {statement}."
