"""How each firm writes a row: words, dates, numbers, addresses, in the columns of its forms."""

from __future__ import annotations

import math
import re
import uuid
from datetime import date, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from hydrants import reference
from hydrants.demo.dirt import AT_NUMBER, NUMBER, OPPOSITE, SHORT, STREET_ONLY
from hydrants.demo.extras import REFUSED
from hydrants.demo.filing import L72, L2008, WGS84, File
from hydrants.demo.inspections import FAILED, NOT_FOUND, OK
from hydrants.demo.world import Floats, stream, transform
from hydrants.reference import profile

Cell = str | int | float | date | datetime | None
Table = dict[str, list[Cell]]

_OUTCOME_WORDS = {
    "westlandia": (
        ("goedgekeurd", "in orde", "ok", "V"),
        ("afgekeurd", "niet in orde", "x"),
        ("niet gevonden", "niet vindbaar"),
        ("n.v.t.", "auto op deksel", "niet controleerbaar"),
        ("hersteld", "herstelling uitgevoerd"),
    ),
    "interwest": (
        ("werkbaar", "in orde", "o.k.", "goedgekeurd"),
        ("niet werkbaar", "defect", "niet in orde"),
        ("onvindbaar", "niet gevonden"),
        ("niet controleerbaar", "auto op deksel"),
        ("hersteld", "herstelling uitgevoerd"),
    ),
}
_TYPE_WORDS = (
    ("", "BH", "OH"),
    ("", "bovengronds", "ondergronds"),
    ("", "bovengrondse hydrant", "ondergrondse hydrant"),
)
_DIAMETER_FORMS = ("{}", "{} mm", "DN{}")
_REMARKS = (
    "hoog gras",
    "geïnspecteerd met twee",
    "buurman verwittigd",
    'sleutel "oud model" gebruikt',
    "foto op toestel; volgt nog",
    "druk niet gemeten",
)
_UNREADABLE_DATES = ("31/02/2019", "32/13/2019", "week 12", "eind maart")
_EARLY_DATES = (date(2018, 11, 20), date(1970, 1, 1), date(2018, 12, 31))
_FUTURE_DATE = date(2062, 1, 3)
_UNKNOWN_OUTCOMES = ("geodgekeurd", "half", "?", "nog eens bekijken")
_MINOR_DEFECTS = ("paint", "sign_wrong", "sign_missing", "hard_to_open")
_SHORT_ENDINGS = ((re.compile(r"straat$"), "str."), (re.compile(r"laan$"), "ln."))


