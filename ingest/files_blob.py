"""Exported files in Azure Blob Storage: `az://container/prefix` of the configured account, or a blob's https URL.

Endpoint: List Blobs and Get Blob, page by page; it ends when a page names no next one. Nothing is written. A connection
string (`INFERLEDGER_AZURE_BLOB_CONNECTION_STRING`) names account and key, and is what a local stand-in needs; without
it an https URL names the account, and Azure's default chain signs in. A URL that carries its own signature (`?sig=`)
needs neither. Run alone: `inferledger ingest azure_cost --path https://ACCOUNT.blob.core.windows.net/CONTAINER/FOLDER`.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from azure.core.exceptions import AzureError, IncompleteReadError, ResourceNotFoundError
from azure.identity import DefaultAzureCredential
from azure.storage.blob import BlobServiceClient, ContainerClient

from ingest.azure_errors import Permission, named
from ingest.errors import ConfigError, TransientError
from ingest.files import ExportedFile
from ingest.retry import retrying
from ingest.settings import Settings

READER = "Storage Blob Data Reader"
TIMEOUT_S = 120
CHUNK_BYTES = 1 << 20
# a later service version than a local stand-in knows is refused by it
API_VERSION = "2025-11-05"
T = TypeVar("T")


@dataclass(frozen=True)
class _Place:
    """A container, and the name or prefix inside it; `account_url` is None for `az://`."""

    account_url: str | None
    container: str
    prefix: str
    signature: str


def open_url(location: str, settings: Settings, scratch: Path) -> "BlobFolder":
    """The blobs at `location`.

    Raises:
        ConfigError: the URL names no container, or no account is known for it.
    """
    place = _place(location)
    options: dict[str, Any] = {"connection_timeout": 20, "read_timeout": TIMEOUT_S, "retry_total": 0}
    text = settings.azure_blob_connection_string
    if place.account_url is None or (text and not place.signature):
        if not text:
            raise ConfigError(
                f"--path {location}: the storage account is not known.",
                "Give https://ACCOUNT.blob.core.windows.net/CONTAINER/FOLDER, or set "
                "INFERLEDGER_AZURE_BLOB_CONNECTION_STRING.",
            )
        service = _service(text, options)
    else:
        if settings.azure_ca_bundle is not None:
            options["connection_verify"] = str(settings.azure_ca_bundle)
        credential = place.signature or DefaultAzureCredential()
        service = BlobServiceClient(place.account_url, credential=credential, **options)
    return BlobFolder(location, service.get_container_client(place.container), place.prefix, scratch, settings)


def _service(text: str, options: dict[str, Any]) -> BlobServiceClient:
    try:
        return BlobServiceClient.from_connection_string(text, api_version=API_VERSION, **options)
    except ValueError as error:
        # the error itself may show the key
        raise ConfigError(
            "INFERLEDGER_AZURE_BLOB_CONNECTION_STRING is no connection string.",
            "Copy it from the storage account's access keys, or unset it and give an https URL.",
        ) from error


def _place(location: str) -> _Place:
    parts = urlsplit(location)
    if parts.scheme == "az":
        account_url, container, prefix = None, parts.netloc, unquote(parts.path).strip("/")
    else:
        container, _, prefix = unquote(parts.path).strip("/").partition("/")
        account_url = f"{parts.scheme}://{parts.netloc}"
    if not container:
        raise ConfigError(f"--path {location}: it names no container.", "Give az://CONTAINER/FOLDER.")
    return _Place(account_url, container, prefix, parts.query)


@dataclass
class BlobFolder:
    """The blobs below one prefix of a container."""

    location: str
    container: ContainerClient
    prefix: str
    scratch: Path
    settings: Settings
    _fetched: dict[tuple[str, str], Path] = field(default_factory=dict[tuple[str, str], Path])
    _names: dict[str, str] = field(default_factory=dict[str, str])
    _listed: list[ExportedFile] | None = None

    def files(self) -> list[ExportedFile]:
        """Every blob below the prefix (or the one blob of that name), by name; hidden ones left out.

        Raises:
            ConfigError: there is no such container.
            PermissionDenied, CredentialExpired, Unreachable, TransientError: the storage account said so.
        """
        if self._listed is None:
            self._listed = self._calling(self._list, f"listing {self.location}")
        return self._listed

    def fetch(self, file: ExportedFile) -> Path:
        """A local copy of a blob, complete: a cut-off download is had again."""
        key = (file.name, file.version)
        if key not in self._fetched:
            target = self.scratch / hashlib.sha256(file.name.encode()).hexdigest()[:24]
            self._calling(lambda: self._download(file, target), f"blob {file.name} of {self.location}")
            self._fetched[key] = target
        return self._fetched[key]

    def _list(self) -> list[ExportedFile]:
        found: list[ExportedFile] = []
        for blob in self.container.list_blobs(name_starts_with=self.prefix or None):
            name = str(blob.name)
            if self.prefix and name != self.prefix and not name.startswith(self.prefix + "/"):
                continue
            below = name.rpartition("/")[2] if name == self.prefix else name[len(self.prefix) :].strip("/")
            # a store with folders lists them as empty blobs
            if blob.size and not any(part.startswith(".") for part in below.split("/")):
                self._names[below] = name
                found.append(ExportedFile(below, int(blob.size), str(blob.etag)))
        return sorted(found, key=lambda file: file.name)

    def _download(self, file: ExportedFile, target: Path) -> None:
        name = self._names[file.name]
        stream = self.container.download_blob(name, max_concurrency=1)
        with target.open("wb") as copy:
            for chunk in stream.chunks():
                copy.write(chunk)
        if target.stat().st_size != file.size:
            raise TransientError(f"blob {file.name} came with {target.stat().st_size} of {file.size} bytes.")

    def _calling(self, action: Callable[[], T], what: str) -> T:
        permission = Permission(READER, f"container {self.container.container_name}")

        def once() -> T:
            try:
                return action()
            except ResourceNotFoundError as error:
                raise ConfigError(
                    f"{what}: there is no such container or blob.", "Check the location in sources.yml or --path."
                ) from error
            except IncompleteReadError as error:
                raise TransientError(f"{what}: the answer was cut off.", "Run it again.") from error
            except AzureError as error:
                raise named(error, what, permission, "of the storage account") from error

        return retrying(budget_s=self.settings.retry_budget_seconds)(once)()
