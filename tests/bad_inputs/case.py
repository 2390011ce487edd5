"""What a bad input is, and what is to become of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.batches import BATCH, Row, as_csv
from tests.valid_files import rows_of, workbook

COMPANY = 9
"""Sound rows before the bad ones of a file, so that it is no file of nothing but errors."""
BAD = COMPANY + 2
"""Line or row of the first bad row, below the headings and the sound rows."""


@dataclass(frozen=True)
class Refused:
    """The whole file is refused; its sender reads these words."""

    says: Sequence[str]


@dataclass(frozen=True)
class Read:
    """The file is read, and every row with text ends as one of these.

    Args:
        accepted, duplicates, headings: how many rows.
        quarantined: codes of the reasons by row number.
        flagged: codes of what is to know of rows that are accepted, by row number.
        notices: words of what the sender should know beside the rows.
        records: what the tables say of accepted rows, by row number: columns of record, location and match.
        photos: of each picture of the file, whether it is kept.
    """

    accepted: int
    duplicates: int = 0
    headings: int = 1
    quarantined: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    flagged: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    notices: Sequence[str] = ()
    records: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    photos: Mapping[str, bool] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Rows with text."""
        return self.accepted + self.duplicates + self.headings + len(self.quarantined)


@dataclass(frozen=True)
class Same:
    """The content was received before under another name: there is nothing new."""

    name: str


Expected = Refused | Read | Same


@dataclass(frozen=True)
class Published:
    """What readers are told of a hydrant."""

    status: str
    is_conflict: bool


@dataclass(frozen=True)
class Case:
    """A bad input.

    Args:
        number: of the hazard.
        slug: short name, unique.
        what: the input, for the table in the documents.
        files: what makes each file, by `name` or `firm/gemeente/name`; all are sent on one night.
        expects: what is to become of each file.
        is_placed: worked through up to matching; else up to validation.
        published: what is told of hydrants, where it comes to that.
        batch: the folder of files that name none.
        settings: settings that differ.
    """

    number: int
    slug: str
    what: str
    files: Mapping[str, Callable[[], bytes]]
    expects: Mapping[str, Expected]
    is_placed: bool = False
    published: Mapping[str, Published] = field(default_factory=dict)
    batch: tuple[str, str] = BATCH
    settings: Mapping[str, Any] = field(default_factory=dict)

    def batch_of(self, name: str) -> tuple[str, str]:
        """The folder that a file is sent to."""
        contractor, _, rest = name.partition("/")
        return (contractor, rest.partition("/")[0]) if rest else self.batch

    def path_of(self, name: str) -> str:
        """A file as `firm/gemeente/name`."""
        return "/".join([*self.batch_of(name), name.rpartition("/")[2]])

    @property
    def batches(self) -> list[tuple[str, str]]:
        """The folders that the files are sent to."""
        return sorted({self.batch_of(name) for name in self.files})


def one(
    number: int, slug: str, what: str, name: str, make: Callable[[], bytes], expects: Expected, **more: Any
) -> Case:
    """A case of a single file."""
    return Case(number, slug, what, {name: make}, {name: expects}, **more)


def row(**changes: str) -> Row:
    """A bad row: sound but for the changes. An underscore in a heading stands for a space."""
    (sound,) = rows_of(1, first=501)
    return sound | {key.replace("_", " "): text for key, text in changes.items()}


def table(*bad: Mapping[str, object]) -> list[Mapping[str, object]]:
    """Sound rows, then bad ones."""
    return [*rows_of(COMPANY), *bad]


def csv_of(*bad: Row) -> Callable[[], bytes]:
    """A CSV of sound rows, then bad ones."""
    return lambda: as_csv([*rows_of(COMPANY), *bad], above=())


def workbook_of(
    *bad: Mapping[str, object], edit: Callable[[Any], object] | None = None
) -> Callable[[], bytes]:
    """An XLSX of sound rows, then bad ones; `edit` changes the sheet."""
    return lambda: workbook(table(*bad), (lambda book: edit(book.active)) if edit else None)
