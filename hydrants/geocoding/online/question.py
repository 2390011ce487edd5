"""From a crew's words to what a service can be asked: one street of one gemeente, with or without number."""

from __future__ import annotations

import re
from typing import NamedTuple

from hydrants import reference
from hydrants.geocoding.parser import Reading, readings
from hydrants.reference.street_keys import ENDINGS, street_key

Text = tuple[str, str, str | None]
"""nis, address text and postcode (or None) of a record."""

_MOST_PER_TEXT = 3
_ENDING = re.compile(rf"({'|'.join(sorted(ENDINGS, key=len, reverse=True))})\.?$")
_INITIAL = re.compile(r"(?:^|(?<=[\s-]))\w")


class Question(NamedTuple):
    """A street within a gemeente; number like "12A". `is_between`: a second number was named beside it."""

    nis: str
    postcode: str | None
    street: str
    number: str | None
    is_between: bool = False

    @property
    def gemeente(self) -> str:
        """Name of the gemeente."""
        return reference.gemeenten()[self.nis].name_nl


def questions(text: Text) -> tuple[Question, ...]:
    """What may be asked about an address text, in the order in which it is asked until something is found.

    The services know no corners and no "opposite": a corner is asked for as its first street, and what
    stands near a number as that number.
    """
    nis, words, postcode = text
    found = [reading for reading in readings(words) if reading.street != reading.road]
    if any(reading.nis not in (None, nis) for reading in found):
        return ()  # it names another gemeente: one of the two is wrong, and nobody knows which
    if len(found) > 1:
        # the whole text is a street's name now and then only, and a question costs
        found.append(found.pop(found.index(max(found, key=lambda reading: len(reading.street)))))
    asked = (_question(nis, reading, postcode) for reading in found)
    return tuple(dict.fromkeys(question for question in asked if street_key(question.street)))[
        :_MOST_PER_TEXT
    ]


def _question(nis: str, reading: Reading, stated_postcode: str | None) -> Question:
    number = reading.number or None
    is_between = number is not None and reading.second_number is not None
    stated = reading.postcode or stated_postcode
    return Question(nis, _postcode(nis, stated), _spelt(reading.street), number, is_between)


def _spelt(street: str) -> str:
    """The one spelling that is sent for all that differ in capitals, spaces or an abbreviated ending."""
    words = " ".join(street.casefold().split())
    words = _ENDING.sub(lambda ending: ENDINGS[ending[1]], words)
    return _INITIAL.sub(lambda letter: letter[0].upper(), words)


def _postcode(nis: str, postcode: str | None) -> str | None:
    """The postcode where it narrows the gemeente down; one of another gemeente would mislead the service."""
    own = reference.gemeenten()[nis].postcodes
    return own[0] if len(own) == 1 else postcode if postcode in own else None
