"""Where configuration and dbt project are: in the installed package, or beside it in a checkout."""

from pathlib import Path

from ingest.errors import ConfigError
from ingest.settings import Settings

_PACKAGE = Path(__file__).resolve().parent


def _asset(name: str) -> Path:
    """A folder that the wheel carries under ``pipeline/assets`` and a checkout keeps at its root."""
    packed = _PACKAGE / "assets" / name
    return packed if packed.is_dir() else _PACKAGE.parent / name


def dbt_project() -> Path:
    """Folder of the dbt project."""
    return _asset("dbt")


def config_dir(settings: Settings) -> Path:
    """Folder of the configuration files: the one that was asked for, else the demo organisation's.

    Raises:
        ConfigError: the folder that was asked for does not exist.
    """
    chosen = settings.config_dir or _asset("config")
    if not chosen.is_dir():
        raise ConfigError(f"The configuration folder {chosen} does not exist.", "Give another one with --config.")
    return chosen
