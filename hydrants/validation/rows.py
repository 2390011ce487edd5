"""Rows of text become inspections, or reasons why not. Pure: no store, no clock.

Rows are worked through some thousands at a time and column by column: most texts of a
column are alike, and what is seldom (a refusal, a blank where there should be none) is
looked at row by row only where it occurs.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import repeat, zip_longest
from typing import Any

import orjson

from hydrants import reference
from hydrants.reference.degrees import SEXAGESIMAL, Degrees
from hydrants.reference.profile import Family, Field, Profile
from hydrants.validation import reasons
from hydrants.validation.cells import ColumnParser
from hydrants.validation.headings import Cells, Column, Heading
from hydrants.validation.reasons import Reason, Refusal
from hydrants.validation.values import parser, plain_parser

RECORD_COLUMNS = (
    *("contractor", "nis", "deelgemeente", "record_ref", "revised_at", "is_withdrawn", "hydrant_ref"),
    *("inspected_on", "outcome", "is_reinspection", "defects", "hydrant_type", "diameter_mm", "pressure_bar"),
    *("flow_l_per_min", "address_text", "postcode", "x_given", "y_given", "crs_given", "remark", "photos"),
)
"""Columns of `record` that say what the row says, in the order of `Parsed.columns`."""

_NAMES: dict[Field, str] = {
    "gemeente": "nis",
    "address": "address_text",
    "x": "x_given",
    "y": "y_given",
    "record_status": "is_withdrawn",
}
"""Columns of `record` that bear another name than the field that fills them."""

_FIRST_WORD = re.compile(r"\W*(\w+)")
_PLACE = ("hydrant_ref", "address_text", "x_given", "y_given")
_WGS84 = "EPSG:4326"

Values = dict[str, list[Any]]


@dataclass(frozen=True, slots=True)
class UploadFacts:
    """What a row does not say itself.

    Args:
        nis: the gemeente of the folder, which holds where the row states none.
        earliest_on, latest_on: first and last day on which an inspection can have been.
        crs: coordinate system the file declares, if it does.
        is_answer: the rows come back in a receipt; `family` is of the file that it answers.
        photos: the pictures that came along, by file name; why one is refused, or None.
    """

    contractor: str
    nis: str
    family: Family
    earliest_on: date
    latest_on: date
    crs: str | None = None
    is_answer: bool = False
    photos: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Parsed:
    """What became of some rows, by their position among them.

    Args:
        columns: for each of RECORD_COLUMNS its value per row; of refused rows they mean nothing.
        hashes: for each row a hash of what it says and of its batch; equal for rows that say the same.
        refused: reasons, for the rows that are.
        remarked: what the sender should know of accepted rows, for those that have something.
    """

    columns: dict[str, Sequence[Any]]
    hashes: list[bytes]
    refused: dict[int, list[Reason]]
    remarked: dict[int, list[Reason]]


def column_parser(
    name: str, field: Field, column: Column, profile: Profile, facts: UploadFacts
) -> ColumnParser:
    """How the texts of a field's column are parsed.

    Args:
        name: what the values are to be called.
    """
    return ColumnParser(
        name,
        column.place,
        column.title,
        parser(field, column, profile, facts.family, facts.earliest_on, facts.latest_on, facts.is_answer),
        plain_parser(field, column, profile, facts.family),
        is_verbatim=field == "remark",
    )


class SheetParser:
    """Parses the rows of one sheet, in order."""

    def __init__(self, profile: Profile, heading: Heading, facts: UploadFacts) -> None:
        self._heading = heading
        self._facts = facts
        self._columns = [
            column_parser(_NAMES.get(field, field), field, column, profile, facts)
            for field, column in sorted(heading.columns.items(), key=lambda item: item[1].place)
        ]
        named = next((column.crs for column in heading.columns.values() if column.crs), None)
        self._crs = named or facts.crs or profile.formats[facts.family].crs
        self._summary_words = frozenset(map(str.casefold, profile.summary_words))
        self._gemeente_above: str | None = None
        self.untitled: set[int] = set()
        """Columns without heading that hold text, from 0: nobody knows what it means."""

    def parse(self, rows: Sequence[Cells]) -> Parsed:
        """What the next rows say.

        Args:
            rows: texts in the order of the headings; cells at the end of a row may be left out.
        """
        by_index = list(zip_longest(*rows))
        values: Values = {}
        found: dict[int, list[Reason]] = defaultdict(list)
        remarked: dict[int, list[Reason]] = defaultdict(list)
        unusable: dict[str, set[int]] = {}
        nothing = [None] * len(rows)
        for column in self._columns:
            texts = by_index[column.index] if column.index < len(by_index) else nothing
            values[column.name], refusals, remarks = column.parsed(texts)
            unusable[column.name] = set(refusals)
            for into, exceptions in ((found, refusals), (remarked, remarks)):
                for position, refusal in exceptions.items():
                    into[position].append(refusal.reason(column.title, (texts[position] or "").strip()))
        for name in (*RECORD_COLUMNS, "geopoint"):
            values.setdefault(name, nothing)
        for position, refusal, pair in _put_pairs(values):
            found[position].append(refusal.reason(value=pair))
        for position, refusal, title, text in self._whole_rows(rows, by_index, values, unusable):
            found[position].append(refusal.reason(title, text))
        for position in found:  # a whole inspection is one, whatever word it starts with
            if self._is_summary(rows[position]):
                found[position] = [reasons.SUMMARY_ROW.reason()]
        self._complete(values)
        for position, remark in self._of_photos(values["photos"]):
            remarked[position].append(remark)
        columns: dict[str, Sequence[Any]] = {name: values[name] for name in RECORD_COLUMNS}
        return Parsed(
            columns,
            self._hashes(zip(*columns.values(), strict=True)),
            dict(found),
            {position: notes for position, notes in remarked.items() if position not in found},
        )

    def is_dated_outcome(self, cells: Cells) -> bool:
        """Whether a row has a day and an outcome, which no title has."""
        return all(
            column.parsed([cells[column.index] if column.index < len(cells) else None])[0] != [None]
            for column in self._columns
            if column.name in ("inspected_on", "outcome")
        )

    def _is_summary(self, cells: Cells) -> bool:
        """Whether the first text starts with a word such as "Totaal"."""
        word = _FIRST_WORD.match(next(filter(None, cells), ""))
        return word is not None and word[1].casefold() in self._summary_words

    def _whole_rows(
        self,
        rows: Sequence[Cells],
        by_index: Sequence[Cells],
        values: Values,
        unusable: Mapping[str, set[int]],
    ) -> Iterable[tuple[int, Refusal, str | None, str | None]]:
        """(position, what is wrong, heading, text) of cells together; a refused cell is not also missing."""
        lacking = {
            name: _blanks(values[name]) - unusable.get(name, set())
            for name in (*_PLACE, "geopoint", "inspected_on", "outcome", "record_ref")
        }
        titles = {column.name: column.title for column in self._columns}
        for name, refusal in (
            ("inspected_on", reasons.DATE_MISSING),
            ("outcome", reasons.OUTCOME_MISSING),
        ):
            yield from ((position, refusal, titles[name], None) for position in sorted(lacking[name]))
        for position in sorted(lacking["x_given"] ^ lacking["y_given"]):
            yield position, reasons.COORDINATE_INCOMPLETE, None, None
        nowhere = lacking["geopoint"].intersection(*(lacking[name] for name in _PLACE))
        for position in sorted(nowhere):
            yield position, reasons.NOTHING_TO_GO_ON, None, None
        for position in sorted(self._surplus(rows, by_index)):
            yield position, reasons.TOO_MANY_CELLS, None, None
        for position in sorted(lacking["record_ref"]):
            if values["is_withdrawn"][position] == "withdrawn":
                yield position, reasons.WITHDRAWN_UNNUMBERED, titles.get("record_ref"), None
        yield from self._gemeente_doubts(rows, values, unusable.get("nis", set()), titles)

    def _surplus(self, rows: Sequence[Cells], by_index: Sequence[Cells]) -> set[int]:
        """Rows with text beyond the headings; in a receipt such text stands under an empty one."""
        found = set()
        for index, texts in enumerate(by_index):
            if index < self._heading.width and self._heading.texts[index]:
                continue
            filled = {position for position, text in enumerate(texts) if text and not text.isspace()}
            if index >= self._heading.width or self._heading.answers_at is not None:
                found |= filled
            elif filled:
                self.untitled.add(index)
        return found

    def _is_doubtful(self, cells: Cells) -> bool:
        """Whether a row without gemeente is not of the folder's for sure."""
        if self._heading.answers_at is not None:
            answer = cells[self._heading.answers_at :]
            return any(text and reasons.GEMEENTE_MISSING.message in text for text in answer)
        # of a receipt without its answer nobody can tell: its rows stand in another order than the file's
        return self._facts.is_answer or self._gemeente_above not in (None, self._facts.nis)

    def _gemeente_doubts(
        self, rows: Sequence[Cells], values: Values, unusable: set[int], titles: Mapping[str, str]
    ) -> Iterable[tuple[int, Refusal, str | None, str | None]]:
        if "nis" not in titles:
            return
        for position, (nis, postcode) in enumerate(zip(values["nis"], values["postcode"], strict=True)):
            if nis is None:
                if postcode is None and position not in unusable and self._is_doubtful(rows[position]):
                    yield position, reasons.GEMEENTE_MISSING, titles["nis"], None
                continue
            self._gemeente_above = nis
            if postcode is not None and nis != _nis(postcode):
                yield position, reasons.GEMEENTE_CONFLICT, None, postcode

    def _complete(self, values: Values) -> None:
        """What follows from other columns, or from the upload."""
        facts = self._facts
        count = len(values["nis"])
        values["contractor"] = [facts.contractor] * count
        if None in values["nis"]:
            values["nis"] = [
                nis or (_nis(postcode) if postcode else facts.nis)
                for nis, postcode in zip(values["nis"], values["postcode"], strict=True)
            ]
        values["is_withdrawn"] = [status == "withdrawn" for status in values["is_withdrawn"]]
        values["is_reinspection"] = [answer is True for answer in values["is_reinspection"]]
        for name in ("defects", "photos"):
            values[name] = [listed or () for listed in values[name]]
        values["crs_given"] = [None if x is None else self._crs for x in values["x_given"]]
        if any(values["geopoint"]):
            self._put_points(values)
        if Degrees in {*map(type, values["x_given"]), *map(type, values["y_given"])}:
            _put_numbers(values)

    def _put_points(self, values: Values) -> None:
        """Where a phone's position is all that is given, it is the coordinates."""
        for name in ("x_given", "y_given"):
            values[name] = list(values[name])  # may be shared with other absent columns
        for position, point in enumerate(values["geopoint"]):
            if point is not None and values["x_given"][position] is None:
                values["x_given"][position], values["y_given"][position] = point
                values["crs_given"][position] = _WGS84

    def _of_photos(self, named: Sequence[tuple[str, ...]]) -> Iterable[tuple[int, Reason]]:
        """Remarks on pictures that rows name; none when no picture came at all, the file's notice says so."""
        if not self._facts.photos:
            return
        for position, names in enumerate(named):
            for name in names:
                if name not in self._facts.photos:
                    yield position, reasons.photo_missing(name).reason(value=name)
                elif because_nl := self._facts.photos[name]:
                    yield position, reasons.photo_refused(name, because_nl).reason(value=name)

    def _hashes(self, records: Iterable[tuple[Any, ...]]) -> list[bytes]:
        dumps, blake2b = orjson.dumps, hashlib.blake2b
        return [
            blake2b(dumps(says), digest_size=16).digest()  # None is not "None", and 80 is not "80"
            for says in zip(repeat(self._facts.nis), records, strict=False)
        ]


