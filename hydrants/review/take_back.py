"""Decisions taken over from a workbook that a person filled in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree.ElementTree import ParseError

import openpyxl
import sqlalchemy as sa
from openpyxl.utils.exceptions import InvalidFileException

from hydrants import journal, store
from hydrants.errors import UploadRejected
from hydrants.formats import archive
from hydrants.review.decisions import KINDS, TURN, on_rows, put
from hydrants.review.hand_out import DECISION, KEY, NEW, NOTE, SHEET
from hydrants.store import tables

# openpyxl raises whatever it stumbles over when a part of the package is missing or malformed
_DAMAGE = (
    *archive.DAMAGE,
    InvalidFileException,
    ParseError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
)
_UNKNOWN_ROW_NL = "deze rij is niet gekend: de verborgen kolom 'sha256', 'Blad' of 'Rij' is gewijzigd"
_ROW_NUMBER = re.compile(r"([0-9]{1,9})(?:[.,]0+)?")  # a program that saves a workbook may make 5.0 of 5


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


class _Answer(NamedTuple):
    hydrant_id: str | None  # None: not in the register
    refused_nl: str | None = None


class _Line(NamedTuple):
    number: int  # of the workbook
    key: _Key
    answer: _Answer
    note: str


class _Given(NamedTuple):
    """A decision as the workbook has it."""

    key: _Key
    target_row_id: int
    hydrant_id: str | None  # None: not in the register
    note: str | None


def import_(engine: sa.Engine, landing: Path, path: Path) -> ReviewCounts:
    """Take over the decisions of a workbook that `export` wrote and a person filled in.

    Every decision that can be understood is taken over; the others are named in the result. The same
    decision again changes nothing; another one replaces what held of the row and of those that repeat it.
    Two answers for one row decide nothing.

    Args:
        landing: folder that has the journal.
        path: the workbook.

    Raises:
        UploadRejected: if the file is no such workbook.
    """
    lines = list(_lines(path))  # before the turn: nobody waits while a file is read
    journal.catch_up(engine, landing, KINDS)
    with store.write(engine, turn=TURN) as connection:
        given, refused, undecided = _understood(connection, lines)
        held: dict[int, dict[int, str | None]] = {}
        for row in on_rows(connection).to_dict("records"):
            if row["target_row_id"] is not None:
                held.setdefault(int(row["target_row_id"]), {})[row["decision_id"]] = row["hydrant_id"]
        new, replaced, changed, unchanged = [], list[int](), 0, 0
        for decision in given:
            before = held.get(decision.target_row_id, {})
            if before and set(before.values()) == {decision.hydrant_id}:
                unchanged += 1
                continue
            if before:
                replaced += before
                changed += 1
            answer = {
                "verdict": "new" if decision.hydrant_id is None else "linked",
                "hydrant_id": decision.hydrant_id,
                "note": decision.note,
            }
            new.append({**decision.key._asdict(), **answer})
        put(connection, landing, new, replaced)
    return ReviewCounts(len(new) - changed, changed, unchanged, undecided, tuple(refused))


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Row number in the workbook and the cells by header.

    Raises:
        UploadRejected: as `import_`.
    """
    try:
        workbook = openpyxl.load_workbook(path, read_only=True, data_only=True)
        try:
            yield from _lines_of(workbook, path.name)
        finally:
            workbook.close()
    except _DAMAGE as error:
        raise UploadRejected(
            f"{path.name} is geen Excel-bestand (.xlsx) dat te openen is, of het is beschadigd. Open het in "
            f"Excel, bewaar het opnieuw en lees het nog eens in. ({type(error).__name__}: {error})"
        ) from error


