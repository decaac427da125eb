"""Names and what stands behind them, with a nearest name for a misspelt one."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Generic, TypeVar

from xraybench.core.errors import UnknownName

T = TypeVar("T")


def did_you_mean(name: str, known: list[str]) -> str:
    """The closing half of an unknown-name message: the nearest name, or the list of all when it is short."""
    if near := get_close_matches(name, known, n=1, cutoff=0.5):
        return f"Did you mean '{near[0]}'?"
    if not known:
        return "None is registered."
    listed = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
    return f"Known: {listed}."


class Registry(Generic[T]):
    """A table of names of one kind. Order of registration is the order of listing."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, T] = {}

    def add(self, name: str, value: T) -> T:
        """Register `value`; a name is given once."""
        if name in self._entries:
            raise ValueError(f"The {self.kind} '{name}' is registered twice.")
        self._entries[name] = value
        return value

    def get(self, name: str) -> T:
        """What stands behind `name`.

        Raises:
            UnknownName: With the nearest known name.
        """
        if name not in self._entries:
            raise UnknownName(f"No {self.kind} is called '{name}'. {did_you_mean(name, self.names())}")
        return self._entries[name]

    def names(self) -> list[str]:
        """All names, in order of registration."""
        return list(self._entries)

    def __iter__(self) -> Iterator[T]:
        return iter(self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries
