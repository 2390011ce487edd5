"""The coordinate system that the .prj of a shapefile describes, as an EPSG code where that is certain."""

from __future__ import annotations

import pyproj
from pyproj.exceptions import CRSError, ProjError

from hydrants.formats.source import Source

_MAX_BYTES = 100_000
_LEAST_CONFIDENCE = 25  # per cent; pyproj's, of names and parameters together
_ROUNDING_M = 0.05
_PLACES = ((2.5, 50.7), (2.8, 50.9), (3.2, 51.2))
"""Longitude and latitude on their own datum, around the Westhoek: where a difference would tell."""

_MISSING_NL = (
    "De shapefile zegt niet in welk coördinatenstelsel ze is (.prj ontbreekt): het afgesproken stelsel geldt."
)
_UNKNOWN_NL = "Het coördinatenstelsel dat de shapefile opgeeft (.prj), is niet herkend."


def epsg_of(prj: Source | None) -> tuple[str | None, str | None]:
    """Code such as "EPSG:31370", or None; and what the sender should know, in Dutch."""
    if prj is None:
        return None, _MISSING_NL
    with prj.open() as stream:
        text = stream.read(_MAX_BYTES).decode("utf-8", errors="replace").strip("\ufeff \0\r\n\t")
    try:
        crs = pyproj.CRS.from_wkt(text)
        code = _certain_code(crs.source_crs if crs.is_bound and crs.source_crs else crs)
    except (CRSError, ProjError):
        code = None
    return (f"EPSG:{code}", None) if code else (None, _UNKNOWN_NL)


def _certain_code(crs: pyproj.CRS) -> int | None:
    """The code of a system by its name and parameters; or of one that gives the same coordinates.

    Programs write parameters in another order, or rounded to a millimetre: pyproj is then unsure, and rightly
    so, for the Belgian systems of the same name lie up to 700 m apart.
    """
    code = crs.to_epsg(min_confidence=100)
    if code or not crs.is_projected:
        return code
    code = crs.to_epsg(min_confidence=_LEAST_CONFIDENCE)
    if code is None:
        return None
    known = pyproj.CRS.from_epsg(code)
    if crs.datum != known.datum:
        return None
    given, meant = pyproj.Proj(crs), pyproj.Proj(known)
    is_same = all(
        abs(one - other) <= _ROUNDING_M
        for place in _PLACES
        for one, other in zip(given(*place), meant(*place), strict=True)
    )
    return code if is_same else None