def _lines_of(workbook: openpyxl.Workbook, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    if SHEET not in workbook.sheetnames:
        raise UploadRejected(
            f"{name} heeft geen blad '{SHEET}': gebruik het bestand zoals het werd uitgestuurd."
        )
    rows = workbook[SHEET].iter_rows(values_only=True)
    header = [str(cell) if cell is not None else "" for cell in next(rows, ())]
    missing = [column for column in (*KEY, DECISION) if column not in header]
    if missing:
        raise UploadRejected(
            f"{name} mist de kolom '{missing[0]}': gebruik het bestand zoals het werd uitgestuurd."
        )
    for number, cells in enumerate(rows, start=2):
        if any(cell is not None for cell in cells):
            yield number, dict(zip(header, cells, strict=False))


def _understood(
    connection: sa.Connection, lines: list[tuple[int, dict[str, Any]]]
) -> tuple[list[_Given], list[Refused], int]:
    """The decisions among the lines, those that are not understood, and how many lines have none."""
    filled = [(number, line) for number, line in lines if _text(line.get(DECISION))]
    answers = _answers(connection, {_text(line[DECISION]) for _, line in filled})
    targets = _targets(connection, {_text(line["sha256"]) for _, line in filled})
    refused: list[Refused] = []
    of_record: dict[int, list[_Line]] = {}
    for number, line in filled:
        key = _key(line)
        if key is None or key not in targets:
            refused.append(Refused(number, _UNKNOWN_ROW_NL))
            continue
        answer, note = answers[_text(line[DECISION])], _text(line.get(NOTE))
        of_record.setdefault(targets[key], []).append(_Line(number, key, answer, note))
    given = []
    for target_row_id, twins in of_record.items():
        first = twins[0]
        if first.answer.refused_nl is None and all(twin.answer == first.answer for twin in twins):
            note = "; ".join(dict.fromkeys(twin.note for twin in twins if twin.note))
            given.append(_Given(first.key, target_row_id, first.answer.hydrant_id, note or None))
            continue
        for twin in twins:
            others = ", ".join(str(other.number) for other in twins if other.answer != twin.answer)
            twin_nl = f"deze rij staat er ook op rij {others}, met een ander antwoord: geen ervan telt"
            refused.append(Refused(twin.number, twin.answer.refused_nl or twin_nl))
    return given, sorted(refused), len(lines) - len(filled)


def _text(cell: Any) -> str:
    return "" if cell is None else str(cell).strip()


def _key(line: dict[str, Any]) -> _Key | None:
    row_number = _ROW_NUMBER.fullmatch(_text(line["Rij"]))
    sheet = "" if line["Blad"] is None else str(line["Blad"])
    return _Key(_text(line["sha256"]), sheet, int(row_number[1])) if row_number else None


def _answers(connection: sa.Connection, texts: set[str]) -> dict[str, _Answer]:
    """What each text says: a hydrant that is registered, `NEW`, or nothing that can be taken over."""
    hydrant_id, state = tables.hydrant.c.hydrant_id, tables.hydrant_state.c
    is_registered = sa.exists().where(state.hydrant_id == hydrant_id, state.to_version_id.is_(None))
    query = sa.select(hydrant_id, is_registered).where(
        sa.func.upper(hydrant_id).in_({text.upper() for text in texts})
    )
    by_capitals: dict[str, dict[str, bool]] = {}
    for found, is_there in connection.execute(query):
        by_capitals.setdefault(found.upper(), {})[found] = bool(is_there)
    return {text: _answer(text, by_capitals.get(text.upper(), {})) for text in texts}


def _answer(text: str, known: dict[str, bool]) -> _Answer:
    if text.casefold() == NEW:
        return _Answer(None)
    # ids may differ by their case only: the one that is written exactly so is meant
    meant = {text: known[text]} if text in known else known
    registered = sorted(found for found, is_there in meant.items() if is_there)
    if len(registered) == 1:
        return _Answer(registered[0])
    if registered:
        spellings = " of ".join(registered)
        return _Answer(None, f"brandkraan '{text}' kan {spellings} zijn: schrijf de hoofdletters zoals daar")
    if known:
        return _Answer(
            None, f"brandkraan '{text}' staat niet meer in het register: kies een andere, of '{NEW}'"
        )
    return _Answer(None, f"brandkraan '{text}' staat niet in het register")


def _targets(connection: sa.Connection, hashes: set[str]) -> dict[_Key, int]:
    """The row of the record that each row of these files is about: its own, or the one that it repeats."""
    raw_row, sheet, upload, ledger = tables.raw_row.c, tables.raw_sheet.c, tables.upload.c, tables.ledger.c
    target = sa.func.coalesce(ledger.duplicate_of_row_id, raw_row.row_id)
    query = (
        sa.select(upload.sha256, sheet.sheet, raw_row.row_number, target)
        .join(tables.raw_row, tables.is_of_upload(tables.raw_row, upload.upload_id))
        .join(
            tables.raw_sheet,
            sa.and_(sheet.upload_id == raw_row.upload_id, sheet.sheet_number == raw_row.sheet_number),
        )
        .outerjoin(tables.ledger, ledger.row_id == raw_row.row_id)
        .where(upload.sha256.in_(hashes))
        .order_by(raw_row.row_id.desc())  # of sheets that are namesakes, the first
    )
    return {_Key(sha256, name, number): row_id for sha256, name, number, row_id in connection.execute(query)}
