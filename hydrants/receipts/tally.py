"""The reasons of an upload's rows, counted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from hydrants.receipts.rows import Kind, Reason


class Group(NamedTuple):
    """Reasons of one code in one column: how many rows have it, and the message of the first."""

    kind: Kind
    code: str
    column: str | None
    rows: int
    example: str


@dataclass(slots=True)
class Tally:
    """Counts reasons; as many entries as there are codes and columns, however many rows."""

    _found: dict[tuple[Kind, str, str | None], Group] = field(default_factory=dict)

    def add(self, kind: Kind, reasons: list[Reason]) -> None:
        """Count the reasons of one row, each code and column once."""
        for key, reason in {(kind, one["code"], one["column"]): one for one in reversed(reasons)}.items():
            known = self._found.get(key)
            self._found[key] = (
                known._replace(rows=known.rows + 1) if known else Group(*key, 1, reason["message"])
            )

    def groups(self) -> list[Group]:
        """Refused before remarked, the most frequent first."""
        order = list(Kind)
        return sorted(
            self._found.values(),
            key=lambda one: (order.index(one.kind), -one.rows, one.code, one.column or ""),
        )