def _put_numbers(values: Values) -> None:
    """Coordinates in degrees, minutes and seconds go on as numbers, and with the word that they were so."""
    given = list(zip(values["x_given"], values["y_given"], values["crs_given"], strict=True))
    values["crs_given"] = [SEXAGESIMAL if Degrees in (type(x), type(y)) else crs for x, y, crs in given]
    for name in ("x_given", "y_given"):
        values[name] = [float(number) if type(number) is Degrees else number for number in values[name]]


def _put_pairs(values: Values) -> Iterable[tuple[int, Refusal, str]]:
    """Where one cell holds both coordinates and the other none, each gets its own.

    Yields:
        (position, what is wrong, text) where the other cell says something else.
    """
    for name, other in (("x_given", "y_given"), ("y_given", "x_given")):
        pairs = [position for position, value in enumerate(values[name]) if type(value) is tuple]
        if not pairs:
            continue
        values[name], values[other] = list(values[name]), list(values[other])
        for position in pairs:
            pair, beside = values[name][position], values[other][position]
            if beside is not None and beside != pair:
                yield position, reasons.COORDINATES_TWICE, " ".join(f"{number:.5f}" for number in pair)
                pair = (None, None)
            values["x_given"][position], values["y_given"][position] = pair


def _blanks(values: Sequence[Any]) -> set[int]:
    if None not in values:
        return set()
    return {position for position, value in enumerate(values) if value is None}


def _nis(postcode: str) -> str:
    return reference.nis_by_postcode()[postcode]
