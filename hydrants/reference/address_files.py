"""Address files of every origin, read into one shape."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyproj

from hydrants import reference
from hydrants.errors import ReferenceMissing
from hydrants.reference.boundaries import LAMBERT_72
from hydrants.reference.region import REGIONS

COLUMNS = {
    "street": ("streetname_nl", "straatnaam", "straatnm", "street"),
    "house_number": ("house_number", "huisnummer", "huisnr", "housenumber"),
    "postcode": ("postcode", "pkancode"),
    "nis": ("municipality_id", "niscode", "nisgemcode", "gemeenteid", "nis"),
    "status": ("status", "adresstatus", "statusadres"),
}
"""What BeST, the Adressenregister and CRAB call each column, whatever the case. The last two may lack."""

POSITIONS = (
    ("epsg:31370_x", "epsg:31370_y"),
    ("epsg:3812_x", "epsg:3812_y"),
    ("x_lambert72", "y_lambert72"),
    ("x_lambert2008", "y_lambert2008"),
    ("x", "y"),
    ("epsg:4326_lon", "epsg:4326_lat"),
    ("lon", "lat"),
)
"""Columns of positions, the first that says something first. The numbers tell which system they are in."""

_NEEDED = ("street", "house_number", "postcode")
_TEXTS = ("nis", "postcode", "street", "house_number")
_ROWS_AT_ONCE = 50_000
"""As the texts of a file, rows take several times the room of what becomes of them."""
_RETIRED = {"retired", "rejected", "gehistoreerd", "afgekeurd"}


def read(path: Path) -> pd.DataFrame:
    """Read an address file, recognised by its header.

    Known are BeST (`streetname_nl`, `house_number`), the Adressenregister (`straatnaam`,
    `huisnummer`) and CRAB (`STRAATNM`, `HUISNR`, or `street`, `housenumber`), with positions in
    Lambert 72, Lambert 2008 or WGS84 degrees, whatever their label says.

    Args:
        path: CSV in UTF-8, separated by commas or semicolons.

    Returns:
        nis, postcode, street, house_number (texts or None), x_l72, y_l72 (metres, EPSG:31370;
        NaN where the file has none, 0, or a place outside the region). Indexed by the ordinal
        of the row in the file, from 1. Rows without a street, retired addresses and the further
        boxes of a house are left out; `attrs["outside"]` counts the rows outside the gemeenten,
        left out too.

    Raises:
        ReferenceMissing: if there is no such file or its columns are not known.
    """
    titles = header(path)
    known = {title.strip().casefold(): title for title in reversed(titles)}
    names = {
        ours: next((known[theirs] for theirs in candidates if theirs in known), None)
        for ours, candidates in COLUMNS.items()
    }
    positions = [(known[x], known[y]) for x, y in POSITIONS if x in known and y in known]
    if any(names[ours] is None for ours in _NEEDED) or not positions:
        raise ReferenceMissing(
            f"{path} is no address file: its columns are {', '.join(titles) or 'none'}; expected those of "
            "BeST (streetname_nl, house_number, postcode, EPSG:31370_x, ...), "
            "of the Adressenregister (straatnaam, huisnummer, postcode, niscode, x, y) "
            "or of CRAB (street, housenumber, postcode, lat, lon)"
        )
    wanted = {*filter(None, names.values()), *(title for pair in positions for title in pair)}
    frames, outside = [], 0
    try:
        with pd.read_csv(
            path,
            sep=_separator(path),
            dtype=str,
            encoding="utf-8-sig",
            usecols=lambda name: name in wanted,
            chunksize=_ROWS_AT_ONCE,
        ) as raws:
            for raw in raws:
                frame, outside_here = _addresses(raw, names, positions)
                frames.append(frame)
                outside += outside_here
    except (UnicodeDecodeError, pd.errors.ParserError) as error:
        raise ReferenceMissing(f"{path} cannot be read as an address file: {error}") from error
    result = pd.concat(frames).drop_duplicates()
    for text in _TEXTS:
        result[text] = _shared(result[text])
    result.attrs["outside"] = outside
    return result


def _addresses(
    raw: pd.DataFrame, names: dict[str, str | None], positions: list[tuple[str, str]]
) -> tuple[pd.DataFrame, int]:
    """Those of some rows of a file that count, as `read` returns them, and how many lie outside."""
    raw.index = (raw.index + 1).rename("address_id")
    texts = {ours: _text(raw[title]) for ours, title in names.items() if title is not None}
    frame = pd.DataFrame({"nis": _nis(texts), **{ours: texts[ours] for ours in _NEEDED}})
    frame = frame[[*_TEXTS]]
    frame["x_l72"], frame["y_l72"] = _positions_l72(raw, positions)
    is_inside = frame["nis"].notna()
    is_current = ~texts["status"].str.casefold().isin(_RETIRED) if "status" in texts else True
    return frame[is_inside & is_current & frame["street"].notna()], int((~is_inside).sum())


def header(path: Path) -> list[str]:
    """Column names in the order of the file.

    Raises:
        ReferenceMissing: if there is no such file or it is not text.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return next(csv.reader(file, delimiter=_separator(path)), [])
    except FileNotFoundError:
        raise ReferenceMissing(
            f"no addresses at {path}: set HYDRANTS_ADDRESSES to an address file in BeST columns, "
            "load one with 'hydrants addresses load FILE', or make a demo world with 'hydrants demo DIR'"
        ) from None
    except UnicodeDecodeError as error:
        raise ReferenceMissing(f"{path} is not an address file in UTF-8: {error}") from error


