"""What a profile may not say, and what it should think twice about: all of it, each with its place.

The rules look at the document as it was read, so that what is wrong in one part hides nothing in another;
a part that has not even the right shape is left to the model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from hydrants.reference import units
from hydrants.reference.marked_yaml import Place
from hydrants.reference.own_sheets import LIST_SHEET
from hydrants.reference.profile import FIELDS, defects
from hydrants.reference.words import Vocabulary, fold

RECOGNISED_CRS = ("EPSG:31370", "EPSG:3812", "EPSG:4326")
"""Coordinate systems that geocoding tells apart: Lambert 72, Lambert 2008, WGS84."""

_ALWAYS_REQUIRED = ("inspected_on", "outcome")
_PLACES = ("hydrant_ref", "address", "x", "geopoint")
_BY_WORDS = ("hydrant_type", "is_reinspection", "record_status")
_BRACKETED = re.compile(r".*\S\s*[(\[]\s*([^()\[\]]+?)\s*[)\]]\s*")
_SEPARATORS = re.compile(r"[,;/\n]")
_ISO = "%Y-%m-%d"
_SOME_DAYS = [date(2019, 1, 1) + timedelta(days=day) for day in range(0, 731, 11)]

Words = dict[str, list[str]]


class Finding(NamedTuple):
    """What is wrong at a place, or (`is_error` false) what is suspicious, and what to do about it."""

    is_error: bool
    place: Place
    message: str


def findings(document: Mapping[str, Any]) -> Iterator[Finding]:
    """Everything that the parts of a profile say wrongly, or against one another."""
    columns = _words(document, "columns")
    yield from _of_columns(document, columns)
    yield from _of_lookups(document, columns)
    yield from _of_ignored(document, columns)
    yield from _of_sheets(document)
    yield from _of_units(document, columns)
    yield from _of_coordinates(document)
    yield from _of_dates(document)


def nearest(word: str, known: Sequence[str]) -> str:
    """ ", did you mean ...?" when a known key comes near, else the known ones; to follow a message."""
    found = Vocabulary({key: [key] for key in known}).nearest(word)
    return f"; did you mean {found!r}?" if found else f"; known are {', '.join(known)}"


def _error(message: str, *place: str | int) -> Finding:
    return Finding(True, place, message)


def _warning(message: str, *place: str | int) -> Finding:
    return Finding(False, place, message)


def _words(document: Any, *place: str) -> Words:
    """The lists of texts under a key, where it holds such; what has another shape is left out."""
    for key in place:
        document = document.get(key) if isinstance(document, Mapping) else None
    if not isinstance(document, Mapping):
        return {}
    return {str(key): _texts(value) for key, value in document.items() if isinstance(value, list)}


def _texts(items: Any) -> list[str]:
    return [item if isinstance(item, str) else "" for item in items] if isinstance(items, list) else []


def _of_columns(document: Mapping[str, Any], columns: Words) -> Iterator[Finding]:
    required = _texts(document.get("required_columns"))
    for field in _ALWAYS_REQUIRED:
        if field not in required:
            yield _error(f"'required_columns' must name {' and '.join(_ALWAYS_REQUIRED)}", "required_columns")
            break
    for position, field in enumerate(required):
        if field in FIELDS and field not in columns:
            yield _error(
                f"required columns without headings under 'columns': {field}", "required_columns", position
            )
    yield from _two_meanings(columns, "columns")
    if "record_status" in columns and "record_ref" not in columns:
        yield _error(
            "'record_status' needs a 'record_ref': which record is withdrawn?", "columns", "record_status"
        )
    if "revised_at" in columns and "record_ref" not in columns:
        yield _warning(
            "without a 'record_ref' nobody can tell which record was revised", "columns", "revised_at"
        )
    for one, other in (("x", "y"), ("y", "x")):
        if one in columns and other not in columns:
            yield _error(f"{one!r} without {other!r}: every row would be refused", "columns", one)
    has_geometry = "vector" in (document.get("formats") or {})
    if columns and not has_geometry and not columns.keys() & set(_PLACES):
        yield _warning(
            f"no column tells which hydrant it is; one of {', '.join(_PLACES)} is needed", "columns"
        )


def _of_lookups(document: Mapping[str, Any], columns: Words) -> Iterator[Finding]:
    lookups = document.get("lookups")
    for field in ("outcome", *_BY_WORDS):
        words = _words(lookups, field)
        yield from _two_meanings(words, "lookups", field)
        if field in columns and not any(words.values()):
            yield _error(
                f"the column {field!r} is read, but none of its words is known: every row that fills it "
                f"would be refused; list them under 'lookups.{field}'",
                *("columns", field),
            )
    for outcome in ("ok", "failed"):
        if not _words(lookups, "outcome").get(outcome):
            yield _warning(f"no word means {outcome!r}", "lookups", "outcome")
    if "record_status" in columns and not _words(lookups, "record_status").get("withdrawn"):
        yield _warning("no word means 'withdrawn'", "lookups", "record_status")
    yield from _of_defects(_words(lookups, "defects"))


def _of_defects(own: Words) -> Iterator[Finding]:
    for code in own.keys() - defects().keys():
        yield _error(f"unknown defects: {code}{nearest(code, tuple(defects()))}", "lookups", "defects", code)
    yield from _two_meanings(own, "lookups", "defects")
    labels = {fold(defect.label_nl): defect for defect in defects().values()}
    for code, words in own.items():
        for position, word in enumerate(words):
            known = labels.get(fold(word))
            if known and known.code != code:
                message = f"{word!r} means both {known.code!r}, whose label it is, and {code!r}"
                yield _error(message, "lookups", "defects", code, position)
            elif known:
                message = f"{word!r} is the label of defects.csv, which is always known; leave it out"
                yield _warning(message, "lookups", "defects", code, position)
            if _SEPARATORS.search(word):
                message = f"{word!r} is never met: a comma, semicolon or slash sets two defects apart"
                yield _warning(message, "lookups", "defects", code, position)


def _two_meanings(words_by_value: Words, *place: str) -> Iterator[Finding]:
    """Words of two values, and words that one value has twice, at their second place."""
    first: dict[str, tuple[str, str]] = {}
    for value, words in words_by_value.items():
        for position, word in enumerate(words):
            other, spelling = first.setdefault(fold(word), (value, word))
            if not word.strip():
                yield _error("a word may not be empty", *place, value, position)
            elif other != value:
                yield _error(f"{word!r} means both {other!r} and {value!r}", *place, value, position)
            elif spelling is not word:
                message = f"{word!r} is the same as {spelling!r}: accents, capitals, spaces and punctuation"
                yield _warning(f"{message} do not count; leave it out", *place, value, position)


def _of_ignored(document: Mapping[str, Any], columns: Words) -> Iterator[Finding]:
    used = {fold(heading): field for field, headings in columns.items() for heading in headings}
    for position, heading in enumerate(_texts(document.get("ignored_columns"))):
        if not fold(heading.removesuffix("*")):
            yield _warning(
                f"{heading!r} ignores every column: none that is new or misspelt is ever reported",
                *("ignored_columns", position),
            )
        elif not heading.endswith("*") and fold(heading) in used:
            yield _error(
                f"{heading!r} is both ignored and the heading of {used[fold(heading)]!r}: take it out of one",
                *("ignored_columns", position),
            )


def _of_sheets(document: Mapping[str, Any]) -> Iterator[Finding]:
    for position, sheet in enumerate(_texts(document.get("ignored_sheets"))):
        if fold(sheet) == fold(LIST_SHEET):
            message = f"{sheet!r} is the sheet on which our templates ask for inspections: they would be lost"
            yield _error(message, "ignored_sheets", position)


def _of_units(document: Mapping[str, Any], columns: Words) -> Iterator[Finding]:
    declared = document.get("units")
    declared = declared if isinstance(declared, Mapping) else {}
    for field, unit in declared.items():
        known = units.units(field) if field in units.MEASURED else ()
        if not known:
            yield _error(f"{field!r} is not measured in any unit", "units", field)
        elif not isinstance(unit, str) or (meant := units.unit_of(field, unit)) is None:
            yield _error(
                f"units that these fields are not measured in: {field}: {unit}; known are {', '.join(known)}",
                *("units", field),
            )
        elif meant != unit:
            yield _warning(f"write {unit!r} as {meant!r}", "units", field)
    for field in units.MEASURED & columns.keys():
        spelt = declared.get(field)
        unit = units.unit_of(field, spelt) if isinstance(spelt, str) else None
        for position, heading in enumerate(columns[field]):
            bracketed = _BRACKETED.fullmatch(heading)
            named = units.unit_of(field, bracketed[1]) if bracketed else None
            if named and named != (unit or units.STORE_UNIT[field]):
                yield _error(
                    f"{heading!r}: a heading that is listed with a unit is taken as it stands, and its "
                    f"numbers for {unit or units.STORE_UNIT[field]}. Leave the unit out here: it is read "
                    "from the file",
                    *("columns", field, position),
                )


def _of_coordinates(document: Mapping[str, Any]) -> Iterator[Finding]:
    formats = document.get("formats")
    for family, habits in formats.items() if isinstance(formats, Mapping) else ():
        crs = habits.get("crs") if isinstance(habits, Mapping) else None
        if crs is None:
            continue
        if not isinstance(crs, str) or not _is_known(crs):
            yield _error(
                f"{crs!r} is no coordinate system; write its code, such as EPSG:31370", *_crs(family)
            )
        elif crs not in RECOGNISED_CRS:
            yield _warning(
                f"{crs} is not one of {', '.join(RECOGNISED_CRS)}, which geocoding tells apart: its "
                "coordinates will not be found",
                *_crs(family),
            )
    if document.get("layer") and isinstance(formats, Mapping) and "vector" not in formats:
        yield _warning("a layer is only looked for in formats of the family 'vector'", "layer")


def _crs(family: str) -> tuple[str, str, str]:
    return "formats", family, "crs"


def _is_known(crs: str) -> bool:
    if crs in RECOGNISED_CRS:
        return True
    import pyproj  # slow to import, and seldom needed
    from pyproj.exceptions import CRSError

    try:
        pyproj.CRS.from_string(crs)
    except CRSError:
        return False
    return re.fullmatch(r"EPSG:[0-9]+", crs) is not None


def _of_dates(document: Mapping[str, Any]) -> Iterator[Finding]:
    patterns = _texts(document.get("date_formats"))
    for position, pattern in enumerate(patterns):
        for other in (_ISO, *patterns[:position]):
            if example := _read_differently(pattern, other):
                yield _error(
                    f"{example!r} is one day by {pattern!r} and another by {other!r}: keep one of them",
                    *("date_formats", position),
                )


def _read_differently(pattern: str, other: str) -> str | None:
    """A date that the two patterns both read, each as another day."""
    for day in _SOME_DAYS:
        try:
            text = day.strftime(pattern)
            if datetime.strptime(text, other).date() != datetime.strptime(text, pattern).date():  # noqa: DTZ007
                return text
        except ValueError:
            continue
    return None
