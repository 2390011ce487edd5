"""The gemeenten as shapes for the maps: simplified along shared borders, in degrees."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import geopandas as gpd
import shapely

from hydrants.publishing.content import WGS84
from hydrants.reference import boundaries

_SIMPLIFIED_TO_M = 50.0
_LABEL_ROOM_M = 1_500.0  # a gemeente that leaves its name less room has it beside it
_DEGREES = 1e-5  # about a metre


class Area(NamedTuple):
    """A gemeente on a map.

    Args:
        geometry: GeoJSON, WGS84 degrees.
        label_at: lon and lat of where its name stands.
        is_small: its name does not fit inside.
    """

    geometry: dict[str, Any]
    label_at: tuple[float, float]
    is_small: bool


def read(boundaries_file: Path, wanted: list[str]) -> dict[str, Area]:
    """The shapes of gemeenten by NIS code, in the order asked for; one that the file lacks is left out."""
    areas = boundaries.load(boundaries_file)
    areas = areas[areas.index.isin(wanted)]
    simple = areas.assign(geometry=shapely.coverage_simplify(areas.geometry.to_numpy(), _SIMPLIFIED_TO_M))
    circles = shapely.maximum_inscribed_circle(simple.geometry.to_numpy(), tolerance=_SIMPLIFIED_TO_M)
    middles = gpd.GeoSeries(shapely.get_point(circles, 0), simple.index, crs=simple.crs).to_crs(WGS84)
    room_m = dict(zip(simple.index, shapely.length(circles), strict=True))
    shapes = simple.geometry.to_crs(WGS84)
    return {
        nis: Area(
            shapely.geometry.mapping(shapely.set_precision(shapes[nis], _DEGREES)),
            (round(middles[nis].x, 5), round(middles[nis].y, 5)),
            bool(room_m[nis] < _LABEL_ROOM_M),
        )
        for nis in wanted
        if nis in shapes.index
    }
