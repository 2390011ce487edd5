"""A dry run: what the night would make of an upload, column by column and reason by reason. No store.

Headings, cells and rows are judged by the code that judges them at night; here it is only told what
became of them. Memory does not grow with the file but for eight bytes a row, to find equal rows by.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import chain

import numpy as np

from hydrants.errors import UploadRejected
from hydrants.reference import units
from hydrants.reference.profile import Profile
from hydrants.validation import headings, sheets, verdict
from hydrants.validation.cells import ColumnParser
from hydrants.validation.headings import Cells, NoHeading
from hydrants.validation.reasons import SUMMARY_ROW, Reason
from hydrants.validation.rows import UploadFacts, column_parser
from hydrants.validation.sheets import SheetSorter, Sorted
from hydrants.validation.trial_report import (
    MAX_COUNTED,
    CodeReport,
    ColumnReport,
    Example,
    Report,
    SheetReport,
    UnknownColumn,
)

Chunks = Iterable[tuple[Sequence[int], Sequence[Cells]]]
"""Row numbers as the sender sees them, and the texts of those rows; blank rows left out."""


class Trial:
    """Takes an upload's sheets in order; `report` says what became of them.

    Args:
        nis: gemeente of the folder that the file would be sent to.
        earliest_on, latest_on: first and last day on which an inspection can have been.
        photos: the pictures that came along, by file name; why one is refused, or None.
        examples: how many are shown of each column and reason.
    """

    def __init__(
        self,
        profile: Profile,
        nis: str,
        earliest_on: date,
        latest_on: date,
        photos: Mapping[str, str | None],
        examples: int = 5,
    ) -> None:
        self._profile = profile
        self._days = (earliest_on, latest_on)
        self._photos = photos
        self._examples = examples
        self._report = Report(profile.contractor, nis)
        self._sorters: dict[int, SheetSorter] = {}
        self._tally = verdict.Tally()
        self._refusals, self._remarks = _Reasons(), _Reasons()
        self._hashes = array("Q")
        self._names_photos = False

    def take(
        self,
        file_format: str,
        name: str,
        columns: Cells | None,
        crs: str | None,
        notice: str | None,
        chunks: Chunks,
    ) -> None:
        """Take the next sheet with all its rows.

        Args:
            columns: its headings where the format declares them.
            crs: coordinate system that the file declares.
            notice: what reading has to say of it.

        Raises:
            UploadRejected: if the file would be refused for it.
        """
        profile, report = self._profile, SheetReport(name, notice=notice)
        self._report.format = file_format
        self._report.sheets.append(report)
        sheets.check_agreed(profile, file_format)
        family = sheets.family(file_format)
        facts = UploadFacts(
            profile.contractor, self._report.nis, family, *self._days, crs=crs, photos=self._photos
        )
        rows = iter(chunks)
        numbers, head = _head(rows)
        sorter = SheetSorter(profile, facts, name, columns, head[: headings.HEAD_ROWS])
        self._sorters[len(self._sorters)] = sorter
        watched = [
            _Watched(column, described, self._examples)
            for column, described in _describe(report, sorter, numbers, profile, facts)
        ]
        for row_numbers, cells in chain([(numbers, head)] if head else [], rows):
            found = sorter.sort(cells)
            self._count(report, found, row_numbers)
            for column in watched:
                column.look(cells, found)

    def reject(self, reason_nl: str) -> None:
        """Note that the whole file would be refused."""
        self._report.rejected_because = reason_nl

    def report(self) -> Report:
        """What became of the sheets that were taken."""
        report, tally = self._report, self._tally
        if report.rejected_because is None:
            try:
                sheets.tables(self._sorters)
            except UploadRejected as rejection:
                self.reject(rejection.reason_nl)
        accepted = tally.data - tally.refused
        report.rows, report.refused = tally.data, tally.refused
        report.duplicates = accepted - len(np.unique(np.frombuffer(self._hashes, dtype=np.uint64)))
        report.accepted = accepted - report.duplicates
        if report.rejected_because is None:
            report.held_because = verdict.held_because(tally, self._profile.expectations)
            report.notices = sheets.notices(self._sorters)
            if not tally.data:
                report.notices.insert(0, verdict.NO_INSPECTIONS)
            if self._names_photos and not self._photos and not report.held_because:
                report.notices.append(verdict.PHOTOS_ABSENT)
        report.refusals = self._refusals.most_common(self._examples)
        report.remarks = self._remarks.most_common(self._examples)
        return report

    def _count(self, report: SheetReport, found: Sorted, numbers: Sequence[int]) -> None:
        self._tally.count(found)
        report.rows += len(found.is_heading) - sum(found.is_heading)
        for position, why in found.refused.items():
            self._refusals.add(why, report.name, numbers[position])
        if found.parsed is None:
            return
        for position, why in found.parsed.remarked.items():
            self._remarks.add(why, report.name, numbers[position])
        photos = found.parsed.columns["photos"]
        for position, is_heading in enumerate(found.is_heading):
            if not is_heading and position not in found.refused:
                self._hashes.append(int.from_bytes(found.parsed.hashes[position][:8], "big"))
                self._names_photos = self._names_photos or bool(photos[position])


class _Watched:
    """One column of a sheet: its parser, and which texts it has seen."""

    def __init__(self, column: ColumnParser, report: ColumnReport, examples: int) -> None:
        self._column = column
        self._report = report
        self._examples = examples
        self._seen: set[int] = set()

    def look(self, cells: Sequence[Cells], found: Sorted) -> None:
        """Take note of some rows, headings and sums left out."""
        index, report = self._column.index, self._report
        texts = [
            row[index] if index < len(row) and _says_something(position, found) else None
            for position, row in enumerate(cells)
        ]
        values, refused, _ = self._column.parsed(texts)
        filled = sum(1 for text in texts if text and not text.isspace())
        report.texts += filled
        report.refused += len(refused)
        report.parsed += filled - len(refused)
        for text, value in dict(zip(texts, values, strict=True)).items():
            if not text or text.isspace() or len(self._seen) >= MAX_COUNTED or hash(text) in self._seen:
                continue
            self._seen.add(hash(text))  # a text can be long, and there are many
            if value is not None and len(report.examples) < self._examples:
                report.examples.append((text, value))
        report.distinct = len(self._seen)


class _Reasons:
    """Counts reasons by code, and the values they are about."""

    def __init__(self) -> None:
        self._rows: dict[str, int] = {}
        self._examples: dict[str, dict[tuple[str | None, ...], Example]] = {}

    def add(self, why: Sequence[Reason], sheet: str, row: int) -> None:
        """Count the reasons of one row."""
        for code in {reason["code"] for reason in why}:
            self._rows[code] = self._rows.get(code, 0) + 1
        for reason in why:
            seen = self._examples.setdefault(reason["code"], {})
            key = (reason["column"], reason["value"], reason["message"])
            if key in seen:
                seen[key].count += 1
            elif len(seen) < MAX_COUNTED:
                seen[key] = Example(*key, reason["suggestion"], 1, sheet, row)

    def most_common(self, examples: int) -> list[CodeReport]:
        """By code, the most frequent first; of each its most frequent values."""
        return [
            CodeReport(
                code, rows, sorted(self._examples[code].values(), key=lambda one: -one.count)[:examples]
            )
            for code, rows in sorted(self._rows.items(), key=lambda item: (-item[1], item[0]))
        ]


def _says_something(position: int, found: Sorted) -> bool:
    why = found.refused.get(position)
    return not found.is_heading[position] and (why is None or why[0]["code"] != SUMMARY_ROW.code)


def _head(chunks: Iterator[tuple[Sequence[int], Sequence[Cells]]]) -> tuple[list[int], list[Cells]]:
    """The first rows, at least as many as headings are looked for in, if there are."""
    numbers: list[int] = []
    rows: list[Cells] = []
    for some_numbers, some_rows in chunks:
        numbers += some_numbers
        rows += some_rows
        if len(rows) >= headings.HEAD_ROWS:
            break
    return numbers, rows


def _describe(
    report: SheetReport, sorter: SheetSorter, numbers: Sequence[int], profile: Profile, facts: UploadFacts
) -> Iterator[tuple[ColumnParser, ColumnReport]]:
    """Fill in what the headings tell, and give each known column with its parser."""
    heading = sorter.heading
    if isinstance(heading, NoHeading):
        report.not_used_because = heading.reason_nl
        return
    if sorter.is_ignored:
        report.not_used_because = "blad wordt overgeslagen"
        return
    if heading.position is not None:
        report.heading_row = numbers[heading.position]
    report.has_units_row = heading.has_units_below
    report.unknown_columns = [_unknown(text, profile) for text in heading.unknown]
    used = {column.place for column in heading.columns.values()}
    report.ignored_columns = [
        text
        for place, text in enumerate(heading.texts)
        if text and place not in used and text not in heading.unknown and profile.is_ignored(text)
    ]
    for name, column in sorted(heading.columns.items(), key=lambda item: item[1].place):
        described = ColumnReport(column.title, column.place + 1, name, None, None)
        if name in units.MEASURED:
            described.unit = column.unit or profile.units.get(name) or units.STORE_UNIT[name]
        if name in ("x", "y"):
            described.crs = column.crs or facts.crs or profile.formats[facts.family].crs
        report.columns.append(described)
        yield column_parser(name, name, column, profile, facts), described


def _unknown(text: str, profile: Profile) -> UnknownColumn:
    nearest = profile.fields.nearest(text.rsplit("/", 1)[-1])
    return UnknownColumn(text, nearest, profile.fields.get(nearest) if nearest else None)
