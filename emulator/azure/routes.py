"""The operations of the local Azure: their method, their path, and the audience of the token they want."""

import re

ARM_AUDIENCE = "https://management.azure.com"
METRICS_AUDIENCE = "https://metrics.monitor.azure.com"
LOGS_AUDIENCE = "https://api.loganalytics.io"
SUBSCRIPTION = r"/subscriptions/(?P<subscription>[^/]+)"
COGNITIVE = r"/providers/Microsoft\.CognitiveServices/accounts"
# operation, method, path and the audience of the token it wants
ROUTES: tuple[tuple[str, str, re.Pattern[str], str | None], ...] = tuple(
    (operation, method, re.compile(pattern, re.I), audience)
    for operation, method, pattern, audience in (
        ("openid_configuration", "GET", r"/(?P<tenant>[^/]+)/v2\.0/\.well-known/openid-configuration", None),
        ("token", "POST", r"/(?P<tenant>[^/]+)/oauth2/v2\.0/token", None),
        ("metrics_batch", "POST", rf"{SUBSCRIPTION}/metrics:getBatch", METRICS_AUDIENCE),
        ("logs_query", "POST", r"/v1/workspaces/(?P<workspace>[^/]+)/query", LOGS_AUDIENCE),
        ("logs_query", "POST", rf"/v1(?P<workspace>{SUBSCRIPTION}/.+)/query", LOGS_AUDIENCE),
        (
            "details_report",
            "POST",
            r"(?P<scope>/.+)/providers/Microsoft\.CostManagement/generateCostDetailsReport",
            ARM_AUDIENCE,
        ),
        (
            "details_result",
            "GET",
            r"(?P<scope>/.+)/providers/Microsoft\.CostManagement/costDetailsOperationResults/(?P<name>[^/]+)",
            ARM_AUDIENCE,
        ),
        ("details_blob", "GET", r"/costdetails/(?P<name>[^/]+)/(?P<number>\d+)\.csv", None),
        ("query", "POST", r"(?P<scope>/.+)/providers/Microsoft\.CostManagement/query", ARM_AUDIENCE),
        (
            "reservation_summaries",
            "GET",
            r"(?P<scope>/.+)/providers/Microsoft\.Consumption/reservationSummaries",
            ARM_AUDIENCE,
        ),
        (
            "reservation_details",
            "GET",
            r"(?P<scope>/.+)/providers/Microsoft\.Consumption/reservationDetails",
            ARM_AUDIENCE,
        ),
        (
            "reservation_transactions",
            "GET",
            (
                r"/providers/Microsoft\.Billing/billingAccounts/(?P<account>[^/]+)(/billingProfiles/(?P<profile>[^/]+))?"
                r"/providers/Microsoft\.Consumption/reservationTransactions"
            ),
            ARM_AUDIENCE,
        ),
        ("reservations", "GET", r"/providers/Microsoft\.Capacity/reservations", ARM_AUDIENCE),
        ("subscriptions", "GET", r"/subscriptions", ARM_AUDIENCE),
        ("subscription", "GET", SUBSCRIPTION, ARM_AUDIENCE),
        ("settings", "GET", r"(?P<scope>/.+)/providers/Microsoft\.CostManagement/settings", ARM_AUDIENCE),
        ("tag_names", "GET", rf"{SUBSCRIPTION}/tagNames", ARM_AUDIENCE),
        ("accounts", "GET", rf"{SUBSCRIPTION}{COGNITIVE}", ARM_AUDIENCE),
        (
            "deployments",
            "GET",
            rf"{SUBSCRIPTION}/resourceGroups/(?P<group>[^/]+){COGNITIVE}/(?P<name>[^/]+)/deployments",
            ARM_AUDIENCE,
        ),
        ("metrics", "GET", rf"(?P<resource>{SUBSCRIPTION}/.+)/providers/Microsoft\.Insights/metrics", ARM_AUDIENCE),
    )
)
