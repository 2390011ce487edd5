"""One row of text becomes an inspection, or reasons why not. Pure: no store, no clock."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from hydrants import reference
from hydrants.formats.cells import NUL_SIGN, UNCALCULATED
from hydrants.reference.profile import FIELDS, Family, Field, Profile
from hydrants.validation import reasons
from hydrants.validation.headings import Heading
from hydrants.validation.reasons import Reason, Refusal
from hydrants.validation.values import parsers

_COLUMNS: dict[Field, str] = {"gemeente": "nis", "address": "address_text", "x": "x_given", "y": "y_given"}
"""Columns of `record` that bear another name than the field that fills them."""

_FIRST_WORD = re.compile(r"\W*(\w+)")
_PLACE = {"hydrant_ref", "address_text", "x_given", "y_given"}
_ESSENTIAL = {"inspected_on", "outcome"} | _PLACE


@dataclass(frozen=True, slots=True)
class UploadFacts:
    """What a row does not say itself.

    Args:
        nis: the gemeente of the folder, which holds where the row states none.
        earliest_on, latest_on: first and last day on which an inspection can have been.
        crs: coordinate system the file declares, if it does.
    """

    contractor: str
    nis: str
    family: Family
    earliest_on: date
    latest_on: date
    crs: str | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """An inspection.

    Args:
        values: columns of `record`, without those that only say where the row stands.
        content_hash: equal for rows that say the same.
    """

    values: dict[str, Any]
    content_hash: bytes


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that is refused; at least one reason."""

    reasons: list[Reason]


class RowParser:
    """Parses the rows of one sheet."""

    def __init__(self, profile: Profile, heading: Heading, facts: UploadFacts) -> None:
        by_field = parsers(profile, facts.family, facts.earliest_on, facts.latest_on)
        self._steps = [
            (_COLUMNS.get(field, field), index, title, by_field[field])
            for field, (index, title) in sorted(heading.columns.items(), key=lambda item: item[1])
        ]
        self._heading = heading
        self._facts = facts
        self._crs = facts.crs or profile.formats[facts.family].crs
        self._summary_words = frozenset(map(str.casefold, profile.summary_words))
        columns = [_COLUMNS.get(field, field) for field in FIELDS]
        self._blank: dict[str, Any] = dict.fromkeys(["contractor", *columns, "crs_given"])
        self._blank |= {
            "contractor": facts.contractor,
            "is_reinspection": False,
            "defects": [],
            "is_withdrawn": False,
            "photos": [],
        }

    def parse(self, cells: Sequence[str | None]) -> Accepted | Rejected:
        """What the row says.

        Args:
            cells: texts in the order of the headings; cells at the end may be left out.
        """
        values = self._blank.copy()
        found: list[Reason] = []
        refused: set[str] = set()
        count = len(cells)
        for column, index, title, parse in self._steps:
            verbatim = cells[index] if index < count else None
            if verbatim is None or not (text := verbatim.strip()):
                continue
            if NUL_SIGN in text:
                value: Any = reasons.DAMAGED_TEXT
            elif text == UNCALCULATED:
                value = reasons.UNCALCULATED_FORMULA
            else:
                value = parse(verbatim if column == "remark" else text)
            if type(value) is Refusal:
                found.append(value.reason(title, text))
                refused.add(column)
            else:
                values[column] = value
        found += self._whole_row(cells, values, refused)
        if found:
            # looked for only now: a whole inspection is one, whatever word it starts with
            return Rejected([reasons.SUMMARY_ROW.reason()] if self._is_summary(cells) else found)
        return self._accepted(values)

    def is_dated_outcome(self, cells: Sequence[str | None]) -> bool:
        """Whether a row has a day and an outcome, which no title has."""
        wanted = [step for step in self._steps if step[0] in ("inspected_on", "outcome")]
        texts = [(cells[index] or "").strip() if index < len(cells) else "" for _, index, _, _ in wanted]
        return all(
            text and type(parse(text)) is not Refusal
            for text, (_, _, _, parse) in zip(texts, wanted, strict=True)
        )

    def _is_summary(self, cells: Sequence[str | None]) -> bool:
        """Whether the first text starts with a word such as "Totaal"."""
        word = _FIRST_WORD.match(next(filter(None, cells), ""))
        return word is not None and word[1].casefold() in self._summary_words

    def _whole_row(
        self, cells: Sequence[str | None], values: dict[str, Any], refused: set[str]
    ) -> list[Reason]:
        """What is wrong with the cells together; a refused cell is not also missing."""
        missing = {column for column in _ESSENTIAL if values[column] is None} - refused
        more: list[Reason] = []
        if "inspected_on" in missing:
            more.append(reasons.DATE_MISSING.reason(self._heading.columns["inspected_on"][1]))
        if "outcome" in missing:
            more.append(reasons.OUTCOME_MISSING.reason(self._heading.columns["outcome"][1]))
        if ("x_given" in missing) != ("y_given" in missing):
            more.append(reasons.COORDINATE_INCOMPLETE.reason())
        if missing >= _PLACE:
            more.append(reasons.NOTHING_TO_GO_ON.reason())
        if len(cells) > self._heading.width and any(map(_has_text, cells[self._heading.width :])):
            more.append(reasons.TOO_MANY_CELLS.reason())
        if values["nis"] and values["postcode"] and values["nis"] != _nis(values["postcode"]):
            more.append(reasons.GEMEENTE_CONFLICT.reason(value=values["postcode"]))
        return more

    def _accepted(self, values: dict[str, Any]) -> Accepted:
        if values["nis"] is None:
            values["nis"] = _nis(values["postcode"]) if values["postcode"] else self._facts.nis
        if values["x_given"] is not None:
            values["crs_given"] = self._crs
        says = repr(list(values.values()))  # None is not "None", and 80 is not "80"
        return Accepted(values, hashlib.blake2b(says.encode(), digest_size=16).digest())


def _has_text(text: str | None) -> bool:
    return bool(text and not text.isspace())


def _nis(postcode: str) -> str:
    return reference.nis_by_postcode()[postcode]
