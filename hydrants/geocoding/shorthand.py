"""The usual forms of an address text, read at once: a plain name in one of few frames.

What is not built so is left to the parser, which says the same of all others, only slower.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from hydrants.geocoding import frames
from hydrants.geocoding.asides import EDGES, LETTERS, has_village
from hydrants.geocoding.parser import Reading, Relation
from hydrants.geocoding.street_index import Parts, StreetIndex
from hydrants.geocoding.streets import Street
from hydrants.reference.street_keys import street_key

_REMEMBERED = 50_000
_NAME = re.compile(r"[^\W\d_][^\d_,;:/()&+#|–]*")
_ARTICLE = re.compile(r"(?:de|het)(?![^\W\d_])", re.IGNORECASE)
_IN_THE = re.compile(r"(?:in|op|langs)(?: de| het| den)? ", re.IGNORECASE)
_TELLING = {
    *("tegenover", "rechtover", "to", "tov", "tgo", "thv", "tss", "t", "hoogte", "nabij", "naast", "achter"),
    *("links", "rechts", "schuin", "recht", "omgeving", "over", "voor", "vóór", "vóor", "voór", "aan", "bij"),
    *("huis", "woning", "hoek", "hk", "kruispunt", "kruising", "tussen", "nr", "nrs", "hnr", "hnrs"),
    *("huisnr", "huisnrs", "nummer", "nummers", "huisnummer", "huisnummers", "bus", "bte", "box", "bis"),
    *("km", "kilometer"),
}
"""Words that the parser takes for something else than a part of a name."""
_TELLING_FIRST = {"in", "op", "langs", "straat", "adres", "e", "ste"}
_TELLING_LAST = {"n", "r", "a", "e"}
_NOT_LETTERS = re.compile(r"[\W\d_]+")

Short = tuple[Street | None, tuple[Reading, ...], bool]
"""The street that is meant and how, in one reading; or None, and the readings of the text: all of them,
or the likeliest, which decides if it leads anywhere."""


class _Name(NamedTuple):
    """A name that is read as such; one with an article is read without it as well."""

    name: str
    parts: Parts
    has_article: bool


_UNSEEN = _Name("", (), False)


class Shorthand:
    """Reads the texts of one gemeente."""

    def __init__(self, nis: str, index: StreetIndex) -> None:
        self._nis = nis
        self._index = index
        self._names: dict[str, _Name | None] = {}

    def read(self, text: str, postcode: str | None) -> Short | None:
        """Read a text of a usual form.

        Args:
            postcode: as the row states it.

        Returns:
            None when the parser has to read it.
        """
        if not text.isascii():
            text = unicodedata.normalize("NFC", text)
        plain = " ".join(text.split())
        written, filled, is_before = frames.split(plain)
        if filled is None:
            return self._alone(plain, postcode)
        relation, number, second_number, told, nis, is_name, frame, tail = filled
        name = self._name(written)
        if name is None or (name.has_article and (is_before or not name.parts or not is_name)):
            return None
        if is_name and (nis is None or nis == self._nis):
            reading = Reading(name.name, relation, number, second_number, None, told, nis)
            if name.parts:
                return _only(name.parts, told or postcode), (reading,), True
            if len(frame.found) == 2 and not self._index.may_have(plain):
                return None, (reading,), False
        return None, frame.readings(written, tail), True

    def _alone(self, plain: str, postcode: str | None) -> Short | None:
        name = self._name(plain)
        if name is not None:
            if name.has_article and not name.parts:
                return None
            return _only(name.parts, postcode), (Reading(name.name, Relation.ALONG),), True
        opening = _IN_THE.match(plain)
        name = None if opening is None else self._name(plain[opening.end() :])
        if name is None or name.has_article:
            return None
        along = (Reading(plain.strip(EDGES), Relation.ALONG), Reading(name.name, Relation.ALONG))
        return None, along, True

    def _name(self, written: str) -> _Name | None:
        """The streets of a name; None when the name could be read in more ways than one."""
        known = self._names.get(written, _UNSEEN)
        if known is not _UNSEEN:
            return known
        if len(self._names) >= _REMEMBERED:
            self._names.clear()
        name, found = written.strip(EDGES), None
        if written.rstrip(".") == name.rstrip(".") and _is_inert(name):
            found = _Name(name, self._index.exact(street_key(name)), _ARTICLE.match(name) is not None)
        self._names[written] = found
        return found


def _only(parts: Parts, postcode: str | None) -> Street | None:
    """The only street that is meant, if it is."""
    if postcode is not None:
        parts = [part for part in parts if part.postcode == postcode]
    return parts[0] if len(parts) == 1 else None


def _is_inert(name: str) -> bool:
    """Whether the parser makes nothing of a name but that name, whatever number stands beside it."""
    if _NAME.fullmatch(name) is None or LETTERS.search(name) is None:
        return False
    folded = name.casefold()
    words = [folded] if folded.isalpha() else [word for word in _NOT_LETTERS.split(folded) if word]
    return (
        _TELLING.isdisjoint(words)
        and words[0] not in _TELLING_FIRST
        and words[-1] not in _TELLING_LAST
        and not (len(words[0]) == 1 and name[1:2] in " -")
        and not has_village(name)
    )
