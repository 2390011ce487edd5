"""Decisions taken over from a workbook that a person filled in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import openpyxl
import sqlalchemy as sa
from openpyxl.utils.exceptions import InvalidFileException

from hydrants import store
from hydrants.errors import UploadRejected
from hydrants.review.decisions import TURN, active_query, revoke_within
from hydrants.review.hand_out import DECISION, KEY, NEW, NOTE, SHEET
from hydrants.store import tables


class Refused(NamedTuple):
    """A decision that could not be taken over: row of the workbook, and why, in Dutch."""

    row: int
    message_nl: str


class ReviewCounts(NamedTuple):
    """What an import did with the rows of a workbook."""

    decided: int
    changed: int
    unchanged: int
    undecided: int
    errors: tuple[Refused, ...]


class _Key(NamedTuple):
    sha256: str
    sheet: str
    row_number: int


class _Given(NamedTuple):
    """A decision as the workbook has it."""

    row: int  # of the workbook
    key: _Key
    hydrant_id: str | None  # None: not in the register
    note: str | None


def import_(engine: sa.Engine, path: Path) -> ReviewCounts:
    """Take over the decisions of a workbook that `export` wrote and a person filled in.

    Every decision that can be understood is taken over; the others are named in the result.
    The same decision again changes nothing, another one replaces the one that held.

    Raises:
        UploadRejected: if the file is no such workbook.
    """
    with store.write(engine, turn=TURN) as connection:
        given, refused, undecided = _understood(connection, list(_lines(path)))
        rows = connection.execute(active_query()).mappings()
        held = {_Key(row["sha256"], row["sheet"], row["row_number"]): row for row in rows}
        new, changed, unchanged = [], 0, 0
        for decision in given:
            answer = {
                "verdict": "new" if decision.hydrant_id is None else "linked",
                "hydrant_id": decision.hydrant_id,
            }
            before = held.get(decision.key)
            if before is not None and answer == {name: before[name] for name in answer}:
                unchanged += 1
                continue
            if before is not None:
                changed += revoke_within(connection, [before["decision_id"]])
            moment = {"note": decision.note, "decided_at": store.utc_now()}
            new.append({**decision.key._asdict(), **answer, **moment})
        store.insert_rows(connection, tables.decision, new)
    return ReviewCounts(len(new) - changed, changed, unchanged, undecided, tuple(refused))


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Row number in the workbook and the cells by header."""
    try:
        workbook = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (BadZipFile, InvalidFileException, KeyError, OSError) as error:
        raise UploadRejected(
            f"{path.name} is geen Excel-bestand (.xlsx) dat te openen is: {error}"
        ) from error
    try:
        if SHEET not in workbook.sheetnames:
            raise UploadRejected(
                f"{path.name} heeft geen blad '{SHEET}': gebruik het bestand zoals het werd uitgestuurd."
            )
        rows = workbook[SHEET].iter_rows(values_only=True)
        header = [str(cell) if cell is not None else "" for cell in next(rows, ())]
        missing = [name for name in (*KEY, DECISION) if name not in header]
        if missing:
            raise UploadRejected(
                f"{path.name} mist de kolom '{missing[0]}': gebruik het bestand zoals het werd uitgestuurd."
            )
        for number, cells in enumerate(rows, start=2):
            if any(cell is not None for cell in cells):
                yield number, dict(zip(header, cells, strict=False))
    finally:
        workbook.close()


def _understood(
    connection: sa.Connection, lines: list[tuple[int, dict[str, Any]]]
) -> tuple[list[_Given], list[Refused], int]:
    """The decisions among the lines, those that are not understood, and how many lines have none."""
    filled = [(number, line) for number, line in lines if _text(line.get(DECISION))]
    hydrants = _hydrants(connection, {_text(line[DECISION]) for _, line in filled})
    rows = _known_rows(connection, {_text(line["sha256"]) for _, line in filled})
    given: dict[_Key, _Given] = {}
    refused = []
    for number, line in filled:
        answer, key = _text(line[DECISION]), _key(line)
        if key not in rows:
            message = "deze rij is niet gekend: de verborgen kolom 'sha256', 'Blad' of 'Rij' is gewijzigd"
        elif answer.casefold() != NEW and answer.upper() not in hydrants:
            message = f"brandkraan '{answer}' staat niet in het register"
        elif answer.casefold() != NEW and not hydrants[answer.upper()].is_registered:
            message = f"brandkraan '{answer}' staat niet meer in het register: kies een andere, of '{NEW}'"
        elif key in given:
            message = f"deze rij staat er tweemaal in, ook op rij {given[key].row}"
        else:
            hydrant_id = None if answer.casefold() == NEW else hydrants[answer.upper()].hydrant_id
            given[key] = _Given(number, key, hydrant_id, _text(line.get(NOTE)) or None)
            continue
        refused.append(Refused(number, message))
    return list(given.values()), refused, len(lines) - len(filled)


def _text(cell: Any) -> str:
    return "" if cell is None else str(cell).strip()


def _key(line: dict[str, Any]) -> _Key | None:
    row_number = _text(line["Rij"])
    sheet = "" if line["Blad"] is None else str(line["Blad"])
    return _Key(_text(line["sha256"]), sheet, int(row_number)) if row_number.isdecimal() else None


class _Hydrant(NamedTuple):
    hydrant_id: str
    is_registered: bool  # and not only once


def _hydrants(connection: sa.Connection, answers: set[str]) -> dict[str, _Hydrant]:
    """The hydrants that were ever registered among the answers, by the capitals of their id."""
    hydrant_id, state = tables.hydrant.c.hydrant_id, tables.hydrant_state.c
    is_registered = sa.exists().where(state.hydrant_id == hydrant_id, state.to_version_id.is_(None))
    query = sa.select(hydrant_id, is_registered).where(
        sa.func.upper(hydrant_id).in_({answer.upper() for answer in answers})
    )
    return {found.upper(): _Hydrant(found, bool(is_there)) for found, is_there in connection.execute(query)}


def _known_rows(connection: sa.Connection, hashes: set[str]) -> set[_Key]:
    raw_row, sheet, upload = tables.raw_row.c, tables.raw_sheet.c, tables.upload.c
    query = (
        sa.select(upload.sha256, sheet.sheet, raw_row.row_number)
        .join(tables.raw_row, raw_row.upload_id == upload.upload_id)
        .join(
            tables.raw_sheet,
            sa.and_(sheet.upload_id == raw_row.upload_id, sheet.sheet_number == raw_row.sheet_number),
        )
        .where(upload.sha256.in_(hashes))
    )
    return {_Key(*row) for row in connection.execute(query)}
