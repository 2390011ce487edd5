"""The reading process: confines itself, reads one file, and answers in frames on its standard output.

`python -m hydrants.formats.child FILE REQUEST`, the request being JSON: `layer`, `limits` (fields
of `Limits`) and `parent_pid`. `hydrants.reading` starts it and trusts nothing of what it answers.
"""

from __future__ import annotations

import mimetypes
import os
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from hydrants import formats
from hydrants.errors import UploadRejected
from hydrants.formats.confinement import confine
from hydrants.formats.frames import (
    HEADER,
    MAX_PAYLOAD_BYTES,
    MAX_PHOTO_BYTES,
    MAX_ROW_CHARACTERS,
    Exit,
    Kind,
)
from hydrants.formats.limits import Limits
from hydrants.formats.sheet import Cells, Photo, Sheet, without_nul

_ROWS_PER_FRAME = 1_000
_CHARACTERS_PER_FRAME = 250_000
_MAX_REASON_CHARACTERS = 2_000


def main(path: Path, request: dict[str, Any]) -> int:
    """Read one file and answer.

    Returns:
        Exit code: 0 when the answer is whole, else one of `Exit`; whatever else goes wrong is raised.
    """
    answer = _taken_stdout()
    mimetypes.knownfiles.clear()  # the machine's own, which openpyxl's import would read
    limits = Limits(**request["limits"])
    _send(answer, Kind.READY, confine(path, limits, request["parent_pid"]))
    try:
        _read(path, request["layer"], limits, answer)
    except UploadRejected as rejection:
        _send(answer, Kind.REFUSED, rejection.reason_nl[:_MAX_REASON_CHARACTERS])
    except MemoryError:
        return Exit.OUT_OF_MEMORY
    except ImportError:
        traceback.print_exc()
        return Exit.NOT_INSTALLED
    return 0


def _taken_stdout() -> BinaryIO:
    """The standard output, which whoever prints something does not get."""
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answer


def _read(path: Path, layer: str | None, limits: Limits, answer: BinaryIO) -> None:
    file_format = formats.detect(path)
    _send(answer, Kind.FORMAT, file_format.value)
    has_sheets = False
    for found in formats.read(path, file_format, layer, limits):
        if isinstance(found, Photo):
            _send_photo(answer, found)
            continue
        has_sheets = True
        head = {name: getattr(found, name) for name in ("name", "columns", "crs", "notice_nl")}
        _send(answer, Kind.SHEET, head)
        rows = _FilledRows(found)
        for frame in rows:
            _send(answer, Kind.ROWS, frame)
        _send(answer, Kind.END, rows.blank)
    if not has_sheets:
        raise UploadRejected("Het bestand bevat geen lijst met controles. Voeg ze toe en stuur het nog eens.")
    _send(answer, Kind.DONE, None)


class _FilledRows:
    """The rows of a sheet that hold text, a frame full at a time; counts the others."""

    def __init__(self, sheet: Sheet) -> None:
        self.blank = 0
        self._sheet = sheet

    def __iter__(self) -> Iterator[tuple[list[int], list[Cells]]]:
        numbers: list[int] = []
        rows: list[Cells] = []
        characters, last = 0, None
        for number, cells in self._sheet.rows:
            if last is not None and number <= last:
                raise UploadRejected(
                    f"Rij {number} komt na rij {last}: de rijen zijn niet doorlopend genummerd. "
                    "Open het bestand, bewaar het opnieuw en stuur het nog eens."
                )
            last = number
            while cells and not cells[-1]:
                cells.pop()
            text = "".join(filter(None, cells))
            if not text or text.isspace():
                self.blank += 1
                continue
            if len(text) > MAX_ROW_CHARACTERS:
                raise UploadRejected(
                    f"Rij {number} bevat meer dan {MAX_ROW_CHARACTERS} tekens. "
                    "Kijk na wat er in die rij staat en stuur het bestand nog eens."
                )
            numbers.append(number)
            rows.append(cells)
            characters += len(text)
            if len(rows) == _ROWS_PER_FRAME or characters > _CHARACTERS_PER_FRAME:
                yield numbers, rows
                numbers, rows, characters = [], [], 0
        if rows:
            yield numbers, rows


def _send_photo(answer: BinaryIO, photo: Photo) -> None:
    jpeg, refused_because = photo.jpeg or b"", photo.refused_because
    if len(jpeg) > MAX_PHOTO_BYTES:
        jpeg, refused_because = b"", f"De foto is groter dan {MAX_PHOTO_BYTES // 1_000_000} MB."
    head = _json({"file_name": photo.file_name, "refused_because": refused_because})
    _write(answer, Kind.PHOTO, head, b"\n", jpeg)


def _send(answer: BinaryIO, kind: Kind, value: Any) -> None:
    _write(answer, kind, _json(value))


def _write(answer: BinaryIO, kind: Kind, *parts: bytes) -> None:
    length = sum(map(len, parts))
    if length > MAX_PAYLOAD_BYTES[kind]:
        raise UploadRejected(
            "Het bestand heeft een naam van een blad, kolom of foto die onwaarschijnlijk lang is. "
            "Kijk de namen na, bewaar het bestand en stuur het nog eens."
        )
    answer.write(HEADER.pack(kind.value, length))
    for part in parts:
        answer.write(part)
    answer.flush()


def _json(value: Any) -> bytes:
    try:
        text = orjson.dumps(value)
    except orjson.JSONEncodeError:
        return orjson.dumps(_storable(value))
    return orjson.dumps(_storable(value)) if b"\\u0000" in text else text


def _storable(value: Any) -> Any:
    """The value with characters in place of what no store holds: NUL, and halves of surrogate pairs."""
    match value:
        case str():
            return without_nul(value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"))
        case list() | tuple():
            return [_storable(item) for item in value]
        case dict():
            return {key: _storable(item) for key, item in value.items()}
        case _:
            return value


if __name__ == "__main__":
    code = main(Path(sys.argv[1]), orjson.loads(sys.argv[2]))
    sys.stderr.flush()
    os._exit(code)  # at once: what a large file left in memory need not be taken apart
