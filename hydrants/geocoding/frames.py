"""What stands around a street's name in an address text, read once for all texts that are built alike.

Most texts are a plain name and a frame, such as "Dorpsstraat" in "{} t.o. 14, 8970 Poperinge". Frames
are few: the parser reads each once, around a name that stands for any other and with digits that stand
for any other, and what it says is filled in for each text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
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
_LETTER = r"(?: ?[a-z](?![\w.'’]))?"
_NUMBER = rf"\d{{1,3}}{_LETTER}"
_TAIL = (
    rf"((?:{_WHERE} ?)?(?:{_MARK})?)(\d{{1,3}})"
    rf"({_LETTER}(?: ?[-/] ?{_NUMBER}| (?:en|tot) (?:{_MARK})?{_NUMBER}| bus {_NUMBER})?)"
)
_AFTER_NAME = re.compile(
    rf"([ ,(]+){_TAIL}(\)?(?:,? (?:\d{{4}} )?[^\W\d_][^\d,;:/()]*| ?\([^\d()]*\))?)$", re.IGNORECASE
)
_BEFORE_NAME = re.compile(rf"{_TAIL}([ ,]+)(?=[^\W\d_])", re.IGNORECASE)
_PLACE_BEFORE = re.compile(r"(?:\d{4} )?[^\W\d_][^\d,;:/()]*, ?|\d{4} ")
_WORDS_BEHIND = re.compile(rf"(?i) (?={_WHERE}[ .])")
_DIGIT = re.compile(r"\d")
_DIGITS_IN_A_ROW = re.compile(r"\d+")


class Frame(NamedTuple):
    """Every reading of a frame, likeliest first.

    `stand_ins` are its numbers, in the order of the text. `is_name` when the likeliest reading takes just
    the name for a street; `suffix` is what follows the first number in its house number, None when that is
    not all there is to it.
    """

    stand_ins: tuple[int, ...]
    found: tuple[Reading, ...]
    is_name: bool
    suffix: str | None

    @classmethod
    def of(cls, stand_ins: tuple[int, ...], found: tuple[Reading, ...]) -> Frame:
        """A frame with these readings."""
        first = found[0]
        number = first.number or ""
        is_simple = stand_ins[:1] == (ord(number[:1] or " "),) and first.second_number is None
        suffix = number[1:] if is_simple and set(_DIGITS).isdisjoint(number[1:]) else None
        is_name = first.street == _STAND_IN and first.cross_street is None
        return cls(stand_ins, found, is_name, suffix)

    def house_numbers(self, numbers: Sequence[str]) -> tuple[str | None, str | None]:
        """The house numbers of the likeliest reading, when these numbers stand in the frame."""
        first, digits = self.found[0], self._digits(numbers)
        return _translated(first.number, digits), _translated(first.second_number, digits)

    def readings(self, written: str, numbers: Sequence[str]) -> tuple[Reading, ...]:
        """Every reading, with a name and numbers filled in."""
        digits = self._digits(numbers)
        return tuple(
            Reading(
                reading.street.translate(digits).replace(_STAND_IN, written).strip(EDGES),
                reading.relation,
                _translated(reading.number, digits),
                _translated(reading.second_number, digits),
                reading.cross_street and reading.cross_street.translate(digits).replace(_STAND_IN, written),
                reading.postcode,
                reading.nis,
            )
            for reading in self.found
        )

    def _digits(self, numbers: Sequence[str]) -> dict[int, str]:
        """What each stand-in stands for, for `str.translate`."""
        return dict(zip(self.stand_ins, numbers, strict=True))

    def with_place(self, place: _Beside) -> Frame:
        """The same with the name of a place before or behind."""
        *parsed, whole = self.found
        told = [Reading(*reading[:5], place.postcode, place.nis) for reading in parsed]
        around = Reading(f"{place.left}{whole.street}{place.right}", *place.whole[1:])
        if not parsed:
            return Frame.of(self.stand_ins, (around,))
        return Frame(self.stand_ins, (*told, around), self.is_name, self.suffix)


def _translated(number: str | None, digits: dict[int, str]) -> str | None:
    return number and number.translate(digits)


class _Beside(NamedTuple):
    """What a place tells, and what of it stays around the whole text taken for a name."""

    postcode: str | None
    nis: str | None
    whole: Reading
    left: str
    right: str


Split = tuple[str, Sequence[str], bool, Callable[..., Frame | None], tuple[str, ...]]
"""What may be a name, the numbers around it, whether one stands before it; and what gives the frame, from
which words: asked for only once the name is known to be one. What is said of the frame holds if the parser
takes the name for nothing but a name; when there is none, the parser has to read the text."""


def split(plain: str) -> Split | None:
    """The name in a text, and the frame around it; None when there is none.

    Args:
        plain: a text with single spaces.
    """
    if not plain[-1:].isdecimal():
        match = _BEFORE_NAME.match(plain)
        if match is not None:
            opening, number, more, between = match.groups()
            numbers, more = _numbers(number, more)
            return plain[match.end() :], numbers, True, _frame_before, (opening, more, between)
    match = _AFTER_NAME.search(plain)
    if match is None:
        words = None if _DIGIT.search(plain) else _WORDS_BEHIND.search(plain)
        if words is None:
            return None
        at = words.start()
        return plain[:at], (), False, _words_behind, (plain[at:],)
    between, opening, number, more, rest = match.groups()
    numbers, more = _numbers(number, more)
    written, place = plain[: match.start()], ""
    if "," in written or written[:1].isdecimal():
        before = _PLACE_BEFORE.match(written)
        if before is not None:
            place, written = before[0], written[before.end() :]
    return written, numbers, False, _frame_after, (between, opening, more, place, rest)


def _numbers(number: str, more: str) -> tuple[Sequence[str], str]:
    """A number and those behind it; and what is behind it with all numbers alike."""
    if len(more) < 2:
        return (number,), more
    return (number, *_DIGITS_IN_A_ROW.findall(more)), _DIGITS_IN_A_ROW.sub("0", more)


@lru_cache(maxsize=_REMEMBERED)
def _words_behind(rest: str) -> Frame | None:
    return _frame(f"{_STAND_IN}{rest}")


@lru_cache(maxsize=_REMEMBERED)
def _frame_before(opening: str, more: str, between: str) -> Frame | None:
    return _frame(f"{_numbered(f'{opening}0{more}')}{between}{_STAND_IN}")


@lru_cache(maxsize=_REMEMBERED)
def _frame_after(between: str, opening: str, more: str, place: str, rest: str) -> Frame | None:
    if (place or rest) and not rest.startswith(")"):
        core, beside = _frame_after(between, opening, more, "", ""), _beside(place, rest)
        if core is not None and beside is not None:
            return core.with_place(beside)
    return _frame(f"{place}{_STAND_IN}{between}{_numbered(f'{opening}0{more}')}{rest}")


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
    return Frame.of(tuple(ord(letter) for letter in text if letter in _DIGITS), found)


def _numbered(tail: str) -> str:
    """Another digit for each number, so that they can be told apart."""
    digits = iter(_DIGITS)
    return _DIGITS_IN_A_ROW.sub(lambda _: next(digits), tail)
