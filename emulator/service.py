"""What every started part of the emulator hands back."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Service:
    """A running part: `env` is what clients need to find it, `stop` ends it and frees its port."""

    env: dict[str, str]
    stop: Callable[[], None]
