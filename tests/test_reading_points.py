"""GeoPackage and GeoJSON become rows of text with the point in two columns of its own."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from hydrants import formats
from hydrants.errors import UploadRejected
from hydrants.formats import Sheet
from tests.sheets import refusal_of, rows_of, sheets_of

# -- GeoPackage --------------------------------------------------------------------------------

POINTS = gpd.GeoDataFrame(
    {
        "uuid": ["a-1", "a-2", "a-3", "a-4"],
        "kenmerk": ["007", None, "12E3", ""],
        "diameter": [80, None, 100, 150],
        "datum": ["2019-03-14", "2019-03-15T10:20:00", None, "14/03/2019"],
    },
    geometry=[
        shapely.Point(2.7, 50.8),
        None,
        shapely.Point(2.75, 50.85),
        shapely.LineString([(0, 0), (1, 1)]),
    ],
    crs="EPSG:4326",
).astype({"diameter": "Int64"})


def geopackage(path: Path, frame: gpd.GeoDataFrame, layer: str = "controles") -> Path:
    frame.to_file(path, layer=layer, driver="GPKG", engine="pyogrio")
    return path


def test_geopackage_keeps_what_was_stored(tmp_path: Path) -> None:
    written = geopackage(tmp_path / "app.gpkg", POINTS)
    path = written.rename(tmp_path / "landed")
    assert sheets_of(path) == [
        {
            "name": "controles",
            "columns": ["uuid", "kenmerk", "diameter", "datum", "@x", "@y"],
            "crs": "EPSG:4326",
            "notice": None,
            "rows": [
                (1, ["a-1", "007", "80", "2019-03-14", "2.7", "50.8"]),
                (2, ["a-2", None, None, "2019-03-15T10:20:00", None, None]),
                (3, ["a-3", "12E3", "100", None, "2.75", "50.85"]),
                (4, ["a-4", None, "150", "14/03/2019", "LineString", None]),
            ],
        }
    ]


def test_geopackage_in_lambert_72(tmp_path: Path) -> None:
    points = POINTS[["uuid", "geometry"]].iloc[[0, 2]].to_crs("EPSG:31370")
    (sheet,) = sheets_of(geopackage(tmp_path / "app.gpkg", points, layer="Controles"))
    assert sheet["crs"] == "EPSG:31370"
    assert [tuple(map(float, cells[1:])) for _, cells in sheet["rows"]] == [
        (point.x, point.y) for point in points.geometry
    ]


def test_geopackage_reads_the_declared_layer_only(tmp_path: Path) -> None:
    path = geopackage(tmp_path / "app.gpkg", POINTS)
    geopackage(path, POINTS.iloc[:1], layer="achtergrond")
    (sheet,) = sheets_of(path)
    assert (sheet["name"], len(sheet["rows"])) == ("controles", 4)
    assert sheet["notice"] == "Niet gelezen lagen: achtergrond."
    with pytest.raises(UploadRejected, match=r"meerdere lagen \(achtergrond, controles\)"):
        sheets_of(path, layer="inspecties")
    with pytest.raises(UploadRejected, match="meerdere lagen"):
        sheets_of(path, layer=None)


def test_geopackage_with_one_layer_needs_no_declaration(tmp_path: Path) -> None:
    path = geopackage(tmp_path / "app.gpkg", POINTS, layer="brandkranen")
    assert [sheet["name"] for sheet in sheets_of(path, layer=None)] == ["brandkranen"]


def test_damaged_geopackage_is_refused_and_never_written(tmp_path: Path) -> None:
    many = gpd.GeoDataFrame(
        {"adres": [f"Dorpsstraat {number}" for number in range(3000)]},
        geometry=[shapely.Point(2.7, 50.8)] * 3000,
        crs="EPSG:4326",
    )
    path = geopackage(tmp_path / "app.gpkg", many)
    intact = path.read_bytes()
    assert len(rows_of(path)) == 3000
    assert path.read_bytes() == intact
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["app.gpkg"], "no journal beside it"
    path.write_bytes(intact[: len(intact) // 2])
    assert "beschadigd" in refusal_of(path)
    path.write_bytes(intact[:4096] + bytes(len(intact) - 4096))
    assert "beschadigd" in refusal_of(path)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("UPDATE controles SET fid = 3000000000 WHERE fid = 3", "3000000000"),
        ("UPDATE controles SET fid = -3000000000 WHERE fid = 3", "-3000000000"),
        ("UPDATE gpkg_geometry_columns SET column_name = x'00ff'", "geen laag met punten"),
        ("UPDATE gpkg_geometry_columns SET column_name = 'weg'", "geen laag met punten"),
        ("UPDATE gpkg_geometry_columns SET column_name = 'ge' || char(0) || 'om'", "geen laag met punten"),
    ],
)
def test_geopackage_that_no_store_can_hold_is_refused(tmp_path: Path, change: str, says: str) -> None:
    path = geopackage(tmp_path / "app.gpkg", POINTS)
    connection = sqlite3.connect(path)
    for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f'DROP TRIGGER "{trigger}"')
    connection.execute(change)
    connection.commit()
    connection.close()
    assert says in refusal_of(path)


def test_geopackage_with_numbers_for_names_is_read(tmp_path: Path) -> None:
    path = geopackage(tmp_path / "app.gpkg", POINTS)
    connection = sqlite3.connect(path)
    connection.execute("ALTER TABLE gpkg_spatial_ref_sys RENAME TO old")
    connection.execute("CREATE TABLE gpkg_spatial_ref_sys AS SELECT * FROM old")
    connection.execute("CREATE TABLE loose (srs_id, organization, organization_coordsys_id)")
    connection.execute("INSERT INTO loose SELECT srs_id, 12, x'00ff' FROM old")
    connection.execute("DROP TABLE gpkg_spatial_ref_sys")
    connection.execute("ALTER TABLE loose RENAME TO gpkg_spatial_ref_sys")
    connection.commit()
    connection.close()
    (sheet,) = sheets_of(path)
    assert (sheet["crs"], len(sheet["rows"])) == (None, 4)


# -- GeoJSON -----------------------------------------------------------------------------------


def test_geojson_keeps_digits_and_survives_odd_features(tmp_path: Path) -> None:
    path = tmp_path / "landed"
    point = {"type": "Point", "coordinates": [2.70, 50.80]}
    features = [
        {"type": "Feature", "properties": {"kenmerk": "007", "diameter": 80}, "geometry": point},
        {"type": "Feature", "properties": {"herkeuring": True, "kenmerk": None}, "geometry": None},
        {"type": "Feature", "properties": None, "geometry": {"type": "Polygon", "coordinates": []}},
        {"type": "Feature", "properties": {"kenmerk": {"a": [1]}}, "geometry": {"type": "Point"}},
        "geen feature",
    ]
    text = json.dumps(
        {"description": "VERZONNEN DEMOGEGEVENS", "type": "FeatureCollection", "features": features}
    )
    text = (
        text.replace("[2.7, 50.8]", "[2.70000, NaN]").replace("80}", "80.10}").replace("007", "007 \\ud800")
    )
    path.write_text("\ufeff" + text, encoding="utf-8")
    assert sheets_of(path) == [
        {
            "name": "",
            "columns": ["kenmerk", "diameter", "herkeuring", "@x", "@y"],
            "crs": "EPSG:4326",
            "notice": None,
            "rows": [
                (1, ["007 \N{REPLACEMENT CHARACTER}", "80.10", None, "2.70000", "NaN"]),
                (2, [None, None, "true", None, None]),
                (3, [None, None, None, "Polygon", None]),
                (4, ['{"a": ["1"]}', None, None, None, None]),
                (5, [None, None, None, None, None]),
            ],
        }
    ]


@pytest.mark.parametrize(
    ("name", "crs", "has_notice"),
    [
        ("urn:ogc:def:crs:OGC:1.3:CRS84", "EPSG:4326", False),
        ("urn:ogc:def:crs:EPSG::31370", "EPSG:31370", False),
        ("EPSG:3812", "EPSG:3812", False),
        ("iets anders", None, True),
    ],
)
def test_geojson_of_older_writers_names_its_crs(
    tmp_path: Path, name: str, crs: str | None, has_notice: bool
) -> None:
    path = tmp_path / "landed"
    document = {
        "type": "FeatureCollection",
        "crs": {"type": "name", "properties": {"name": name}},
        "features": [],
    }
    path.write_text(json.dumps(document))
    (sheet,) = sheets_of(path)
    assert (sheet["crs"], sheet["notice"] is not None) == (crs, has_notice)


def _deeper(sheet: Sheet, levels: int) -> int:
    return _deeper(sheet, levels - 1) if levels else len(list(sheet.rows))


@pytest.mark.parametrize("member", ["properties", "geometry", "crs"])
def test_geojson_of_any_depth_is_read_or_refused(tmp_path: Path, member: str) -> None:
    path = tmp_path / "landed"
    for depth in range(600, 1000, 5):
        nested = "[" * depth + "]" * depth
        values = {"properties": "{}", "geometry": "{}", "crs": "null"} | {
            member: {
                "properties": f'{{"a": {nested}}}',
                "geometry": f'{{"type": {nested}}}',
                "crs": f'{{"properties": {{"name": {nested}}}}}',
            }[member]
        }
        path.write_text(
            f'{{"type": "FeatureCollection", "crs": {values["crs"]}, "features": '
            f'[{{"properties": {values["properties"]}, "geometry": {values["geometry"]}}}]}}'
        )
        try:
            for sheet in formats.read(path, formats.detect(path)):
                assert _deeper(sheet, 100) == 1
        except UploadRejected as rejection:
            assert rejection.reason_nl == "Het GeoJSON-bestand is te diep genest."
