"""What is read of a file, in plain values, and workbooks to read."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from hydrants import formats
from hydrants.errors import UploadRejected


def sheets_of(path: Path, layer: str | None = "controles") -> list[dict[str, Any]]:
    """Everything that is read of a file, in plain values."""
    return [
        {
            "name": sheet.name,
            "columns": sheet.columns,
            "crs": sheet.crs,
            "notice": sheet.notice_nl,
            "rows": [(number, [text or None for text in cells]) for number, cells in sheet.rows],
        }
        for sheet in formats.read(path, formats.detect(path), layer)
        if isinstance(sheet, formats.Sheet)
    ]


def photos_of(path: Path) -> list[formats.Photo]:
    """The pictures that come with a list."""
    return [found for found in formats.read(path, formats.detect(path)) if isinstance(found, formats.Photo)]


def rows_of(path: Path) -> list[tuple[int, list[str | None]]]:
    (sheet,) = sheets_of(path)
    return sheet["rows"]


def refusal_of(path: Path) -> str:
    with pytest.raises(UploadRejected) as rejection:
        sheets_of(path)
    return rejection.value.reason_nl


def workbook_bytes() -> bytes:
    book = openpyxl.Workbook()
    for number in range(200):
        book.active.append([f"rij {number}", number])
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def repacked(change: Callable[[str, bytes], bytes], extra: dict[str, bytes] | None = None) -> bytes:
    """The workbook with its parts changed, and further parts."""
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook_bytes())) as source,
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            target.writestr(name, change(name, source.read(name)))
        for name, content in (extra or {}).items():
            target.writestr(name, content)
    return stream.getvalue()


def same(_name: str, content: bytes) -> bytes:
    return content
