"""The metrics of Cognitive Services accounts that the local Azure Monitor knows, with their dimensions."""

from emulator.azure.measures import CACHE_MATCH
from emulator.azure.measures import UTILIZATION as PERCENT

PERCENTS = (PERCENT, "ProvisionedUtilization", CACHE_MATCH)
DEPLOYMENT, STATUS, SPILL = "modeldeploymentname", "statuscode", "isspillover"
OLD_SET = {
    "ProcessedPromptTokens": (DEPLOYMENT,),
    "GeneratedTokens": (DEPLOYMENT,),
    "TokenTransaction": (DEPLOYMENT,),
    "ActiveTokens": (DEPLOYMENT,),
    "AzureOpenAIRequests": (DEPLOYMENT, STATUS, SPILL),
    PERCENT: (DEPLOYMENT,),
    CACHE_MATCH: (DEPLOYMENT,),
}
# the newer names of the same counts, which accounts of the kind AIServices show beside the older ones
NEWER_SET = {
    "InputTokens": "ProcessedPromptTokens",
    "OutputTokens": "GeneratedTokens",
    "TotalTokens": "TokenTransaction",
    "ModelRequests": "AzureOpenAIRequests",
    "ProvisionedUtilization": PERCENT,
}
# shown for models of one partner alone, which nobody deployed here
PARTNER_SET = ("cacheReadInputTokens", "ephemeral5mInputTokens", "ephemeral1hInputTokens")
# unit, and the value at one request an hour, which grows with the load
LATENCIES = {
    "AzureOpenAITimeToResponse": ("MilliSeconds", 420.0),
    "AzureOpenAINormalizedTTFTInMS": ("MilliSeconds", 11.0),
    "AzureOpenAINormalizedTBTInMS": ("MilliSeconds", 17.0),
    "AzureOpenAITTLTInMS": ("MilliSeconds", 2900.0),
    "AzureOpenAITokenPerSecond": ("Count", 58.0),
}
METRICS = {
    **OLD_SET,
    **{name: OLD_SET[older] for name, older in NEWER_SET.items()},
    **dict.fromkeys((*PARTNER_SET, *LATENCIES), (DEPLOYMENT,)),
}
