"""A frame as PostgreSQL's binary COPY wants it, column by column: in half the time of row by row.

Each row of that format is a number of fields, and each field its length in bytes and then its value, all with
the highest byte first; -1 for a length is NULL (PostgreSQL's documentation of COPY, "Binary Format"). Fields
that are as long in each row are laid out together by numpy, for many rows at once; the others are looked up,
for texts repeat themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from struct import pack
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, np.dtype[Any]]

HEAD = b"PGCOPY\n\xff\r\n\0" + pack(">ii", 0, 0)
TAIL = pack(">h", -1)
_NULL = pack(">i", -1)
_NOTHING = pack(">i", 2) + b"[]"  # what most lists say
_ROWS_PER_BLOCK = 20_000
_TEXTS_REMEMBERED = 50_000
_FIRST_DAY = "2000-01-01"

Column = sa.Column[Any] | sa.Label[Any]
Pieces = list[bytes]
"""A piece of each row: one field, or several."""


def in_order(frame: pd.DataFrame, table: sa.Table) -> list[sa.Column[Any]]:
    """The columns of a frame in the order in which they are best sent: those as long in each row together."""
    columns = [table.c[str(name)] for name in frame.columns]
    fixed = [column for column in columns if _layout(column.type) is not None]
    has_gaps = {column: 0 < frame[column.name].isna().sum() < len(frame) for column in fixed}
    return sorted(columns, key=lambda column: (column not in has_gaps, has_gaps.get(column, False)))


def blocks(
    frame: pd.DataFrame, columns: Sequence[Column], json_text: Callable[[Any], str]
) -> Iterator[bytes]:
    """The bytes of a frame, some thousands of rows at a time.

    Args:
        frame: has these columns; missing values become NULL.
        json_text: how a value of a JSON column is written.
    """
    yield HEAD
    yield from rows_only(frame, columns, json_text)
    yield TAIL


def rows_only(
    frame: pd.DataFrame, columns: Sequence[Column], json_text: Callable[[Any], str]
) -> Iterator[bytes]:
    """The same without what stands before the first row and after the last."""
    texts = [_Texts() for _ in columns]
    for first in range(0, len(frame), _ROWS_PER_BLOCK):
        block = frame.iloc[first : first + _ROWS_PER_BLOCK]
        yield b"".join(chain.from_iterable(zip(*_pieces(block, columns, json_text, texts), strict=True)))


@dataclass(frozen=True)
class _Fixed:
    """Fields that are as long in each row, next to each other.

    Attributes:
        arrays: of each field its lengths and its values.
        is_missing: the rows in which all these fields are missing, and of which the arrays have nothing.
    """

    arrays: tuple[Array, ...]
    is_missing: Array | None = None

    def joined(self, other: _Fixed) -> _Fixed | None:
        """With the fields that follow, if they are missing in the same rows."""
        import numpy as np

        mine, theirs = self.is_missing, other.is_missing
        if mine is not None and theirs is not None and np.array_equal(mine, theirs):
            theirs = mine
        return _Fixed(self.arrays + other.arrays, mine) if mine is theirs else None

    def pieces(self) -> Pieces:
        """Row by row the bytes of all fields."""
        import numpy as np

        if self.is_missing is None:
            return _side_by_side(self.arrays)
        laid_out = np.full(len(self.is_missing), _NULL * (len(self.arrays) // 2), dtype=object)
        laid_out[~self.is_missing] = _side_by_side(self.arrays)
        pieces: Pieces = laid_out.tolist()
        return pieces


def _pieces(
    block: pd.DataFrame, columns: Sequence[Column], json_text: Callable[[Any], str], texts: Sequence[_Texts]
) -> Iterator[Pieces]:
    """The rows of a block, cut from top to bottom into as few pieces as can be."""
    import numpy as np

    before: _Fixed | None = _Fixed((np.full(len(block), len(columns), ">i2"),))
    for column, own in zip(columns, texts, strict=True):
        field = _field_of(block[column.name], column.type, json_text, own)
        if isinstance(field, _Fixed):
            if before and (both := before.joined(field)):
                before = both
                continue
            if before:
                yield before.pieces()
            before = field
            continue
        if before:
            yield before.pieces()
        before = None
        yield field
    if before:
        yield before.pieces()


def _field_of(
    values: pd.Series[Any], kind: sa.types.TypeEngine[Any], json_text: Callable[[Any], str], texts: _Texts
) -> _Fixed | Pieces:
    """The field of a column in each row: as arrays where all are as long, else in pieces."""
    import numpy as np

    layout = _layout(kind)
    if layout is None and not isinstance(kind, sa.JSON):
        return list(map(texts.__getitem__, values.tolist()))
    is_missing = values.isna().to_numpy()
    if is_missing.all():
        return _Fixed((np.full(len(values), -1, ">i4"),))
    if layout is None:
        return _json_texts(values.tolist(), is_missing, json_text)
    if is_missing.any():
        return _Fixed(_with_lengths(layout(values.to_numpy()[~is_missing])), is_missing)
    return _Fixed(_with_lengths(layout(values.to_numpy())))


def _layout(kind: sa.types.TypeEngine[Any]) -> Callable[[Array], Array] | None:
    """How values of a type become an array as the format has them; None where their length varies."""
    if isinstance(kind, sa.DateTime):
        return lambda values: _since_first_day(values, "us").astype(">i8")
    if isinstance(kind, sa.Date):
        return lambda values: _since_first_day(values, "D").astype(">i4")
    known = ((sa.BigInteger, ">i8"), (sa.Integer, ">i4"), (sa.Float, ">f8"), (sa.Boolean, ">i1"))
    for one, name in known:
        if isinstance(kind, one):
            return lambda values: values.astype(name)
    return None


def _since_first_day(values: Array, unit: str) -> Array:
    """Days ("D") or microseconds ("us") since the day that PostgreSQL counts from; moments are in UTC."""
    import numpy as np
    import pandas as pd

    moments = pd.to_datetime(pd.Series(values), utc=True).dt.tz_localize(None)
    counted: Array = (moments - pd.Timestamp(_FIRST_DAY)).to_numpy().astype(f"timedelta64[{unit}]")
    return counted.astype(np.int64)


def _with_lengths(values: Array) -> tuple[Array, ...]:
    import numpy as np

    return np.full(len(values), values.dtype.itemsize, ">i4"), values


def _side_by_side(arrays: Sequence[Array]) -> Pieces:
    """Row by row the bytes of arrays of one length."""
    import numpy as np

    laid_out = np.empty(len(arrays[0]), [(str(place), array.dtype) for place, array in enumerate(arrays)])
    for place, array in enumerate(arrays):
        laid_out[str(place)] = array
    pieces: Pieces = laid_out.view(f"V{laid_out.dtype.itemsize}").tolist()
    return pieces


class _Texts(dict[Any, bytes]):
    """The field of each text of a column, found once: texts repeat themselves."""

    def __missing__(self, value: Any) -> bytes:
        if isinstance(value, str | bytes):
            field = _field(value if isinstance(value, bytes) else value.encode())
            if len(self) >= _TEXTS_REMEMBERED:
                self.clear()
            self[value] = field
            return field
        return _NULL


def _json_texts(values: list[Any], is_missing: Array, json_text: Callable[[Any], str]) -> Pieces:
    if is_missing.any():
        return [
            _NULL if missing else _field(json_text(value).encode())
            for value, missing in zip(values, is_missing.tolist(), strict=True)
        ]
    return [_NOTHING if value == [] else _field(json_text(value).encode()) for value in values]


def _field(value: bytes) -> bytes:
    return pack(">i", len(value)) + value
