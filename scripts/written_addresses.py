"""Address texts as crews write them, made from a real or made-up address list, with their truth.

Nothing here knows how hydrants reads a text: abbreviations, forms and slips are drawn from lists of
their own, and the truth is the row of the address list that a text was made from.
"""

from __future__ import annotations

import math
import random
import re
import string
from typing import NamedTuple

import pandas as pd
from scipy.spatial import cKDTree


class Written(NamedTuple):
    """One text, and what it was made from.

    Positions are Lambert 72 in metres, NaN where the list has none. `number` is None for a street
    alone, a corner and a road; `streets` are the names that are right, none for a road.
    """

    form: str
    nis: str
    postcode: str | None
    text: str
    streets: tuple[str, ...]
    number: str | None
    second_number: str | None
    x_l72: float
    y_l72: float
    is_listed: bool
    slips: int
    road: str | None = None
    km: float | None = None


FORMS = {
    "number": (30, ("{s} {n}",)),
    "marked number": (10, ("{s} nr {n}", "{s}, nr. {n}", "{s} nr.{n}", "{s}, {n}", "{s} huisnr {n}",
                           "{s} n° {n}")),
    "opposite": (13, ("{s} t.o. {n}", "{s} t/o {n}", "{s} tegenover nr {n}", "{s} TO {n}",
                      "{s} schuin tegenover {n}", "{s}, t.o. nr. {n}", "{s} rechtover {n}")),
    "near": (12, ("{s} thv {n}", "{s} t.h.v. nr {n}", "{s} ter hoogte van {n}", "{s} naast {n}",
                  "{s} thv{n}", "{s} achter nr {n}", "{s} voor {n}", "{s}, bij nr {n}")),
    "box": (4, ("{s} {n} bus {b}", "{s} {n}/{b}", "{s} thv nr {n} bus {b}", "{s} {n} Bus {b}")),
    "reversed": (6, ("{n} {s}", "thv nr {n} {s}", "t.o. {n} {s}", "nr {n} {s}", "tegenover {n}, {s}")),
    "between": (4, ("{s} tussen {n} en {m}", "tussen {n} en {m} {s}", "{s} tss {n} en {m}",
                    "{s} tussen nr {n} en nr {m}")),
    "range": (4, ("{s} {n}-{m}", "{s} {n} - {m}", "{s} nr {n}-{m}", "{s} {n} tot {m}")),
    "corner": (5, ("hoek {s} / {c}", "hoek {s} en {c}", "{s} hoek {c}", "hoek {s}/{c}",
                   "kruispunt {s} - {c}", "{s}/{c}", "op de hoek van {s} met {c}")),
    "street alone": (6, ("{s}", "{s}", "{s} aan de bushalte", "in de {s}")),
    "remark": (4, ("{s} {n} (aan de haag)", "{s} ({n})", "{s} {n}, op het voetpad", "{s} {n} aan oprit",
                   "{s} (t.o. {n})")),
    "road": (2, ("{r} km {k}", "{r} km{k}", "{r} kmpaal {k}", "{r}, {k} km", "{r} km {k} richting {g}")),
}  # fmt: skip
"""Share of each form in percent, and how it is written: s street, n and m numbers, b box, c crossing street,
r road, k kilometre, g gemeente."""

