"""The address table: read from an address file, kept in the store, compared by street keys."""

from __future__ import annotations

import csv
import hashlib
import re
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyproj
import sqlalchemy as sa

from hydrants import reference, store
from hydrants.errors import ReferenceMissing
from hydrants.reference.boundaries import LAMBERT_72
from hydrants.store import tables

STAGE, SCOPE = "addresses", "all"
VERSION = 1
"""Raised when `read` or `street_key` gives other results for the same file."""

REGION_L72 = ((20_000.0, 62_000.0), (153_000.0, 208_000.0))
"""The rectangle around the gemeenten: limits of x and of y, Lambert 72 in metres."""

COLUMNS = ["nis", "postcode", "street", "house_number", "x_l72", "y_l72"]

_BEST = {"postcode": "postcode", "street": "streetname_nl", "house_number": "house_number"}
_CRAB = {"postcode": "postcode", "street": "street", "house_number": "housenumber"}
_POSITIONS = (
    ("EPSG:31370_x", "EPSG:31370_y", LAMBERT_72),
    ("EPSG:3812_x", "EPSG:3812_y", "EPSG:3812"),
    ("EPSG:4326_lon", "EPSG:4326_lat", "EPSG:4326"),
    ("lon", "lat", "EPSG:4326"),
)
_RETIRED = {"retired", "rejected"}

# -- street keys -------------------------------------------------------------------------------

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