def describe(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Add defects (Dutch labels, comma-separated), a remark where there is none, and a draw for the words."""
    rng = stream(seed, "wording")
    known = profile.defects()
    labels = np.array(
        [defect.label_nl for code, defect in known.items() if code != "not_findable"], dtype=object
    )
    minor = np.array([known[code].label_nl for code in _MINOR_DEFECTS], dtype=object)
    count = len(rows)
    first, second = rng.choice(labels, size=count), rng.choice(labels, size=count)
    both = np.where((rng.random(count) < 0.25) & (first != second), first + ", " + second, first)
    outcome = rows["outcome"].to_numpy()
    defects = np.where(outcome == FAILED, both, "")
    defects = np.where((outcome == OK) & (rng.random(count) < 0.08), rng.choice(minor, size=count), defects)
    defects = np.where(
        (outcome == NOT_FOUND) & (rng.random(count) < 0.3), known["not_findable"].label_nl, defects
    )
    remark = np.where(rng.random(count) < 0.08, rng.choice(np.array(_REMARKS, dtype=object), size=count), "")
    remark = np.where(rows["remark"].notna(), rows["remark"].to_numpy(dtype=object), remark)
    return rows.assign(defects=defects, remark=remark, draw=rng.integers(0, 1 << 30, size=count))


def table(rows: pd.DataFrame, file: File, addresses: pd.DataFrame) -> Table:
    """The rows as this file has them, before it is written: typed cells by column.

    Args:
        rows: rows of one file in their order.
        addresses: nis, street, house_number; `rows.house` points into it.

    Returns:
        ref, id, date, address, gemeente, x, y, type, diameter, outcome, defects, again, revised, remark.
    """
    why = rows["why"].to_numpy()
    draw = rows["draw"].to_numpy()
    columns: Table = {
        "ref": _refs(rows, file),
        "id": _ids(rows, file, why),
        "date": _dates(rows, file, why, draw),
        "address": _addresses(rows, addresses),
        "gemeente": _gemeenten(file, why),
        "type": _pick(_TYPE_WORDS[file.type_style], rows["hydrant_type"].to_numpy()),
        "diameter": [_diameter(mm, file) for mm in rows["diameter_mm"].tolist()],
        "outcome": _outcomes(rows, file, why, draw),
        "defects": [text or None for text in rows["defects"]],
        "again": ["ja" if again else None for again in rows["is_declared"]],
        "revised": [_revised(at, file) for at in rows["revised_at"].dt.to_pydatetime()],
        "remark": [text or None for text in rows["remark"]],
    }
    x, y = coordinates(rows, file)
    digits = 7 if file.crs == WGS84 else 2
    is_garbled = why == REFUSED + "NUMBER_UNREADABLE"
    columns["x"] = [
        "zie plan" if bad else _number(v, digits) for bad, v in zip(is_garbled, x.tolist(), strict=True)
    ]
    columns["y"] = [_number(v, digits) for v in y.tolist()]
    return columns


def coordinates(rows: pd.DataFrame, file: File) -> tuple[Floats, Floats]:
    """The coordinates in the file's CRS, with the rows in Lambert 2008 and the swapped axes."""
    x, y = rows["x_l72"].to_numpy(dtype=np.float64), rows["y_l72"].to_numpy(dtype=np.float64)
    is_2008 = rows["is_lambert_2008"].to_numpy(dtype=bool) & (file.crs == L72) & (not file.is_phone)
    if file.crs != L72:
        x, y = transform(x, y, L72, file.crs)
    elif is_2008.any():
        x_2008, y_2008 = transform(x, y, L72, L2008)
        x, y = np.where(is_2008, x_2008, x), np.where(is_2008, y_2008, y)
    is_swapped = rows["is_swapped"].to_numpy(dtype=bool)
    return np.where(is_swapped, y, x), np.where(is_swapped, x, y)


def _number(value: float, digits: int) -> float | None:
    return round(value, digits) if math.isfinite(value) else None


def _pick(words: tuple[str, ...], which: npt.NDArray[np.int64]) -> list[Cell]:
    return [words[number] or None for number in which.tolist()]


def _refs(rows: pd.DataFrame, file: File) -> list[Cell]:
    if file.is_phone:
        # the number of the record, spread over 128 bits: the same in every version of it
        key = f"{file.firm}/{file.nis}/"
        return [
            str(uuid.uuid5(uuid.NAMESPACE_OID, f"{key}{number}")) for number in rows["ref_number"].tolist()
        ]
    letter = "W" if file.firm == "westlandia" else "I"
    return [f"{letter}-{file.nis}-{number:05d}" for number in rows["ref_number"].tolist()]


def _ids(rows: pd.DataFrame, file: File, why: npt.NDArray[np.object_]) -> list[Cell]:
    is_mangled = (why == REFUSED + "ID_MANGLED").tolist()
    as_text = file.has_text_ids or file.suffix != "xlsx"
    return [
        "1.2E+15" if mangled else None if number == 0 else str(number) if as_text else number
        for mangled, number in zip(is_mangled, rows["number"].tolist(), strict=True)
    ]


def _dates(
    rows: pd.DataFrame, file: File, why: npt.NDArray[np.object_], draw: npt.NDArray[np.int64]
) -> list[Cell]:
    days = rows["day"].dt.date.tolist()
    for at in np.flatnonzero(np.char.find(why.astype(str), "DATE_") >= 0):
        code = str(why[at]).removeprefix(REFUSED)
        days[at] = {
            "DATE_MISSING": None,
            "DATE_UNREADABLE": _UNREADABLE_DATES[draw[at] % len(_UNREADABLE_DATES)],
            "DATE_IN_FUTURE": _FUTURE_DATE,
            "DATE_BEFORE_CAMPAIGN": _EARLY_DATES[draw[at] % len(_EARLY_DATES)],
        }[code]
    as_text = {"xlsx": draw % 100 < 12, "csv": np.ones(len(rows), dtype=bool)}.get(file.suffix)
    if as_text is None:  # the phone writes ISO dates
        return [day.isoformat() if isinstance(day, date) else day for day in days]
    return [
        f"{day:%d/%m/%Y}" if text and isinstance(day, date) else day
        for text, day in zip(as_text.tolist(), days, strict=True)
    ]


def _addresses(rows: pd.DataFrame, addresses: pd.DataFrame) -> list[Cell]:
    house = rows["house"].to_numpy()
    streets = addresses["street"].take(house)
    numbers = addresses["house_number"].take(house)
    result: list[Cell] = []
    for form, street, number, alone in zip(
        rows["address_form"].tolist(), streets, numbers, rows["street"], strict=True
    ):
        result.append(_address(form, str(street), str(number), str(alone)))
    return result


def _address(form: int, street: str, number: str, street_alone: str) -> str | None:
    if form == SHORT:
        for ending, short in _SHORT_ENDINGS:
            street = ending.sub(short, street)
    return {
        STREET_ONLY: street_alone,
        NUMBER: f"{street} {number}",
        SHORT: f"{street} {number}",
        OPPOSITE: f"{street} t.o. {number}",
        AT_NUMBER: f"thv nr {number} {street}",
    }.get(form)


def _gemeenten(file: File, why: npt.NDArray[np.object_]) -> list[Cell]:
    name = reference.gemeenten()[file.nis].name_nl
    return ["Zandergem" if wrong else name for wrong in (why == REFUSED + "GEMEENTE_UNKNOWN").tolist()]


def _diameter(mm: int, file: File) -> Cell:
    if mm == 0:
        return None
    text = _DIAMETER_FORMS[file.diameter_style].format(mm)
    return mm if file.suffix == "xlsx" and file.diameter_style == 0 else text


def _outcomes(
    rows: pd.DataFrame, file: File, why: npt.NDArray[np.object_], draw: npt.NDArray[np.int64]
) -> list[Cell]:
    words = _OUTCOME_WORDS[file.firm]
    result: list[Cell] = []
    for code, number, chance in zip(why, rows["outcome"].tolist(), draw.tolist(), strict=True):
        if code == REFUSED + "OUTCOME_MISSING":
            result.append(None)
        elif code == REFUSED + "OUTCOME_UNKNOWN":
            result.append(_UNKNOWN_OUTCOMES[chance % len(_UNKNOWN_OUTCOMES)])
        else:
            result.append(words[number][chance % len(words[number])])
    return result


def _revised(at: datetime, file: File) -> Cell:
    if file.revised_style == 1:
        return f"{at:%d/%m/%Y %H:%M}"
    if file.revised_style == 2 and file.suffix == "xlsx":
        return at
    return f"{at:%Y-%m-%d %H:%M}"


def plain(value: Any) -> str:
    """A cell as text in a CSV of a Belgian office: decimal comma, nothing for nothing."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.2f}".replace(".", ",")
    return str(value)
