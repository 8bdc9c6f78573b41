"""The shapes in which Azure hands out its bill as files: Enterprise Agreement, Microsoft Customer Agreement, FOCUS.

Column names are Microsoft's published ones; a file's own spelling counts without letter case. Every value is text, as
it was delivered: amounts are parsed once, in staging. An actual and an amortized file of one agreement look the same,
so each landed row tells its view, and by which route it came.
"""

from dataclasses import dataclass

import pyarrow as pa

from ingest.contracts import StreamContract
from ingest.files import FileKind

SOURCE = "azure_cost"


def _names(text: str) -> list[str]:
    return text.split()


OURS = ("_view", "_route", "_scope_kind", "_billing_account_id")
EA_COLUMNS = _names(
    "BillingAccountId BillingAccountName BillingPeriodStartDate BillingPeriodEndDate BillingProfileId "
    "BillingProfileName AccountOwnerId AccountName SubscriptionId SubscriptionName Date Product PartNumber MeterId "
    "ServiceFamily MeterCategory MeterSubCategory MeterRegion MeterName Quantity EffectivePrice Cost UnitPrice "
    "BillingCurrency ResourceLocation AvailabilityZone ConsumedService ResourceId ResourceName ServiceInfo1 "
    "ServiceInfo2 AdditionalInfo Tags InvoiceSectionId InvoiceSection CostCenter UnitOfMeasure ResourceGroup "
    "ReservationId ReservationName ProductOrderId ProductOrderName OfferId IsAzureCreditEligible Term PublisherName "
    "PlanName ChargeType Frequency PublisherType PayGPrice PricingModel CostAllocationRuleName benefitId benefitName"
)
# newer schema versions of the Enterprise Agreement say these instead of Cost, Product, InvoiceSection, BillingCurrency
EA_LATER_COLUMNS = ("CostInBillingCurrency", "BillingCurrencyCode", "ProductName", "InvoiceSectionName")
MCA_COLUMNS = _names(
    "invoiceId previousInvoiceId billingAccountId billingAccountName billingProfileId billingProfileName "
    "invoiceSectionId invoiceSectionName resellerName resellerMpnId costCenter billingPeriodEndDate "
    "billingPeriodStartDate servicePeriodEndDate servicePeriodStartDate date serviceFamily productOrderId "
    "productOrderName consumedService meterId meterName meterCategory meterSubCategory meterRegion ProductId "
    "ProductName SubscriptionId subscriptionName publisherType publisherId publisherName resourceGroupName ResourceId "
    "resourceLocation location effectivePrice quantity unitOfMeasure chargeType billingCurrency pricingCurrency "
    "costInBillingCurrency costInPricingCurrency costInUsd paygCostInBillingCurrency paygCostInUsd "
    "exchangeRatePricingToBilling exchangeRateDate isAzureCreditEligible serviceInfo1 serviceInfo2 additionalInfo tags "
    "PayGPrice frequency term reservationId reservationName pricingModel unitPrice costAllocationRuleName benefitId "
    "benefitName provider"
)
FOCUS_COLUMNS = _names(
    "BilledCost BillingAccountId BillingAccountName BillingAccountType BillingCurrency BillingPeriodEnd "
    "BillingPeriodStart CapacityReservationId CapacityReservationStatus ChargeCategory ChargeClass ChargeDescription "
    "ChargeFrequency ChargePeriodEnd ChargePeriodStart CommitmentDiscountCategory CommitmentDiscountId "
    "CommitmentDiscountName CommitmentDiscountQuantity CommitmentDiscountStatus CommitmentDiscountType "
    "CommitmentDiscountUnit ConsumedQuantity ConsumedUnit ContractedCost ContractedUnitPrice EffectiveCost InvoiceId "
    "InvoiceIssuerName ListCost ListUnitPrice PricingCategory PricingCurrency PricingQuantity PricingUnit ProviderName "
    "PublisherName RegionId RegionName ResourceId ResourceName ResourceType ServiceCategory ServiceName "
    "ServiceSubcategory SkuId SkuMeter SkuPriceDetails SkuPriceId SubAccountId SubAccountName SubAccountType Tags "
    "x_BillingAccountId x_BillingProfileId x_PricingBlockSize x_PricingSubcategory x_PricingUnitDescription "
    "x_PublisherCategory x_ResourceGroupName x_ResourceType x_SkuDetails x_SkuMeterCategory x_SkuMeterName "
    "x_SkuMeterSubcategory x_SkuTerm"
)