_VILLAGES = {
    "8902": "Zillebeke", "8904": "Boezinge", "8906": "Elverdinge", "8908": "Vlamertinge", "8972": "Proven",
    "8978": "Watou", "8951": "Dranouter", "8952": "Wulvergem", "8953": "Wijtschate", "8954": "Westouter",
    "8956": "Kemmel", "8958": "Loker",
}  # fmt: skip
_WITH_PLACE = (
    *(
        "{t}, {p} {g}",
        "{t} {p} {g}",
        "{t} {g}",
        "{t}, {g}",
        "{t} ({g})",
        "{g}, {t}",
        "{p} {g}, {t}",
        "{p} {t}",
    ),
)
_SHORTER = (
    (re.compile(r"\bSint[- ]"), ("St.-", "St. ", "St-", "St ")),
    (re.compile(r"\bSt\.-"), ("Sint-", "St. ", "St ", "St.")),
    (re.compile(r"\bOnze[- ]Lieve[- ]Vrouwe?"), ("O.L.V.", "OLV ", "O.L. Vrouw", "O.L.Vrouw")),
    (re.compile(r"\bBurgemeester "), ("Burg. ", "Burgem. ", "burg. ")),
    (re.compile(r"\bDokter "), ("Dr. ", "dr ")),
    (re.compile(r"\bPastoor "), ("Past. ", "past. ")),
    (re.compile(r"\bGrote "), ("Gr. ",)),
    (re.compile(r"\bKleine "), ("Kl. ",)),
    (re.compile(r"straat$"), ("str.", "str", "str.")),
    (re.compile(r"steenweg$"), ("stwg.", "stw.", "stwg", "steenw.")),
    (re.compile(r"laan$"), ("ln.", "ln")),
    (re.compile(r"plein$"), ("pln.", "pln")),
    (re.compile(r"plaats$"), ("plts.",)),
)
_NO_FIRST_NAMES = {
    *("Oude", "Nieuwe", "Grote", "Kleine", "Lange", "Korte", "Hoge", "Lage", "Sint", "Onze", "Burgemeester"),
    *("Dokter", "Pastoor", "Kanunnik", "Koning", "Koningin", "Prins", "Heilig", "Park", "Noord", "Zuid"),
}
_NEIGHBOURS = {
    letter: row[max(0, at - 1) : at] + row[at + 1 : at + 2]
    for row in ("azertyuiop", "qsdfghjklm", "wxcvbn")
    for at, letter in enumerate(row)
}
_ROADS = ("N8", "N38", "N35", "N369", "N313", "N331", "N39", "N34", "N 8", "N 38")
_CORNER_M = 45.0
_FURTHEST_PARTNER = 10


class _Row(NamedTuple):
    """An address with a house number."""

    key: int
    nis: str
    postcode: str
    street: str
    house_number: str
    gemeente: str
    x_l72: float
    y_l72: float

    @property
    def is_placed(self) -> bool:
        return not math.isnan(self.x_l72)


def write(rows: pd.DataFrame, unlisted: set[int], count: int, seed: int) -> list[Written]:
    """Texts about rows of an address list.

    Args:
        rows: nis, postcode, street, house_number, gemeente, x_l72, y_l72, by a unique index.
        unlisted: index of the rows that the resolver is not to know.
        count: texts to write.
    """
    return list(_Writer(rows, unlisted, seed).texts(count))


