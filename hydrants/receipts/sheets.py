"""The sender's sheets: which row holds the headings, and which columns are an earlier answer of ours."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from hydrants.formats.cells import GEOMETRY_COLUMNS
from hydrants.receipts import rows
from hydrants.receipts.rows import Kind
from hydrants.reference.answers import ANSWER_COLUMNS, answers_start
from hydrants.reference.profile import Profile
from hydrants.store.tables import ledger, raw_row, rows_of

_HEAD_ROWS = 30
"""Headings stand among this many first rows with text."""

_BEHIND = re.compile(r"\s*[(\[].*", re.DOTALL)

Cells = list[str | None]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet that holds data rows, as its sender made it.

    Args:
        name: empty for formats without sheets.
        titles: the sender's own headings as reasons name them, as many as the longest row has cells;
            those of an earlier receipt left out.
        headings: the same as people read them.
        units: the row of units right below the headings, if there is one.
        answers_at: where the columns of an earlier receipt stand in the cells; None without them.
        kinds: how many rows there are of each kind.
    """

    number: int
    name: str
    titles: Cells
    headings: Cells
    units: Cells | None
    answers_at: int | None
    kinds: dict[Kind, int]

    def own(self, cells: Cells) -> Cells:
        """The sender's own cells of a row, without the columns of an earlier receipt."""
        return _own(cells, self.answers_at)


def sheet(connection: sa.Connection, row: Any, kinds: dict[Kind, int], profile: Profile) -> Sheet:
    """A sheet with data rows.

    Args:
        row: of `raw_sheet`.
        kinds: how many rows there are of each kind.
    """
    if row.columns is not None:
        titles, units = list(row.columns), None
    else:
        titles, units = _found_headings(connection, row.upload_id, row.sheet_number, profile)
    answers_at = answers_start(titles)
    longest = rows.width(connection, row.upload_id, row.sheet_number)
    titles = _own(titles + [None] * (longest - len(titles)), answers_at)
    return Sheet(
        number=row.sheet_number,
        name=row.sheet,
        titles=titles,
        headings=[_shown(title, row.crs) for title in titles],
        units=units and _own(units, answers_at),
        answers_at=answers_at,
        kinds=kinds,
    )


def _found_headings(
    connection: sa.Connection, upload_id: int, sheet_number: int, profile: Profile
) -> tuple[Cells, Cells | None]:
    """The row of headings that validation went by, and the row of units below it.

    Of the first rows that are no data, the one with most headings that the profile knows, as there.
    """
    query = (
        sa.select(raw_row.c.row_id, raw_row.c.cells, ledger.c.disposition)
        .join_from(raw_row, ledger, ledger.c.row_id == raw_row.c.row_id)
        .where(
            rows_of(raw_row, [upload_id]),
            rows_of(ledger, [upload_id]),
            raw_row.c.sheet_number == sheet_number,
        )
        .order_by(raw_row.c.row_id)
        .limit(_HEAD_ROWS + 1)
    )
    head = connection.execute(query).all()
    titles = [index for index, row in enumerate(head[:_HEAD_ROWS]) if row.disposition == "heading"]
    if not titles:
        return [], None
    at = max(titles, key=lambda index: (_known(head[index].cells, profile), -index))
    below = head[at + 1] if at + 1 < len(head) else None
    is_units = below is not None and below.disposition == "heading" and below.cells != head[at].cells
    return list(head[at].cells), list(below.cells) if below is not None and is_units else None


def _known(cells: Cells, profile: Profile) -> int:
    """How many headings the profile knows; a group in front ("controle/") and a unit behind do not count."""
    bare = (_BEHIND.sub("", text.rsplit("/", 1)[-1]) for text in cells if text)
    return sum(profile.fields.get(text) is not None for text in bare)


def _own(cells: Cells, answers_at: int | None) -> Cells:
    if answers_at is None:
        return cells
    return cells[:answers_at] + cells[answers_at + len(ANSWER_COLUMNS) :]


def _shown(title: str | None, crs: str | None) -> str | None:
    """A heading as people read it: the coordinates of a point have none of their own."""
    if title not in GEOMETRY_COLUMNS:
        return title
    name = title.removeprefix("@").upper()
    return f"{name} ({crs})" if crs else name
