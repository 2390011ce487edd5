"""The files of a gemeente, for whoever works with its hydrants in another program.

Each says the same of the same hydrants, and the same figures give the same bytes: the times in them are those
of the figures, not of the writing. Texts stay texts, whatever program opens them.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from hydrants.publishing.content import Content
from hydrants.publishing.downloads import geojson, geopackage, gpx, listing, workbook

__all__ = ["OFFERED", "Offer", "write"]


class Offer(NamedTuple):
    """A file of a gemeente: its name is the NIS code with this suffix."""

    suffix: str
    title_nl: str
    description_nl: str


OFFERED = (
    Offer(
        ".xlsx", "Excel", "Werkmap met overzicht, niet in orde, nog te controleren en alle, elk met filters."
    ),
    Offer(".csv", "CSV", "Alle brandkranen, met puntkomma en decimale komma."),
    Offer(
        ".gpkg", "GeoPackage", "Alle, niet in orde en nog te controleren, met kleuren voor QGIS (Lambert 72)."
    ),
    Offer(".geojson", "GeoJSON", "Alle brandkranen, in graden (WGS 84)."),
    Offer("_niet_in_orde.gpx", "GPX: niet in orde", "Punten voor telefoon of navigatie."),
    Offer("_nog_te_controleren.gpx", "GPX: nog te controleren", "Punten voor telefoon of navigatie."),
)


def write(folder: Path, content: Content, nis: str, hydrants: pd.DataFrame) -> None:
    """Write all files of a gemeente.

    Args:
        folder: the gemeente's own, in the snapshot's.
        hydrants: as `content.hydrants` gives them.
    """
    failed = hydrants[hydrants["status"] == "failed"]
    remaining = hydrants[hydrants["status"] == "remaining"]
    workbook.write(folder / f"{nis}.xlsx", content, nis, hydrants)
    listing.write(folder / f"{nis}.csv", hydrants)
    geopackage.write(folder / f"{nis}.gpkg", content, nis, hydrants)
    geojson.write(folder / f"{nis}.geojson", content, nis, hydrants)
    gpx.write(folder / f"{nis}_niet_in_orde.gpx", content, nis, "niet in orde", failed)
    gpx.write(folder / f"{nis}_nog_te_controleren.gpx", content, nis, "nog te controleren", remaining)
