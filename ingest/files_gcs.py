"""Exported files in a Google Cloud Storage bucket: `gs://bucket/prefix`, one object or all below a prefix.

Needs `roles/storage.objectViewer` on the bucket (`storage.objects.list`, `storage.objects.get`). Each object is fetched
when it is asked for, as it lies there (a gzipped one stays gzipped), and its checksum is compared.
"""

from pathlib import Path
from typing import Any

from google.api_core import exceptions as api
from google.auth import exceptions as auth
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage  # pyright: ignore[reportMissingTypeStubs]

from ingest.errors import ConfigError, CredentialExpired
from ingest.files import ExportedFile, Folder
from ingest.gcp_connection import TIMEOUT_S, call_google
from ingest.settings import Settings


class GcsFolder:
    """The objects below a prefix."""

    def __init__(self, location: str, settings: Settings, scratch: Path) -> None:
        self._location, self._settings, self._scratch = location, settings, scratch
        self._bucket, _, self._prefix = location.partition("://")[2].partition("/")
        if not self._bucket:
            raise ConfigError(f"--path {location} names no bucket.", "Write it as gs://bucket/prefix.")
        # the library's types leave out that `retry=None` is allowed
        self._client: Any = _client(settings)
        self._listed: list[ExportedFile] | None = None
        self._objects: dict[str, str] = {}

    @property
    def location(self) -> str:
        """The URL."""
        return self._location

    def files(self) -> list[ExportedFile]:
        """Every object below the prefix, by name; hidden ones left out. Listed once."""
        if self._listed is None:
            blobs = self._ask(
                lambda: list(
                    self._client.list_blobs(self._bucket, prefix=self._prefix or None, retry=None, timeout=TIMEOUT_S)
                )
            )
            found = [blob for blob in blobs if self._is_below(blob.name)]
            self._objects = {self._below(blob.name): blob.name for blob in found}
            files = [
                ExportedFile(self._below(blob.name), int(blob.size or 0), f"{blob.generation}-{blob.etag}")
                for blob in found
            ]
            self._listed = sorted(files, key=lambda file: file.name)
        return self._listed

    def fetch(self, file: ExportedFile) -> Path:
        """The object as a local file; a second call fetches it no more."""
        target = self._scratch / file.name
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            aside = target.with_name(f".{target.name}.part")
            blob = self._client.bucket(self._bucket).blob(self._objects[file.name])
            self._ask(lambda: blob.download_to_filename(str(aside), raw_download=True, retry=None, timeout=TIMEOUT_S))
            aside.rename(target)
        return target

    def _ask(self, call: Any) -> Any:
        grant = f"roles/storage.objectViewer on bucket {self._bucket}"

        def found() -> Any:
            try:
                return call()
            except api.NotFound as error:
                raise ConfigError(
                    f"--path {self._location}: there is no such bucket or object.", "Check the bucket's name."
                ) from error

        return call_google(self._settings, f"--path {self._location}", grant, found)

    def _is_below(self, name: str) -> bool:
        """Whether an object lies below the prefix as a folder: `bill` is no prefix of `billing/x`."""
        folder = self._prefix.rstrip("/")
        inside = not folder or name == self._prefix or name.startswith(f"{folder}/")
        return inside and not name.endswith("/") and not any(part.startswith(".") for part in name.split("/"))

    def _below(self, name: str) -> str:
        folder = self._prefix.rstrip("/")
        return name.rpartition("/")[2] if name == self._prefix else name.removeprefix(folder).lstrip("/")


def open_url(location: str, settings: Settings, scratch: Path) -> Folder:
    """The objects at a `gs://` URL. Raises ConfigError, CredentialExpired."""
    return GcsFolder(location, settings, scratch)


def _client(settings: Settings) -> storage.Client:
    if settings.gcp_storage_endpoint is None:
        try:
            return storage.Client()
        except (auth.GoogleAuthError, OSError) as error:
            raise CredentialExpired(
                f"There is no usable Google credential ({error}).",
                "Sign in with `gcloud auth application-default login`, or run where a service account is attached.",
            ) from error
    return storage.Client(
        project="local",
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": settings.gcp_storage_endpoint},
    )
