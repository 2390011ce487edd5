"""A row by its file and number, judged again so that it can be explained; and what was learned."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

import sqlalchemy as sa

from hydrants.errors import NotFound
from hydrants.matching.explaining import Explanation, explanations
from hydrants.matching.parameters import Parameters
from hydrants.matching.stage import STAGE, examine
from hydrants.settings import Settings
from hydrants.store.tables import is_of_upload, ledger, raw_row, raw_sheet, stage_state, upload

Point = tuple[float, float]


@dataclass(frozen=True)
class Judged:
    """A row and what was made of it.

    Attributes:
        file, sheet, row: where it stands.
        verdict: linked, review, new or unlocated; or what the ledger says of a row that is no record.
        summary: the same in a sentence.
        position, address: EPSG:31370 metres; None where unknown.
        parameters: those of its batch.
        found: every explanation, the likeliest first; empty for a row that is no record.
    """

    file: str
    sheet: str
    row: int
    verdict: str
    summary: str
    position: Point | None
    address: Point | None
    parameters: Parameters
    found: list[Explanation]

    def as_dict(self) -> dict[str, Any]:
        """For a program."""
        return asdict(self)


def judged(connection: sa.Connection, settings: Settings, file: str, row: int, sheet: str | None) -> Judged:
    """Judge a row as the night does.

    Args:
        file: firm/gemeente/file name.
        row: number of the row in its sheet.
        sheet: needed when several sheets of the file have such a row.

    Raises:
        NotFound: if there is no such row, or several.
    """
    one = _row(connection, file, row, sheet)
    if one.disposition not in ("accepted", "duplicate"):
        codes = ", ".join(reason["code"] for reason in one.reasons or [])
        said = f"{one.disposition}: {codes}" if codes else str(one.disposition)
        return Judged(file, one.sheet, row, str(one.disposition), said, None, None, Parameters(), [])
    asked = one.duplicate_of_row_id or one.row_id
    contractor, nis = _batch_of(connection, asked)
    examined = examine(connection, settings, contractor, nis)
    records, linked = examined.records, examined.linked
    places = records.index[records["row_id"] == asked]
    if not len(places):
        raise NotFound(f"row {row} of {file} was not matched yet: the next night does")
    at = int(places[0])
    stored = examined.rows.loc[at]
    found = explanations(records, examined.hydrants, linked, at)
    said = str(stored["verdict"])
    if isinstance(stored["match_method"], str):
        said += f" by {stored['match_method']}"
    if isinstance(stored["hydrant_id"], str):
        said += f" to {stored['hydrant_id']}"
    if linked.doubts[at]:
        said += f": {linked.doubts[at]}"
    if one.duplicate_of_row_id:
        said += "; repeats another row, which is explained here"
    return Judged(
        file,
        one.sheet,
        row,
        str(stored["verdict"]),
        said,
        _point(records.loc[at, ["x", "y"]]),
        _point(records.loc[at, ["address_x", "address_y"]]),
        linked.parameters,
        found,
    )


def _batch_of(connection: sa.Connection, row_id: int) -> tuple[str, str]:
    """The batch of a row: a duplicate may repeat a row of another gemeente's folder."""
    query = (
        sa.select(upload.c.contractor, upload.c.nis)
        .join(raw_row, raw_row.c.upload_id == upload.c.upload_id)
        .where(raw_row.c.row_id == row_id)
    )
    contractor, nis = connection.execute(query).one()
    return contractor, nis


def _row(connection: sa.Connection, file: str, row: int, sheet: str | None) -> sa.Row[Any]:
    name = upload.c.contractor + "/" + upload.c.nis + "/" + upload.c.file_name
    is_its_sheet = sa.and_(
        raw_sheet.c.upload_id == raw_row.c.upload_id, raw_sheet.c.sheet_number == raw_row.c.sheet_number
    )
    query = (
        sa.select(
            raw_row.c.row_id,
            raw_row.c.upload_id,
            raw_sheet.c.sheet,
            ledger.c.disposition,
            ledger.c.duplicate_of_row_id,
            ledger.c.reasons,
        )
        .join(upload, is_of_upload(raw_row, upload.c.upload_id))
        .join(raw_sheet, is_its_sheet)
        .join(ledger, ledger.c.row_id == raw_row.c.row_id)
        .where(name == file, raw_row.c.row_number == row)
        .order_by(raw_row.c.row_id)
    )
    if sheet is not None:
        query = query.where(raw_sheet.c.sheet == sheet)
    found = connection.execute(query).all()
    if not found:
        raise NotFound(
            f"no row {row} of {file} was worked through; 'hydrants rows --csv' lists those that were"
        )
    # a file may have been replaced under its own name: the last one to come is meant
    last = max(one.upload_id for one in found)
    found = [one for one in found if one.upload_id == last]
    if len(found) > 1:
        sheets = ", ".join(repr(one.sheet) for one in found)
        raise NotFound(f"{file} has several rows {row}: say which with --sheet ({sheets})")
    return found[0]


def _point(values: Any) -> Point | None:
    x, y = (float(value) for value in values)
    return None if x != x or y != y else (x, y)


def learned(connection: sa.Connection) -> dict[tuple[str, str], Parameters]:
    """What the last run of each batch used, by firm and NIS code."""
    query = (
        sa.select(stage_state.c.scope, stage_state.c.counts)
        .where(stage_state.c.stage == STAGE)
        .order_by(stage_state.c.scope)
    )
    found = {}
    for scope, counts in connection.execute(query):
        firm, nis = scope.removeprefix("batch:").split("/")
        stored = (json.loads(counts) if isinstance(counts, str) else counts)["parameters"]
        # of an older version, as far as it has the same parameters
        names = {field.name for field in fields(Parameters)}
        found[firm, nis] = Parameters(**{name: value for name, value in stored.items() if name in names})
    return found
