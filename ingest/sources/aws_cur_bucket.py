"""One configured billing export in its bucket: its region, its manifests, and what they name."""

from dataclasses import dataclass
from pathlib import Path

from ingest.aws_client import AwsClients
from ingest.config_aws import AwsExport
from ingest.errors import EmptyAnswer
from ingest.files_s3 import S3Folder
from ingest.sources.aws_cur_manifest import Delivery, deliveries, named_files


@dataclass(frozen=True)
class ExportBucket:
    """One configured export in its bucket."""

    export: AwsExport
    bucket: S3Folder

    def check_region(self) -> None:
        """Raise WrongRegion when the bucket lives elsewhere than configured."""
        self.bucket.check_region(f"Set region: {{}} for export {self.export.name} in sources.yml.")

    def manifests(self) -> dict[str, Delivery]:
        """The newest manifest of each billing period, by `YYYY-MM`; raises EmptyAnswer when there is none."""
        folder = "/".join(part for part in (self.export.prefix.strip("/"), self.export.name) if part)
        found = deliveries(self.bucket.below(f"{folder}/metadata/"))
        if not found:
            # the legacy report has its manifests in the folders of its periods
            found = deliveries(self.bucket.below(f"{folder}/"))
        mine = [delivery for delivery in found if delivery.export == self.export.name]
        if not mine:
            raise EmptyAnswer(
                f"{self.bucket.where}: there is no manifest under {folder}/metadata/ or {folder}/.",
                "Check bucket, prefix and export name in sources.yml; a new export delivers within 24 hours.",
            )
        return {f"{one.period.start:%Y-%m}": one for one in mine}

    def read_manifest(self, delivery: Delivery) -> tuple[list[str], str]:
        """The keys that the manifest names, and its entity tag now."""
        path, etag = self.bucket.fetch_now(delivery.manifest.name)
        named = named_files(path, f"{self.bucket.where}: {delivery.manifest.name}")
        return [name.removeprefix(f"{self.export.bucket}/") for name in named], etag


def export_bucket(clients: AwsClients, export: AwsExport, scratch: Path) -> ExportBucket:
    """The export's bucket, opened in the region that sources.yml names."""
    where = f"Billing export {export.name} in bucket {export.bucket}"
    return ExportBucket(export, S3Folder(clients, export.bucket, "", export.region, scratch, where))
