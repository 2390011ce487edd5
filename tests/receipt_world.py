"""Receipts of uploads to look at: as their reader opens them, and as a program does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import openpyxl
import sqlalchemy as sa

from hydrants import landing, reading, receipts, store, validation
from hydrants.reference.answers import ANSWER_COLUMNS, SUMMARY_SHEET
from hydrants.settings import Settings
from hydrants.store import tables
from tests.batches import BATCH


def answered(engine: sa.Engine, settings: Settings, batch: tuple[str, str] = BATCH) -> dict[str, int]:
    """A night as far as receipts need it; what the last of its stages counted."""
    for stage in (landing, reading, validation):
        stage.run(engine, settings, *batch)
    return receipts.run(engine, settings, *batch)


def path_of(engine: sa.Engine, settings: Settings, file_name: str, suffix: str = ".xlsx") -> Path:
    """Where the receipt of an upload lies."""
    query = sa.select(tables.receipt.c.path).join(
        tables.upload, tables.upload.c.upload_id == tables.receipt.c.upload_id
    )
    with store.read(engine) as connection:
        path = connection.execute(query.where(tables.upload.c.file_name == file_name)).scalar_one()
    return settings.site / f"{path}{suffix}"


def document_of(engine: sa.Engine, settings: Settings, file_name: str) -> dict[str, Any]:
    """The receipt for programs."""
    text = path_of(engine, settings, file_name, ".json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


class Line(NamedTuple):
    """A row of a receipt: the sender's own cells, and our answer."""

    own: dict[str, str | None]
    status: str
    why: str | None
    instead: str | None


def workbook_of(engine: sa.Engine, settings: Settings, file_name: str) -> Any:
    """The receipt for people, by another library than the one that wrote it."""
    return openpyxl.load_workbook(path_of(engine, settings, file_name))


def lines_of(book: Any, sheet: str, head_rows: int = 1) -> list[Line]:
    """The rows of one of the sender's sheets."""
    rows = [[cell.value for cell in row] for row in book[sheet].iter_rows()]
    headings = rows[0]
    assert tuple(headings[-3:]) == ANSWER_COLUMNS
    return [
        Line(dict(zip(headings[:-3], row[:-3], strict=True)), *row[-3:])
        for row in rows[head_rows:]
        if any(value is not None for value in row)
    ]


def summary_of(book: Any) -> dict[str, Any]:
    """What the first sheet says, by the label in front of it."""
    assert book.sheetnames[0] == SUMMARY_SHEET
    return {
        (row[0].value or "").strip(): row[1].value
        for row in book.worksheets[0].iter_rows(max_col=2)
        if row[1].value is not None
    }


def receipt_files(settings: Settings) -> dict[str, bytes]:
    """Everything that lies in the private folders, but for the locks."""
    folder = settings.site / "private"
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".lock"
    }