def _schema(columns: list[str]) -> pa.Schema:
    return pa.schema([(name, pa.string()) for name in (*columns, *OURS)])


_key = ("_view", "SubscriptionId", "ResourceId", "MeterName", "UnitOfMeasure", "Date", "ChargeType")
EA = StreamContract(
    SOURCE, "ea_costs", _schema([*EA_COLUMNS, *EA_LATER_COLUMNS]), ("Date", "Quantity", *OURS), empty_ok=True, key=_key,
    amount="Cost",
)  # fmt: skip
MCA = StreamContract(
    SOURCE, "mca_costs", _schema(MCA_COLUMNS), ("date", "costInBillingCurrency", "billingCurrency", *OURS),
    empty_ok=True,
    key=("_view", "SubscriptionId", "ResourceId", "meterName", "unitOfMeasure", "date", "chargeType"),
    amount="costInBillingCurrency",
)  # fmt: skip
FOCUS = StreamContract(
    SOURCE, "focus_costs", _schema(FOCUS_COLUMNS), ("BilledCost", "EffectiveCost", "BillingCurrency", *OURS),
    empty_ok=True, key=("SubAccountId", "ResourceId", "SkuId", "ChargeDescription", "ChargePeriodStart",
    "ChargeCategory"),
    amount="BilledCost",
)  # fmt: skip
CONTRACTS = (EA, MCA, FOCUS)


@dataclass(frozen=True)
class Shape:
    """How to read the files of one kind.

    Attributes:
        contract: the stream its rows land in.
        costs: columns that must hold an amount.
        quantities: columns that hold a number or nothing.
        day, period, currency, account: columns with the usage day, the start of the billing period, the currency and
            the billing account.
        is_amortized_too: whether one row holds both views.
    """

    kind: FileKind
    contract: StreamContract
    costs: tuple[str, ...]
    quantities: tuple[str, ...]
    day: str
    period: str
    currency: str
    account: str = "BillingAccountId"
    is_amortized_too: bool = False


_ea_needs = (
    "BillingAccountId", "SubscriptionId", "Date", "MeterCategory", "MeterName", "Quantity", "UnitOfMeasure",
    "ResourceId",
    "ChargeType", "PricingModel",
)  # fmt: skip
SHAPES = (
    Shape(
        FileKind(
            "FOCUS export",
            ("BilledCost", "EffectiveCost", "BillingAccountId", "BillingCurrency", "BillingPeriodStart",
             "ChargeCategory",
             "ChargePeriodStart", "ConsumedQuantity", "ResourceId", "SubAccountId", "PricingCategory"),
            any_case=True,
        ),
        FOCUS, ("BilledCost", "EffectiveCost"), ("ConsumedQuantity", "PricingQuantity"), "ChargePeriodStart",
        "BillingPeriodStart", "BillingCurrency", is_amortized_too=True,
    ),
    Shape(
        FileKind(
            "cost details of a Microsoft Customer Agreement",
            ("billingAccountId", "SubscriptionId", "date", "meterCategory", "meterName", "quantity", "unitOfMeasure",
             "ResourceId", "chargeType", "pricingModel", "costInBillingCurrency", "billingCurrency", "pricingCurrency"),
            any_case=True,
        ),
        MCA, ("costInBillingCurrency",), ("quantity",), "date", "billingPeriodStartDate", "billingCurrency",
        account="billingAccountId",
    ),
    Shape(
        FileKind("cost details of an Enterprise Agreement", (*_ea_needs, "Cost", "BillingCurrency"), any_case=True),
        EA, ("Cost",), ("Quantity",), "Date", "BillingPeriodStartDate", "BillingCurrency",
    ),
    *(
        Shape(
            FileKind("cost details of an Enterprise Agreement", (*_ea_needs, cost, currency), any_case=True),
            EA, (cost,), ("Quantity",), "Date", "BillingPeriodStartDate", currency,
        )
        for cost in ("Cost", "CostInBillingCurrency")
        for currency in ("BillingCurrencyCode", "BillingCurrency")
    ),
)  # fmt: skip
KINDS = tuple(shape.kind for shape in SHAPES)


def canonical(name: str, contract: StreamContract) -> str:
    """A delivered column name in the contract's spelling where it differs by letter case alone."""
    spellings = {known.lower(): known for known in contract.schema.names}
    return spellings.get(name.lower(), name)