def _separator(path: Path) -> str:
    with path.open("rb") as file:
        first = file.readline()
    return ";" if first.count(b";") > first.count(b",") else ","


def _text(column: pd.Series[Any]) -> pd.Series[Any]:
    stripped = column.str.strip()
    return stripped.where(stripped != "")


def _shared(column: pd.Series[Any]) -> pd.Series[Any]:
    """The same texts, each once in memory: few are different; None where one is missing."""
    codes, distinct = pd.factorize(column)
    objects = np.array([*distinct, None], dtype=object)  # the code of what is missing is -1
    return pd.Series(objects[codes], column.index, dtype=object)


def _nis(texts: dict[str, pd.Series[Any]]) -> pd.Series[Any]:
    """The gemeente by its code, else by the postcode; missing when it is not one of ours."""
    by_postcode = texts["postcode"].map(reference.nis_by_postcode())
    if "nis" not in texts:
        return by_postcode
    stated = texts["nis"].str.extract(r"(\d{5})$", expand=False)  # also of .../id/gemeente/33021
    return stated.where(stated.isin(list(reference.gemeenten()))).where(texts["nis"].notna(), by_postcode)


def _positions_l72(
    raw: pd.DataFrame, positions: list[tuple[str, str]]
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Per row the first position that is there, in metres of Lambert 72; NaN if it is not in the region."""
    x, y = np.full(len(raw), np.nan), np.full(len(raw), np.nan)
    for pair in positions:
        given = [pd.to_numeric(raw[n].str.replace(",", "."), errors="coerce").to_numpy() for n in pair]
        fill = np.isnan(x) & (given[0] != 0) & (given[1] != 0) & ~np.isnan(given[0]) & ~np.isnan(given[1])
        x[fill], y[fill] = given[0][fill], given[1][fill]
    x_l72, y_l72 = np.full(len(raw), np.nan), np.full(len(raw), np.nan)
    for crs, ((west, east), (south, north)) in REGIONS.items():
        rows = np.flatnonzero((x >= west) & (x <= east) & (y >= south) & (y <= north))
        if crs == LAMBERT_72:
            x_l72[rows], y_l72[rows] = x[rows], y[rows]
        elif len(rows):
            to_l72 = pyproj.Transformer.from_crs(crs, LAMBERT_72, always_xy=True)
            x_l72[rows], y_l72[rows] = to_l72.transform(x[rows], y[rows])
    return x_l72, y_l72
