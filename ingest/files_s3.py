"""S3 as a place of files: `s3://bucket/prefix`, listed and fetched by boto3 with the caller's own credentials.

Endpoints: `HeadBucket` (whose answer names the region), `ListObjectsV2` page by page until it is not truncated, and
`GetObject`. A fetched object is kept in the scratch folder while the folder is open, so that it is paid for once.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ingest.aws_client import AwsClients
from ingest.errors import ConfigError, PermissionDenied, WrongRegion
from ingest.files import ExportedFile
from ingest.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CHUNK_BYTES = 1 << 20
DEFAULT_REGION = "us-east-1"
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class StoredFile(ExportedFile):
    """An object of a bucket, with the time at which it was written."""

    written: datetime = _NEVER


@dataclass
class S3Folder:
    """The objects below a prefix, or one object of a bucket.

    Args:
        prefix: what keys start with, a slash at its end; empty for the whole bucket.
        where: what is being read, as the subject of an error message.
        only: the last part of the key of the one object that counts, None for all below the prefix.
    """

    clients: AwsClients
    bucket: str
    prefix: str
    region: str
    scratch: Path
    where: str
    only: str | None = None
    _fetched: dict[tuple[str, str], Path] = field(default_factory=dict[tuple[str, str], Path])
    _numbers: Iterator[int] = field(default_factory=count)

    @property
    def location(self) -> str:
        """The URL."""
        return f"s3://{self.bucket}/{self.prefix}{self.only or ''}"

    @cached_property
    def client(self) -> "S3Client":
        """The client of the bucket's region."""
        return self.clients.s3(self.region)

    def found_region(self) -> str | None:
        """The region that the bucket itself names, None when it does not say."""
        head = self.clients.calling(self.where, "s3:ListBucket")(self.client.head_bucket)
        try:
            return head(Bucket=self.bucket).get("BucketRegion")
        except (ConfigError, PermissionDenied):
            # an answer to HEAD has no body that could say why; listing needs the same permission, and does say
            self.clients.calling(self.where, "s3:ListBucket")(self.client.list_objects_v2)(
                Bucket=self.bucket, MaxKeys=1
            )
            raise

    def check_region(self, remedy: str) -> None:
        """Raise WrongRegion when the bucket lives elsewhere than configured; boto3 would follow it silently."""
        region = self.found_region()
        if region and region != self.region:
            raise WrongRegion(
                f"{self.where}: the bucket is in {region}, sources.yml says {self.region}.", remedy.format(region)
            )

    def files(self) -> list[ExportedFile]:
        """Every object below the prefix, by name; hidden ones and those that stand for folders left out."""
        if self.only is not None:
            return [file for file in self.below(self.only) if file.name == self.only]
        return list(self.below(""))

    def below(self, start: str) -> list[StoredFile]:
        """Every object whose name in this folder begins with `start`."""
        list_page = self.clients.calling(self.where, "s3:ListBucket")(self.client.list_objects_v2)
        found: list[StoredFile] = []
        token: dict[str, Any] = {}
        while True:
            page = list_page(Bucket=self.bucket, Prefix=f"{self.prefix}{start}", **token)
            for entry in page.get("Contents", []):
                name, size = entry.get("Key", "").removeprefix(self.prefix), entry.get("Size", 0)
                if name.endswith("/") or any(part.startswith(".") for part in name.split("/")):
                    continue
                written = entry.get("LastModified", _NEVER)
                found.append(StoredFile(name, size, entry.get("ETag", ""), written))
            if not page.get("IsTruncated"):
                return sorted(found, key=lambda file: file.name)
            token = {"ContinuationToken": page.get("NextContinuationToken", "")}

    def fetch(self, file: ExportedFile) -> Path:
        """The object in the scratch folder; fetched once for each version of it."""
        kept = file.name, file.version
        if kept not in self._fetched:
            self._fetched[kept], _ = self.fetch_now(file.name)
        return self._fetched[kept]

    def fetch_now(self, name: str) -> tuple[Path, str]:
        """The object as it is at this moment, and its entity tag."""
        key = f"{self.prefix}{name}"
        target = self.scratch / f"{next(self._numbers):05d}-{key.rpartition('/')[2]}"
        return target, self.clients.calling(f"{self.where}, {key}", "s3:GetObject")(self._download)(key, target)

    def _download(self, key: str, target: Path) -> str:
        answer = self.client.get_object(Bucket=self.bucket, Key=key)
        with target.open("wb") as stream:
            for chunk in answer["Body"].iter_chunks(CHUNK_BYTES):
                stream.write(chunk)
        return answer.get("ETag", "")


def open_url(location: str, settings: Settings, scratch: Path) -> S3Folder:
    """The objects below `s3://bucket/prefix`, or the one object whose key that is.

    Raises:
        ConfigError: no bucket is named, or none has that name.
        PermissionDenied, CredentialExpired, Unreachable: as AWS answered.
    """
    parts = urlsplit(location)
    if not parts.netloc:
        raise ConfigError(f"--path {location}: it names no bucket.", "Give s3://bucket/prefix.")
    folder, _, last = parts.path.lstrip("/").rpartition("/")
    found = S3Folder(
        AwsClients(settings), parts.netloc, f"{folder}/" if folder else "", DEFAULT_REGION, scratch, location, last
    )
    region = found.found_region() or DEFAULT_REGION
    if last and not found.files():
        return replace(found, prefix=f"{found.prefix}{last}/", only=None, region=region)
    return replace(found, region=region, only=last or None)
