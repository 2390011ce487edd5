"""A small world for the bad inputs that are about places: three gemeenten and eight hydrants."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pyproj
import sqlalchemy as sa

from hydrants import register
from hydrants.settings import Settings
from tests.batches import Row, good

POPERINGE, WERVIK, DIKSMUIDE = "33021", "33029", "32003"
_SQUARES = {POPERINGE: (30_000, 170_000), WERVIK: (50_000, 160_000), DIKSMUIDE: (42_000, 190_000)}
_SIDE_M = 4_000

TWINS = {"1111111": (31_000.0, 171_000.0), "2222222": (31_010.0, 171_000.0)}
"""Two hydrants 10 m apart."""
LONE = {"3333333": (32_000.0, 172_000.0)}
IN_WERVIK = {"4444444": (51_000.0, 161_000.0)}
PAYLOADS = {f"555555{n}": (32_500.0 + 100 * n, 173_000.0) for n in range(6)}
"""Hydrants for rows with hostile texts."""
_IN_DIKSMUIDE = {"6666666": (43_000.0, 191_000.0)}
OF_AQUADUIN = (44_000.0, 192_000.0)
"""A hydrant in Diksmuide that another firm inspects; its register knows no numbers."""

AQUADUIN_ID = f"AQD-{round(OF_AQUADUIN[0] * 10)}-{round(OF_AQUADUIN[1] * 10)}"


def make(engine: sa.Engine, settings: Settings) -> None:
    """Write boundaries and an empty address table, and load both registers."""
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::31370"}}
    collection = {"type": "FeatureCollection", "crs": crs, "features": [_square(nis) for nis in _SQUARES]}
    settings.boundaries.write_text(json.dumps(collection), encoding="utf-8")
    numbered = {**TWINS, **LONE, **IN_WERVIK, **PAYLOADS, **_IN_DIKSMUIDE}
    dewatergroep = _written(
        settings.registers / "dewatergroep.csv",
        "G3E_FID;NOMINALE_D;SOORT;X;Y;STR_NAMEN;LEIDING_D;CREATE_DAT",
        [f"{number};80;Ondergronds;{x};{y};;100;01/01/2000" for number, (x, y) in numbered.items()],
    )
    aquaduin = _written(settings.registers / "aquaduin.csv", "X;Y", [f"{OF_AQUADUIN[0]};{OF_AQUADUIN[1]}"])
    for operator, path in (("dewatergroep", dewatergroep), ("aquaduin", aquaduin)):
        register.load(engine, settings, operator, path, exported_on=date(2019, 1, 1), scope=sorted(_SQUARES))


def _square(nis: str) -> dict[str, object]:
    x, y = _SQUARES[nis]
    corners = ((0, 0), (_SIDE_M, 0), (_SIDE_M, _SIDE_M), (0, _SIDE_M), (0, 0))
    ring = [[x + dx, y + dy] for dx, dy in corners]
    return {
        "type": "Feature",
        "properties": {"nis": nis},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }


def _written(path: Path, header: str, lines: list[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def seen(number: int, ref: str, first: float | str, second: float | str, **changes: str) -> Row:
    """A row of Westlandia about a hydrant: its number and its two coordinates, and little else."""
    plain = good(number, **{"Straat_en_nr": "", "Type": "", "Diameter": "", **changes})
    return plain | {"Nr. brandkraan": ref, "X": _comma(first), "Y": _comma(second)}


def _comma(number: float | str) -> str:
    return number if isinstance(number, str) else repr(number).replace(".", ",")


def from_lambert_72(crs: str, x: float, y: float) -> tuple[float, float]:
    """A place in another system, in its order east, north."""
    return pyproj.Transformer.from_crs("EPSG:31370", crs, always_xy=True).transform(x, y)