class _Writer:
    def __init__(self, rows: pd.DataFrame, unlisted: set[int], seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - made up, not secret
        self._unlisted = unlisted
        numbered = rows[rows["house_number"].notna()]
        columns = numbered[list(_Row._fields[1:])].itertuples(name=None)
        self._rows = [_Row(*row) for row in columns]
        self._of_street: dict[tuple[str, str], list[_Row]] = {}
        for row in self._rows:
            self._of_street.setdefault((row.postcode, row.street), []).append(row)
        self._placed = [row for row in self._rows if row.is_placed]
        self._tree = cKDTree([(row.x_l72, row.y_l72) for row in self._placed])

    def texts(self, count: int) -> list[Written]:
        picked = self._random.choices(self._rows, k=count)
        forms = self._random.choices(list(FORMS), [share for share, _ in FORMS.values()], k=count)
        return [self._text(row, form) for row, form in zip(picked, forms, strict=True)]

    def _text(self, row: _Row, form: str) -> Written:
        pick, chance = self._random.choice, self._random.random
        partner = self._partner(row) if form in ("between", "range") else None
        crossing = self._crossing(row) if form == "corner" else None
        if form in ("between", "range") and partner is None:
            form = "number"
        if form == "corner" and crossing is None:
            form = "street alone"
        slips = self._random.choices((0, 1, 2), (88, 10, 2))[0]
        street = self._slipped(self._shortened(row.street), slips)
        road, km = pick(_ROADS), round(self._random.uniform(0.1, 39.9), 1)
        number = row.house_number
        text = pick(FORMS[form][1]).format(
            s=street,
            n=pick((number, number, number.lower(), re.sub(r"(?<=\d)(?=[A-Z])", " ", number))),
            m=partner.house_number if partner else "",
            b=self._random.randint(1, 9),
            c=self._shortened(crossing.street) if crossing else "",
            r=road,
            k=str(km).replace(".", pick(",.")),
            g=row.gemeente,
        )
        if form != "road" and chance() < 0.1:
            village = _VILLAGES.get(row.postcode, row.gemeente) if chance() < 0.5 else row.gemeente
            text = pick(_WITH_PLACE).format(t=text, p=row.postcode, g=village)
        style = chance()
        text = text.upper() if style < 0.06 else text.lower() if style < 0.14 else text
        if chance() < 0.03:
            text = " " + text.replace(" ", "  ", 1)
        beside = partner or crossing or row
        is_road, has_number = form == "road", form not in ("road", "corner", "street alone")
        return Written(
            form,
            row.nis,
            row.postcode if chance() < 0.75 else None,
            text,
            () if is_road else (row.street, beside.street),
            number if has_number else None,
            partner.house_number if partner else None,
            (row.x_l72 + beside.x_l72) / 2,
            (row.y_l72 + beside.y_l72) / 2,
            self._unlisted.isdisjoint((row.key, beside.key)),
            0 if is_road else slips,
            road.replace(" ", "") if is_road else None,
            km if is_road else None,
        )

    def _partner(self, row: _Row) -> _Row | None:
        """Another house on the same side, at most ten numbers on."""
        if not row.house_number.isdigit() or not row.is_placed:
            return None
        further = range(2, _FURTHEST_PARTNER + 1, 2)
        numbers = {str(int(row.house_number) + more) for more in further}
        found = [
            other
            for other in self._of_street[row.postcode, row.street]
            if other.house_number in numbers and other.is_placed
        ]
        return self._random.choice(found) if found else None

    def _crossing(self, row: _Row) -> _Row | None:
        """The nearest house that is in another street of the postcode, if it is near."""
        if not row.is_placed:
            return None
        place = (row.x_l72, row.y_l72)
        around = (
            self._placed[at] for at in self._tree.query_ball_point(place, _CORNER_M, return_sorted=True)
        )
        others = [other for other in around if other.street != row.street and other.postcode == row.postcode]
        return min(others, key=lambda other: math.dist(place, (other.x_l72, other.y_l72)), default=None)

    def _shortened(self, name: str) -> str:
        """The name as a crew in a hurry writes it."""
        chance, pick = self._random.random, self._random.choice
        first, *others = name.split(" ")
        is_first_name = (
            first.isalpha() and first.istitle() and len(first) > 3 and first not in _NO_FIRST_NAMES
        )
        if is_first_name and others and others[0][:1].isupper() and chance() < 0.08:
            name = " ".join([f"{first[0]}.", *others])
        for pattern, shorter in _SHORTER:
            if chance() < 0.3:
                name = pattern.sub(pick(shorter), name)
        if "-" in name and chance() < 0.15:
            name = name.replace("-", " ")
        if "'" in name and chance() < 0.4:
            name = name.replace("'", pick(("", "’")))
        return name

    def _slipped(self, name: str, slips: int) -> str:
        """The name with that many slips of the finger in its letters."""
        for _ in range(slips):
            at = self._random.choice([at for at, letter in enumerate(name) if letter.isalpha()])
            letter = name[at]
            near = _NEIGHBOURS.get(letter.lower(), "") if self._random.random() < 0.6 else ""
            other = self._random.choice(near or string.ascii_lowercase.replace(letter.lower(), ""))
            kind = self._random.choice(("other", "left out", "inserted", "swapped"))
            follower = name[at + 1 : at + 2]
            if kind == "swapped" and (not follower.isalpha() or follower == letter):
                kind = "other"
            name = {
                "other": name[:at] + other + name[at + 1 :],
                "left out": name[:at] + name[at + 1 :],
                "inserted": name[:at] + self._random.choice((other, letter)) + name[at:],
                "swapped": name[:at] + follower + letter + name[at + 2 :],
            }[kind]
        return name