_ENDINGS = {
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

_ENDING = re.compile(rf"({'|'.join(sorted(_ENDINGS, key=len, reverse=True))})$")
_OUR_LADY = re.compile(
    r"\b(?:o ?l ?v(?: |$)|o ?l ?(?=vrouw)|onze ?lieve ?(?:v(?: |$)|(?=vrouw)))(?:vrouwe?)?"
)
_ORDINAL = re.compile(r"\b(\d+) ?(?:ste|de|e)\b")
_HOMONYM_MARK = re.compile(r"_\d+$")
_APOSTROPHE = re.compile("['’`´]")
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
    words = _HOMONYM_MARK.sub("", name).casefold()
    if not words.isascii():
        decomposed = unicodedata.normalize("NFKD", words)
        words = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    words = _BETWEEN_WORDS.sub(" ", _APOSTROPHE.sub("", words)).strip()
    words = _ORDINAL.sub(r"\1", _OUR_LADY.sub("onzelievevrouw", words))
    words = _ENDING.sub(lambda ending: _ENDINGS[ending[1]], words)
    *openings, last = words.split() or [""]
    return "".join([*(_TITLES.get(word, word) for word in openings), last]).replace("y", "ij")


def street_keys(names: pd.Series[Any]) -> pd.Series[Any]:
    """`street_key` of each name, computed once per distinct name; missing stays missing."""
    distinct = pd.Series(names.dropna().unique(), dtype=object)
    keys = dict(zip(distinct, distinct.map(street_key), strict=True))
    return names.map(keys).astype(object)


# -- reading -----------------------------------------------------------------------------------


def read(path: Path) -> pd.DataFrame:
    """Read an address file, recognised by its header.

    Known are BeST (`streetname_nl`, `house_number`, positions in EPSG:31370, else EPSG:3812,
    else EPSG:4326) and lists in the manner of CRAB (`street`, `housenumber`, `lat`, `lon`).

    Args:
        path: CSV in UTF-8, separated by commas or semicolons.

    Returns:
        nis, postcode, street, house_number (texts or None), x_l72, y_l72 (metres, EPSG:31370;
        NaN where the file has none, 0, or a place outside `REGION_L72`). Indexed by the ordinal
        of the row in the file, from 1. Rows without a street, retired addresses and the further
        boxes of a house are left out; `attrs["outside"]` counts the rows outside the gemeenten,
        left out too.

    Raises:
        ReferenceMissing: if there is no such file or its columns are not known.
    """
    header = _header(path)
    names = _BEST if _BEST["street"] in header else _CRAB
    positions = [position for position in _POSITIONS if {*position[:2]} <= header.keys()]
    if not {*names.values()} <= header.keys() or not positions:
        raise ReferenceMissing(
            f"{path} is no address file: its columns are {', '.join(header) or 'none'}; expected those of "
            "BeST (streetname_nl, house_number, postcode, EPSG:31370_x, ...) "
            "or of CRAB (street, housenumber, postcode, lat, lon)"
        )
    wanted = {*names.values(), "municipality_id", "status", *(n for p in positions for n in p[:2])}
    try:
        raw = pd.read_csv(
            path, sep=_separator(path), dtype=str, encoding="utf-8-sig", usecols=lambda name: name in wanted
        )
    except (UnicodeDecodeError, pd.errors.ParserError) as error:
        raise ReferenceMissing(f"{path} cannot be read as an address file: {error}") from error
    raw.index = pd.RangeIndex(1, len(raw) + 1, name="address_id")
    frame = pd.DataFrame({"nis": _nis(raw), **{ours: raw[theirs] for ours, theirs in names.items()}})
    for text in ("postcode", "street", "house_number"):
        stripped = frame[text].str.strip()
        frame[text] = stripped.where(stripped != "")
    frame["x_l72"], frame["y_l72"] = _positions_l72(raw, positions)
    is_inside = frame["nis"].notna()
    is_current = ~raw["status"].isin(_RETIRED) if "status" in raw else True
    result = frame[is_inside & is_current & frame["street"].notna()].drop_duplicates()
    for text in ("nis", "postcode", "street", "house_number"):
        objects = result[text].astype(object)
        result[text] = objects.where(objects.notna(), None)
    result.attrs["outside"] = int((~is_inside).sum())
    return result


def _header(path: Path) -> dict[str, int]:
    """Column names in the order of the file."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            row = next(csv.reader(file, delimiter=_separator(path)), [])
    except FileNotFoundError:
        raise ReferenceMissing(
            f"no addresses at {path}: set HYDRANTS_ADDRESSES to an address file in BeST columns, "
            "or make a demo world with 'hydrants demo DIR'"
        ) from None
    except UnicodeDecodeError as error:
        raise ReferenceMissing(f"{path} is not an address file in UTF-8: {error}") from error
    return {name: position for position, name in enumerate(row)}


def _separator(path: Path) -> str:
    with path.open("rb") as file:
        first = file.readline()
    return ";" if first.count(b";") > first.count(b",") else ","


def _nis(raw: pd.DataFrame) -> pd.Series[Any]:
    """The gemeente by its code, else by the postcode; missing when it is not one of ours."""
    by_postcode = raw["postcode"].map(reference.nis_by_postcode())
    if "municipality_id" not in raw:
        return by_postcode
    stated = raw["municipality_id"].str.strip()
    return stated.where(stated.isin(list(reference.gemeenten()))).where(stated.notna(), by_postcode)


def _positions_l72(
    raw: pd.DataFrame, positions: list[tuple[str, str, str]]
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Per row the first position that is there, in metres of Lambert 72."""
    x_l72, y_l72 = np.full(len(raw), np.nan), np.full(len(raw), np.nan)
    for x_name, y_name, crs in positions:
        x = pd.to_numeric(raw[x_name], errors="coerce").to_numpy()
        y = pd.to_numeric(raw[y_name], errors="coerce").to_numpy()
        fill = np.flatnonzero(np.isnan(x_l72) & (x != 0) & (y != 0) & ~np.isnan(x) & ~np.isnan(y))
        if crs == LAMBERT_72:
            x_l72[fill], y_l72[fill] = x[fill], y[fill]
        elif len(fill):
            to_l72 = pyproj.Transformer.from_crs(crs, LAMBERT_72, always_xy=True)
            x_l72[fill], y_l72[fill] = to_l72.transform(x[fill], y[fill])
    x_limits, y_limits = REGION_L72
    is_elsewhere = (
        (x_l72 < x_limits[0]) | (x_l72 > x_limits[1]) | (y_l72 < y_limits[0]) | (y_l72 > y_limits[1])
    )
    x_l72[is_elsewhere], y_l72[is_elsewhere] = np.nan, np.nan
    return x_l72, y_l72


# -- the store ---------------------------------------------------------------------------------


def load(engine: sa.Engine, path: Path) -> dict[str, int]:
    """Make the table `address` equal to the file; nothing happens when it is so already.

    Returns:
        addresses: rows written; outside: rows of the file outside the gemeenten. Both 0 when
        the file has not changed since it was loaded.

    Raises:
        ReferenceMissing: if there is no such file or its columns are not known.
    """
    if not path.is_file():
        _header(path)  # says what is missing, and what to do
    inputs = store.fingerprint(VERSION, hashlib.sha256(path.read_bytes()).hexdigest())
    with store.read(engine) as connection:
        if store.is_done(connection, STAGE, SCOPE, inputs):
            return {"addresses": 0, "outside": 0}
    frame = read(path)
    frame["street_key"] = street_keys(frame["street"])
    with store.write(engine, turn=STAGE) as connection:
        connection.execute(sa.delete(tables.address))
        written = store.insert_rows(connection, tables.address, frame.reset_index())
        counts = {"addresses": written, "outside": int(frame.attrs["outside"])}
        store.mark_done(connection, STAGE, SCOPE, inputs, counts)
    return counts


def fingerprint(connection: sa.Connection) -> str | None:
    """What the table `address` was computed from; None when nothing was ever loaded."""
    query = sa.select(tables.stage_state.c.fingerprint).where(
        tables.stage_state.c.stage == STAGE, tables.stage_state.c.scope == SCOPE
    )
    return connection.execute(query).scalar()
