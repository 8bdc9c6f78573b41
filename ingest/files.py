"""The file door: a folder, one file or an object-store URL, and what each file in it is.

A source that can read exported files offers `load_files(context, folder, window)` and says with `FileKind`s by which
columns it knows them. What a file is called is a hint to nobody: its columns decide.
"""

import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from ingest.errors import ConfigError, EmptyAnswer, SchemaChanged
from ingest.settings import Settings

# scheme of a URL to the module that opens it, by its `open_url(location, settings, scratch) -> Folder`
_STORES = {"s3": "ingest.files_s3", "gs": "ingest.files_gcs", "az": "ingest.files_blob", "https": "ingest.files_blob"}


@dataclass(frozen=True)
class ExportedFile:
    """One file below a location.

    Attributes:
        name: path below the location, with slashes.
        size: bytes.
        version: changes when the content does: an entity tag, or size and time of the last change.
    """

    name: str
    size: int
    version: str

    def matches(self, *patterns: str) -> bool:
        """Whether the name's last part matches one of the patterns (``*.csv``), case apart."""
        last = self.name.rpartition("/")[2].lower()
        return any(fnmatch(last, pattern) for pattern in patterns)


class Folder(Protocol):
    """What lies at a location, local or in an object store."""

    @property
    def location(self) -> str:
        """The path or URL."""
        ...

    def files(self) -> list[ExportedFile]:
        """Every file below the location, by name; hidden ones left out."""
        ...

    def fetch(self, file: ExportedFile) -> Path:
        """A local path with the file's bytes, valid while the folder is open."""
        ...


@dataclass(frozen=True)
class LocalFolder:
    """A folder or one file of this machine."""

    location: str

    def files(self) -> list[ExportedFile]:
        """Every file below the location, by name; links are followed, hidden ones left out.

        Raises:
            ConfigError: a link leads nowhere, or a folder cannot be read.
        """
        root = Path(self.location)
        if root.is_file():
            return [_local(root, root.name)]
        return [_local(path, path.relative_to(root).as_posix()) for path in sorted(_below(root, set()))]

    def fetch(self, file: ExportedFile) -> Path:
        """The file itself."""
        root = Path(self.location)
        return root if root.is_file() else root / file.name


def _below(folder: Path, seen: set[Path]) -> Generator[Path]:
    """The files below a folder; a folder that several links lead to is read once."""
    if (place := folder.resolve()) in seen:
        return
    seen.add(place)
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise ConfigError(f"{folder} cannot be read: {error.strerror}.", "Give read access to it.") from error
    for path in paths:
        if path.name.startswith("."):
            continue
        if path.is_symlink() and not path.exists():
            raise ConfigError(
                f"{path} is a link to {path.readlink()}, where nothing is.", "Mend the link, or remove it."
            )
        if path.is_dir():
            yield from _below(path, seen)
        elif path.is_file():
            yield path


def _local(path: Path, name: str) -> ExportedFile:
    status = path.stat()
    return ExportedFile(name, status.st_size, f"{status.st_size}-{status.st_mtime_ns}")


@contextmanager
def open_folder(location: str, settings: Settings) -> Generator[Folder]:
    """The files at `location` while the block runs.

    Args:
        location: a path, `s3://bucket/prefix`, `gs://bucket/prefix`, `az://container/prefix` or a blob's https URL.

    Raises:
        ConfigError: nothing is there, or the scheme is unknown.
        EmptyAnswer: the folder holds no file.
        PermissionDenied, CredentialExpired, Unreachable: the object store said so.
    """
    scheme, is_url, _ = location.partition("://")
    if is_url and scheme not in _STORES:
        known = ", ".join(f"{name}://" for name in _STORES)
        raise ConfigError(
            f"--path {location}: {scheme}:// cannot be read.", f"Give a folder, a file, or one of {known}."
        )
    if not is_url and not Path(location).exists():
        raise ConfigError(f"--path {location}: there is no such file or folder.", "Check the path.")
    with tempfile.TemporaryDirectory(prefix="inferledger-") as scratch:
        # `logs/` and `./logs` are one place: logs land under its name
        folder: Folder = LocalFolder(str(Path(location)))
        if is_url:
            folder = cast(Folder, import_module(_STORES[scheme]).open_url(location, settings, Path(scratch)))
        if not folder.files():
            raise EmptyAnswer(f"--path {location}: there is no file in it.", "Check the path or prefix.")
        yield folder


@dataclass(frozen=True)
class FileKind:
    """A kind of exported file, known by its columns.

    Attributes:
        name: as people call it, e.g. ``Cost and Usage Report 2.0``.
        columns: what a file must have to be of this kind; letter case counts only where `any_case` is false.
        any_case: whether column names are compared without letter case.
    """

    name: str
    columns: tuple[str, ...]
    any_case: bool = False

    def missing(self, found: Sequence[str]) -> list[str]:
        """The columns of this kind that are not among `found`."""
        names = {name.lower() for name in found} if self.any_case else set(found)
        return [name for name in self.columns if (name.lower() if self.any_case else name) not in names]


def recognise(name: str, columns: Sequence[str], kinds: Sequence[FileKind]) -> FileKind:
    """The kind of a file by its columns, the first of `kinds` that fits.

    Raises:
        SchemaChanged: none fits; names the nearest kind and the columns that are missing for it.
    """
    for kind in kinds:
        if not kind.missing(columns):
            return kind
    nearest = min(kinds, key=lambda kind: len(kind.missing(columns)) / len(kind.columns))
    missing = nearest.missing(columns)
    told = ", ".join(missing[:8]) + (f" and {len(missing) - 8} more" if len(missing) > 8 else "")
    if len(missing) == len(nearest.columns):
        known = ", ".join(dict.fromkeys(kind.name for kind in kinds))
        raise SchemaChanged(
            f"{name} is none of: {known}; its columns are {', '.join(columns[:8])}.", "Give another file."
        )
    error = SchemaChanged(
        f"{name} looks like {nearest.name}, but these columns are missing: {told}.",
        "Export them as well, or give another file.",
    )
    error.is_near = len(missing) * 2 < len(nearest.columns)
    raise error
