"""The receipt for programs: the same facts as JSON, one row a line. docs/receipts.md describes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import orjson
import sqlalchemy as sa

from hydrants.receipts import rows
from hydrants.receipts.facts import Answer
from hydrants.receipts.rows import Kind, Reason, Row
from hydrants.receipts.tally import Group

SCHEMA_VERSION = 1

_FIRST_KEY = "schema_version"

_LISTED = {
    "refused_rows": Kind.REFUSED,
    "remarked_rows": Kind.REMARKED,
    "duplicate_rows": Kind.DUPLICATE,
    "sum_rows": Kind.SUM,
}
"""Rows that are listed; the others, accepted without more or held as a whole, are only counted."""


def write(path: Path, connection: sa.Connection, answer: Answer, groups: list[Group]) -> None:
    """Write the document, streaming its rows; equal facts make equal bytes.

    Args:
        groups: the reasons, counted.
    """
    sheets = {sheet.number: sheet.name for sheet in answer.sheets}
    with path.open("wb") as file:
        file.write(b"{\n")
        for key, value in _head(answer, groups).items():
            file.write(_member(key, orjson.dumps(value)))
        for key, kind in _LISTED.items():
            is_any = any(sheet.kinds[kind] for sheet in answer.sheets)
            found = rows.of_kind(connection, answer.upload.upload_id, None, kind) if is_any else ()
            _write_list(file, key, (_row(sheets[number], row) for number, row in found))
        file.write(b"\n}\n")


def _head(answer: Answer, groups: Iterable[Group]) -> dict[str, Any]:
    upload = answer.upload
    return {
        _FIRST_KEY: SCHEMA_VERSION,
        "upload": {
            "contractor": upload.contractor,
            "nis": upload.nis,
            "gemeente": answer.gemeente,
            "file_name": upload.file_name,
            "sha256": upload.sha256,
            "size_bytes": upload.size_bytes,
            "received_at": upload.landed_at.isoformat(),
            "format": answer.format,
        },
        "status": upload.status,
        "rejected_because": upload.rejected_because,
        "held_because": upload.held_because,
        "counts": answer.counts._asdict(),
        "notices": answer.notices,
        "unknown_columns": answer.unknown_columns,
        "refused_photos": [{"file_name": name, "reason": why} for name, why in answer.refused_photos],
        "reasons": [
            {
                "status": group.kind.name.lower(),
                "code": group.code,
                "column": group.column,
                "rows": group.rows,
                "example": group.example,
            }
            for group in groups
        ],
    }


def _row(sheet: str, row: Row) -> dict[str, Any]:
    place: dict[str, Any] = {"sheet": sheet, "row": row.row_number}
    if row.repeats is None:
        return {**place, "reasons": list(map(_reason, row.reasons))}
    first = row.repeats
    return {
        **place,
        "repeats": {
            "file_name": first.file_name,
            "sha256": first.sha256,
            "sheet": first.sheet,
            "row": first.row_number,
        },
    }


def _reason(reason: Reason) -> dict[str, Any]:
    return {key: reason.get(key) for key in ("code", "column", "value", "message", "suggestion")}


def _write_list(file: BinaryIO, key: str, items: Iterator[dict[str, Any]]) -> None:
    file.write(_member(key, b"["))
    separator = b"\n"
    for item in items:
        file.write(separator + orjson.dumps(item))
        separator = b",\n"
    file.write(b"]" if separator == b"\n" else b"\n]")


def _member(key: str, value: bytes) -> bytes:
    separator = b"" if key == _FIRST_KEY else b",\n"
    return separator + orjson.dumps(key) + b": " + value
