"""The usual forms of an address text, read at once: a plain name in one of few frames.

What is not built so is left to the parser, which says the same of all others, only slower.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from hydrants.geocoding import frames
from hydrants.geocoding.asides import EDGES, LETTERS, has_village
from hydrants.geocoding.parser import Reading, Relation, with_single_spaces
from hydrants.geocoding.street_index import Parts, StreetIndex
from hydrants.geocoding.streets import Street, new_tuple
from hydrants.reference.place_names import villages
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
_NO_NAME = _TELLING | _TELLING_FIRST | _TELLING_LAST
_NOT_LETTERS = re.compile(r"[\W\d_]+")

Short = tuple[Street | None, tuple[Reading, ...], Callable[[], tuple[Reading, ...]] | None]
"""The street that is meant and how, in one reading; or None, and the readings of the text.

These are all of them; or the likeliest, of a name that no street bears, which decides if it leads anywhere:
what gives all of them then comes last."""


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
        plain = with_single_spaces(text)
        in_parts = frames.split(plain)
        if in_parts is None:
            return self._alone(plain, postcode)
        written, numbers, is_before, frame_of, words = in_parts
        name = self._name(written)
        frame = None if name is None else frame_of(*words)
        if name is None or frame is None:
            return None
        plain_name, parts, has_article = name
        found, is_name, suffix = frame.found, frame.is_name, frame.suffix
        if has_article and (is_before or not parts or not is_name):
            return None
        if is_name:
            _, relation, first, second, _, told, nis, _, _ = found[0]
            if nis is None or nis == self._nis:
                if suffix is not None:
                    first, second = numbers[0] + suffix, None
                elif first is not None:
                    first, second = frame.house_numbers(numbers)
                reading = new_tuple(
                    Reading, (plain_name, relation, first, second, None, told, nis, None, None)
                )
                if parts:
                    return _only(parts, told or postcode), (reading,), None
                if len(found) == 2 and not self._index.may_have(plain):
                    return None, (reading,), partial(frame.readings, written, numbers)
        return None, frame.readings(written, numbers), None

    def _alone(self, plain: str, postcode: str | None) -> Short | None:
        name = self._name(plain)
        if name is not None:
            if name.has_article and not name.parts:
                return None
            return _only(name.parts, postcode), (Reading(name.name, Relation.ALONG),), None
        opening = _IN_THE.match(plain)
        name = None if opening is None else self._name(plain[opening.end() :])
        if name is None or name.has_article:
            return None
        along = (Reading(plain.strip(EDGES), Relation.ALONG), Reading(name.name, Relation.ALONG))
        return None, along, None

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
    if len(parts) == 1:
        part = parts[0]
        return part if postcode is None or part.postcode == postcode else None
    here = [part for part in parts if part.postcode == postcode]
    return here[0] if len(here) == 1 else None


def _is_inert(name: str) -> bool:
    """Whether the parser makes nothing of a name but that name, whatever number stands beside it."""
    folded = name.casefold()
    if name.isalpha():
        return not (len(name) < 2 or folded in _NO_NAME or street_key(name) in villages())
    if _NAME.fullmatch(name) is None or LETTERS.search(name) is None:
        return False
    words = [word for word in _NOT_LETTERS.split(folded) if word]
    return (
        _TELLING.isdisjoint(words)
        and words[0] not in _TELLING_FIRST
        and words[-1] not in _TELLING_LAST
        and not (len(words[0]) == 1 and name[1:2] in " -")
        and not has_village(name)
    )
