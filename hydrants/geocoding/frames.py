"""What stands around a street's name in an address text, read once for all texts that are built alike.

Most texts are a plain name and a frame, such as "Dorpsstraat" in "{} t.o. 14, 8970 Poperinge". Frames
are few: the parser reads each once, around a name that stands for any other and with digits that stand
for any other, and what it says is filled in for each text.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from hydrants.geocoding.asides import EDGES
from hydrants.geocoding.parser import Reading, Relation, readings
from hydrants.reference.place_names import villages
from hydrants.reference.street_keys import street_key

_STAND_IN = "Qqqqstraat"
_DIGITS = "".join(map(chr, range(0x1D7CE, 0x1D800)))
"""Fifty digits to the parser, none of which a crew writes: each stands for one of a frame."""
_REMEMBERED = 50_000

_WHERE = (
    r"(?:(?:schuin |recht )?tegenover|rechtover|t\.? ?/?o\.?v?\.?|tgo\.?|t\.?h\.?v\.?|ter hoogte van|nabij"
    r"|naast|achter|v[oó][oó]r|aan|bij|tussen|tss\.?)"
)
_MARK = r"(?:(?:huis|h)?nr\.?|(?:huis)?nummer|n[°º]) ?"
_NUMBER = r"\d{1,3}(?: ?[a-z](?![\w.'’]))?"
_TAIL = (
    rf"((?:{_WHERE} ?)?(?:{_MARK})?{_NUMBER}"
    rf"(?: ?[-/] ?{_NUMBER}| (?:en|tot) (?:{_MARK})?{_NUMBER}| bus {_NUMBER})?)"
)
_AFTER_NAME = re.compile(
    rf"([ ,(]+){_TAIL}(\)?(?:,? (?:\d{{4}} )?[^\W\d_][^\d,;:/()]*| ?\([^\d()]*\))?)$", re.IGNORECASE
)
_BEFORE_NAME = re.compile(rf"{_TAIL}([ ,]+)(?=[^\W\d_])", re.IGNORECASE)
_PLACE_BEFORE = re.compile(r"(?:\d{4} )?[^\W\d_][^\d,;:/()]*, ?|\d{4} ")
_WORDS_BEHIND = re.compile(rf"(?i) (?={_WHERE}[ .])")
_DIGIT = re.compile(r"\d")
_DIGITS_IN_A_ROW = re.compile(r"\d+")


class Filled(NamedTuple):
    """A frame with its numbers: the likeliest reading, of any name.

    `is_name` when that reading takes just the name for a street. `frame` and `tail` give the others.
    """

    relation: Relation
    number: str | None
    second_number: str | None
    postcode: str | None
    nis: str | None
    is_name: bool
    frame: Frame
    tail: str


class Frame(NamedTuple):
    """Every reading of a frame, likeliest first; `stand_ins` are its numbers, in the order of the text."""

    stand_ins: tuple[int, ...]
    found: tuple[Reading, ...]

    def readings(self, written: str, tail: str) -> tuple[Reading, ...]:
        """Every reading, with a name and the digits of a tail filled in."""
        digits = self.digits(tail)
        return tuple(
            Reading(
                reading.street.translate(digits).replace(_STAND_IN, written).strip(EDGES),
                reading.relation,
                reading.number and reading.number.translate(digits),
                reading.second_number and reading.second_number.translate(digits),
                reading.cross_street and reading.cross_street.translate(digits).replace(_STAND_IN, written),
                reading.postcode,
                reading.nis,
            )
            for reading in self.found
        )

    def digits(self, tail: str) -> dict[int, str]:
        """What each stand-in stands for, for `str.translate`."""
        return dict(zip(self.stand_ins, _DIGITS_IN_A_ROW.findall(tail), strict=True))

    def with_place(self, place: _Beside) -> Frame:
        """The same with the name of a place before or behind."""
        *parsed, whole = self.found
        told = [reading._replace(postcode=place.postcode, nis=place.nis) for reading in parsed]
        text = f"{place.left}{whole.street}{place.right}"
        return self._replace(found=(*told, place.whole._replace(street=text)))


class _Beside(NamedTuple):
    """What a place tells, and what of it stays around the whole text taken for a name."""

    postcode: str | None
    nis: str | None
    whole: Reading
    left: str
    right: str


def split(plain: str) -> tuple[str, Filled | None, bool]:
    """The name in a text, and the frame around it.

    Args:
        plain: a text with single spaces.

    Returns:
        What may be a name, the frame (None when there is none), and whether a number stands before the
        name. What is said of the frame holds if the parser takes the name for nothing but a name.
    """
    if not plain[-1:].isdecimal():
        match = _BEFORE_NAME.match(plain)
        if match is not None:
            tail, between = match.groups()
            return plain[match.end() :], _before_name(tail, between), True
    match = _AFTER_NAME.search(plain)
    if match is None:
        words = None if _DIGIT.search(plain) else _WORDS_BEHIND.search(plain)
        if words is None:
            return plain, None, False
        return plain[: words.start()], _words_behind(plain[words.start() :]), False
    between, tail, rest = match.groups()
    written, place = plain[: match.start()], ""
    if "," in written or written[:1].isdecimal():
        before = _PLACE_BEFORE.match(written)
        if before is not None:
            place, written = before[0], written[before.end() :]
    return written, _after_name(between, tail, place, rest), False


@lru_cache(maxsize=_REMEMBERED)
def _words_behind(rest: str) -> Filled | None:
    return _filled(_frame(f"{_STAND_IN}{rest}"), "")


@lru_cache(maxsize=_REMEMBERED)
def _after_name(between: str, tail: str, place: str, rest: str) -> Filled | None:
    return _filled(_frame_after(between, _DIGITS_IN_A_ROW.sub("0", tail), place, rest), tail)


@lru_cache(maxsize=_REMEMBERED)
def _before_name(tail: str, between: str) -> Filled | None:
    return _filled(_frame_before(_DIGITS_IN_A_ROW.sub("0", tail), between), tail)


@lru_cache(maxsize=_REMEMBERED)
def _frame_before(tail: str, between: str) -> Frame | None:
    return _frame(f"{_numbered(tail)}{between}{_STAND_IN}")


@lru_cache(maxsize=_REMEMBERED)
def _frame_after(between: str, tail: str, place: str, rest: str) -> Frame | None:
    if (place or rest) and not rest.startswith(")"):
        core, beside = _frame_after(between, tail, "", ""), _beside(place, rest)
        if core is not None and beside is not None:
            return core.with_place(beside)
    return _frame(f"{place}{_STAND_IN}{between}{_numbered(tail)}{rest}")


@lru_cache(maxsize=_REMEMBERED)
def _beside(place: str, rest: str) -> _Beside | None:
    """What stands before or behind a name and its number; None when it is no place, or more than that."""
    if not (_is_place(place) and _is_place(rest)):
        return None
    simplest = f"{_STAND_IN} {_DIGITS[0]}"
    found = readings(f"{place}{simplest}{rest}")
    if len(found) != 2 or found[0].nis is None:
        return None
    postcode, nis = found[0].postcode, found[0].nis
    left, middle, right = found[1].street.partition(simplest)
    at_number = Reading(_STAND_IN, Relation.AT, _DIGITS[0], postcode=postcode, nis=nis)
    if found[0] != at_number or not middle or found[1].relation is not Relation.ALONG:
        return None
    return _Beside(postcode, nis, found[1], left, right)


def _is_place(text: str) -> bool:
    """Whether a text is a postcode, the name of a place, both or nothing."""
    words = text.strip(" ,()").split()
    if words and words[0].isdecimal():
        del words[0]
    return not words or street_key(" ".join(words)) in villages()


def _frame(text: str) -> Frame | None:
    found = readings(text)
    if not found or any(reading.road or reading.km is not None for reading in found):
        return None
    return Frame(tuple(ord(letter) for letter in text if letter in _DIGITS), found)


def _filled(frame: Frame | None, tail: str) -> Filled | None:
    if frame is None:
        return None
    first, digits = frame.found[0], frame.digits(tail)
    return Filled(
        first.relation,
        first.number and first.number.translate(digits),
        first.second_number and first.second_number.translate(digits),
        first.postcode,
        first.nis,
        first.street == _STAND_IN and first.cross_street is None,
        frame,
        tail,
    )


def _numbered(tail: str) -> str:
    """Another digit for each number, so that they can be told apart."""
    digits = iter(_DIGITS)
    return _DIGITS_IN_A_ROW.sub(lambda _: next(digits), tail)
