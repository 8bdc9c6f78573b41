"""The section `fx` of `sources.yml`: where exchange rates are read, and the currency that totals are reported in."""

from typing import Annotated

from pydantic import Field

from ingest.currencies import Currency
from ingest.yaml_config import StrictModel


class FxSource(StrictModel):
    base_url: Annotated[str, Field(pattern=r"^https?://[^\s]+$")] = "https://www.ecb.europa.eu/stats/eurofxref"
    """Folder that holds the European Central Bank's `eurofxref-hist.zip`; a mirror of yours works as well."""
    reporting_currency: Currency = "USD"
    """The one currency, besides USD, in which amounts are reported."""
