"""The public page: Dutch HTML, a map that also opens from disk, and the data behind both."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import geopandas as gpd
import jinja2
import orjson
import pandas as pd
import shapely
import xstatic.pkg.leaflet

from hydrants import reference
from hydrants.publishing import labels
from hydrants.publishing.content import WGS84, Content
from hydrants.reference import boundaries

_HERE = Path(__file__).parent
_LEAFLET = (
    "leaflet.js",
    "leaflet.css",
    "images/layers.png",
    "images/layers-2x.png",
    "images/marker-icon.png",
)
_SIMPLIFIED_TO_M = 50.0
_LABEL_ROOM_M = 1_500.0  # a gemeente that leaves its name less room has it beside it
_FIGURES = ("registered", "checked", "failed", "remaining")

_POINT_FIELDS = {
    "id": "hydrant_id",
    "lat": "lat",
    "lon": "lon",
    "status": "status",
    "finding": "finding_nl",
    "remark": "remark_nl",
    "inspected_on": "inspected_on",
    "tried_on": "tried_on",
    "street": "street_names",
    "kind": "type_nl",
    "operator": "operator_nl",
}
_GEOJSON_FIELDS = {
    "brandkraan": "hydrant_id",
    "waterbedrijf": "operator_nl",
    "toestand": "status_nl",
    "bevinding": "finding_nl",
    "opmerking": "remark_nl",
    "gecontroleerd_op": "inspected_on",
    "geprobeerd_op": "tried_on",
    "straat": "street_names",
    "type": "type_nl",
    "diameter_mm": "diameter_mm",
}


def write(folder: Path, content: Content, boundaries_file: Path) -> None:
    """Write index.html with its assets, the gemeenten for its map, and progress.json."""
    (folder / "data").mkdir()
    _copy_assets(folder)
    (folder / "index.html").write_text(_html(content), encoding="utf-8")
    lines = [{**line, "as_of": line["as_of"].isoformat()} for line in content.lines]
    (folder / "progress.json").write_text(json.dumps(lines, ensure_ascii=False, indent=1), encoding="utf-8")
    areas = json.dumps(_areas(content, boundaries_file))
    (folder / "data" / "gemeenten.js").write_text(
        f"window.BRANDKRANEN = {{ gemeenten: {areas}, points: {{}} }};\n", encoding="ascii"
    )


def write_hydrants(folder: Path, content: Content, nis: str, hydrants: pd.DataFrame) -> None:
    """Write the hydrants of a gemeente, as `content.hydrants` gives them: for the map, and as GeoJSON."""
    points = {
        "columns": list(_POINT_FIELDS),
        "rows": list(zip(*_plain(hydrants, _POINT_FIELDS.values()), strict=True)),
    }
    # ASCII, so that no character ends a line or a string of the script early
    (folder / "data" / f"{nis}.js").write_text(
        f'window.BRANDKRANEN.points["{nis}"] = {json.dumps(points)};\n', encoding="ascii"
    )
    properties = zip(*_plain(hydrants, _GEOJSON_FIELDS.values()), strict=True)
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": point},
            "properties": dict(zip(_GEOJSON_FIELDS, values, strict=True)),
        }
        for point, values in zip(zip(*_plain(hydrants, ("lon", "lat")), strict=True), properties, strict=True)
    ]
    collection = {
        "type": "FeatureCollection",
        "name": f"brandkranen_{nis}",
        "description": f"gegevens van {labels.day(content.as_of)}. {content.source}".strip(),
        "features": features,
    }
    (folder / f"{nis}.geojson").write_bytes(orjson.dumps(collection))


def _plain(rows: pd.DataFrame, fields: Iterable[str]) -> list[list[Any]]:
    """The values of each field as JSON has them."""
    return [
        [value and value.isoformat() for value in rows[field]]
        if field.endswith("_on")
        else rows[field].tolist()
        for field in fields
    ]


def _html(content: Content) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=jinja2.StrictUndefined
    )
    environment.filters |= {"day": labels.day, "number": labels.number, "firm": labels.firm}
    operators = [
        {
            "operator": operator.operator,
            "name": operator.name,
            "lines": [line for line in lines if line["nis"] is not None],
            "total": next(line for line in lines if line["nis"] is None),
        }
        for operator in sorted(reference.operators().values(), key=lambda row: row.position)
        if (lines := [line for line in content.lines if line["operator"] == operator.operator])
    ]
    return environment.get_template("index.html.j2").render(
        snapshot_id=content.snapshot_id,
        as_of=content.as_of,
        campaign_start=content.campaign_start,
        campaign_end=content.campaign_end,
        source=content.source,
        gemeenten=content.gemeenten(),
        operators=operators,
        percent=labels.percent,
    )


def _areas(content: Content, boundaries_file: Path) -> dict[str, Any]:
    """The gemeenten as GeoJSON, simplified along shared borders, with all operators' figures summed."""
    areas = boundaries.load(boundaries_file)
    areas = areas[areas.index.isin(list(content.gemeenten()))]
    simple = areas.assign(geometry=shapely.coverage_simplify(areas.geometry.to_numpy(), _SIMPLIFIED_TO_M))
    circles = shapely.maximum_inscribed_circle(simple.geometry.to_numpy(), tolerance=_SIMPLIFIED_TO_M)
    middles = gpd.GeoSeries(shapely.get_point(circles, 0), simple.index, crs=simple.crs).to_crs(WGS84)
    room_m = dict(zip(simple.index, shapely.length(circles), strict=True))
    shapes = simple.geometry.to_crs(WGS84)
    features = []
    for nis, name in content.gemeenten().items():
        if nis not in shapes.index:
            continue
        figures = {figure: sum(line[figure] for line in content.of(nis)) for figure in _FIGURES}
        features.append(
            {
                "type": "Feature",
                "properties": {
                    "nis": nis,
                    "name": name,
                    "label_at": [round(middles[nis].x, 5), round(middles[nis].y, 5)],
                    "is_small": bool(room_m[nis] < _LABEL_ROOM_M),
                    "percent": labels.percent(figures["checked"], figures["registered"]),
                    **figures,
                },
                "geometry": shapely.geometry.mapping(shapely.set_precision(shapes[nis], 1e-5)),
            }
        )
    return {"type": "FeatureCollection", "features": features}


def _copy_assets(folder: Path) -> None:
    for name in _LEAFLET:
        target = folder / "leaflet" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(Path(xstatic.pkg.leaflet.BASE_DIR) / name, target)
    (folder / "page").mkdir()
    for path in sorted((_HERE / "static").iterdir()):
        shutil.copyfile(path, folder / "page" / path.name)
