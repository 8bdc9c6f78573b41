"""What is known about single rules: criteria that are not met, checks that miss their sentence, and why rules fail.

Every rule that fails has a reason here, and no rule has one that does not fail: a test holds both.
"""

from dataclasses import dataclass
from typing import Any

from tests.focus.rules import Node

# criteria of the specification that the data set does not meet, and why
UNMET = {
    "ACCOUNT_NAMING_SUPPORTED": "No bill that is read names the billing account; the column is NULL.",
    "AVAILABILITY_ZONE_SUPPORTED": "Models are not sold by availability zone.",
    "CAPACITY_RESERVATION_SUPPORTED": "Provisioned capacity for models is bought as units or as a commitment; no bill "
    "marks it as a capacity reservation.",
    "PRICING_BILLING_CURRENCY_DIFFERENCES_SUPPORTED": "Amounts are kept in the billing currency; prices in another "
    "currency are not.",
    "VIRTUAL_CURRENCY_SUPPORTED": "None of the providers bills in credits or tokens as money.",
}


def _value(column: str, value: Any) -> Node:
    return {"CheckFunction": "CheckValue", "ColumnName": column, "Value": value}


def _not(column: str, value: Any) -> Node:
    return {"CheckFunction": "CheckNotValue", "ColumnName": column, "Value": value}


def _all(*nodes: Node) -> Node:
    return {"CheckFunction": "AND", "Items": list(nodes)}


def _any(*nodes: Node) -> Node:
    return {"CheckFunction": "OR", "Items": list(nodes)}


@dataclass(frozen=True)
class Reading:
    """A check as the rule's sentence means it, where the published check says something else."""

    defect: str
    requirement: Node
    condition: Node


READINGS = {
    "CommitmentDiscountCategory-C-005-M": Reading(
        "The check forgets that the column is NULL without a commitment, which its own rule C-003 demands.",
        _any(*(_value("CommitmentDiscountCategory", word) for word in ("Spend", "Usage"))),
        _not("CommitmentDiscountCategory", None),
    ),
    "CommitmentDiscountStatus-C-003-C": Reading(
        "The check demands the opposite: not NULL.",
        _value("CommitmentDiscountStatus", None),
        _value("CommitmentDiscountId", None),
    ),
    "CommitmentDiscountStatus-C-004-C": Reading(
        "The condition is the opposite of the sentence's, and without the category.",
        _not("CommitmentDiscountStatus", None),
        _all(_not("CommitmentDiscountId", None), _value("ChargeCategory", "Usage")),
    ),
    "CommitmentDiscountStatus-C-005-M": Reading(
        "The check lists Active, Expired, Pending; the specification's values are Used and Unused.",
        _any(*(_value("CommitmentDiscountStatus", word) for word in ("Used", "Unused"))),
        _not("CommitmentDiscountStatus", None),
    ),
    "ConsumedQuantity-C-006-C": Reading(
        "The condition asks for corrections, the sentence for everything else.",
        _not("ConsumedQuantity", None),
        _all(
            _value("ChargeCategory", "Usage"),
            _not("CommitmentDiscountStatus", "Unused"),
            _not("ChargeClass", "Correction"),
        ),
    ),
}

_AZURE_LIST = "Azure's cost query states no list price, and the export guesses none; rows from its cost files have it."
_COMMITTED = "What a commitment covers has no agreed price of its own on the bill."
_INVOICE = (
    "The checks of C-004 and C-005 contradict each other: neither has its condition. Whether a row is on an invoice is "
    "what `InvoiceId` itself tells; AWS and Azure's agreement files name it, Google's export and Azure's query do not."
)
REASONS = {
    "SkuMeter-C-005-C": "A credit of AWS can name a SKU and no usage type.",
    "ListUnitPrice-C-005-C": _AZURE_LIST,
    "ListCost-C-003-M": _AZURE_LIST,
    "ListCost-C-004-M": "The check asks for a value, not for a decimal. " + _AZURE_LIST,
    "SubAccountName-C-005-C": "Azure's cost query does not name subscriptions; rows from its cost files do.",
    "ContractedCost-C-003-M": _COMMITTED,
    "ContractedCost-C-004-M": "The check asks for a value, not for a decimal. " + _COMMITTED,
    "ContractedUnitPrice-C-006-C": _COMMITTED,
    "InvoiceId-C-004-C": _INVOICE,
    "InvoiceId-C-005-C": _INVOICE,
}
