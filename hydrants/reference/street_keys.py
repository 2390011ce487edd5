"""Street names folded for comparison: two spellings of one name give one key."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_TITLES = {
    "st": "sint",
    "burg": "burgemeester",
    "burgem": "burgemeester",
    "dr": "dokter",
    "gebr": "gebroeders",
    "gen": "generaal",
    "gr": "grote",
    "kan": "kanunnik",
    "kapt": "kapitein",
    "kard": "kardinaal",
    "kl": "kleine",
    "kol": "kolonel",
    "mgr": "monseigneur",
    "past": "pastoor",
    "prof": "professor",
}
"""Abbreviations that open a name; each has one meaning in the address lists of the region."""

ENDINGS = {
    "ln": "laan",
    "plts": "plaats",
    "pln": "plein",
    "steenw": "steenweg",
    "steenwg": "steenweg",
    "str": "straat",
    "stw": "steenweg",
    "stwg": "steenweg",
    "wg": "weg",
}
"""Abbreviations that close a name, as a word or as the end of one."""

_OUR_LADY = re.compile(
    r"\b(?:o ?l ?v(?: |$)|o ?l ?(?=vrouw)|onze ?lieve ?(?:v(?: |$)|(?=vrouw)))(?:vrouwe?)?"
)
_ORDINAL = re.compile(r"\b(\d+) ?(?:ste|de|e)\b")
_HOMONYM_MARK = re.compile(r"_\d+$")
_APOSTROPHES = frozenset("'’`´")
_NO_APOSTROPHES = dict.fromkeys(map(ord, _APOSTROPHES))
_DIGIT = re.compile(r"\d")
_SHORT_ENDINGS = tuple(sorted(ENDINGS, key=len, reverse=True))
_BETWEEN_WORDS = re.compile(r"[^a-z0-9]+")


@lru_cache(maxsize=2**16)
def street_key(name: str) -> str:
    """Fold a street name for comparison: two spellings of one name give one key.

    Case, accents, punctuation and spaces go; usual abbreviations are written
    out (str., stwg., ln., St.-, O.L.V., dr., burg.); y counts as ij. A mark such as
    `_02`, by which address lists number homonyms, goes too.

    Args:
        name: one street name, without house number; anything else is folded just so.

    Returns:
        Lower-case letters and digits only; empty when the name has none.
    """
    text = name.casefold()
    if not text.isascii():
        decomposed = unicodedata.normalize("NFKD", text)
        text = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    is_one_word = text.isalpha()
    if "_" in text:
        text = _HOMONYM_MARK.sub("", text)
    if not (is_one_word and text.isascii()):
        if not _APOSTROPHES.isdisjoint(text):
            text = text.translate(_NO_APOSTROPHES)
        text = " ".join(_BETWEEN_WORDS.sub(" ", text).split())
    if text.startswith("o") or " o" in text:
        text = _OUR_LADY.sub("onzelievevrouw", text)
    if not is_one_word and _DIGIT.search(text):
        text = _ORDINAL.sub(r"\1", text)
    if text.endswith(_SHORT_ENDINGS):
        ending = next(filter(text.endswith, _SHORT_ENDINGS))
        text = text.removesuffix(ending) + ENDINGS[ending]
    if is_one_word and " " not in text:
        return text.replace("y", "ij")
    *openings, last = text.split(" ")
    return "".join([*(_TITLES.get(word, word) for word in openings), last]).replace("y", "ij")
