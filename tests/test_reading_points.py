"""GeoPackage and GeoJSON become rows of text with the point in two columns of its own."""

from __future__ import annotations

import io
import json
import sqlite3
import struct
import zipfile
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from hydrants import formats
from hydrants.errors import UploadRejected
from hydrants.formats import Sheet, json_stream
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


def with_rows(path: Path, *statements: tuple[str, tuple[object, ...]]) -> Path:
    """The GeoPackage after these statements, without the triggers that need functions of GDAL."""
    connection = sqlite3.connect(path)
    for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f'DROP TRIGGER "{trigger}"')
    for statement, values in statements:
        connection.execute(statement, values)
    connection.commit()
    connection.close()
    return path


POINT = shapely.Point(2.7, 50.8)
HIGH = shapely.Point(2.7, 50.8, 12.5)


def wkb(shape: shapely.Geometry, order: int = 1, **options: object) -> bytes:
    return shapely.to_wkb(shape, byte_order=order, **options)


@pytest.mark.parametrize(
    ("flags", "envelope", "body", "expected"),
    [
        (1, 0, wkb(POINT), ["2.7", "50.8"]),
        (0, 0, wkb(POINT, 0), ["2.7", "50.8"]),
        (3, 4, wkb(POINT), ["2.7", "50.8"]),
        (5, 6, wkb(POINT), ["2.7", "50.8"]),
        (9, 8, wkb(POINT), ["2.7", "50.8"]),
        (1, 0, wkb(HIGH, flavor="iso"), ["2.7", "50.8"]),
        (1, 0, struct.pack("<BIdddd", 1, 3001, 2.7, 50.8, 1.0, 2.0), ["2.7", "50.8"]),
        (1, 0, wkb(shapely.MultiPoint([POINT])), ["2.7", "50.8"]),
        (1, 0, wkb(shapely.MultiPoint([POINT]), 0), ["2.7", "50.8"]),
        (1, 0, wkb(shapely.MultiPoint([POINT, POINT])), ["MultiPoint", None]),
        (1, 0, wkb(shapely.MultiPoint([])), ["MultiPoint", None]),
        (1, 0, wkb(shapely.LineString([(0, 0), (1, 1)])), ["LineString", None]),
        (1, 0, wkb(shapely.box(0, 0, 1, 1)), ["Polygon", None]),
        (1, 0, wkb(shapely.GeometryCollection([POINT])), ["GeometryCollection", None]),
        (1, 0, struct.pack("<BI", 1, 8), ["CircularString", None]),
        (1, 0, wkb(shapely.Point()), [None, None]),
        (17, 0, b"", [None, None]),
        (1, 0, wkb(POINT)[:-1], ["onleesbare geometrie", None]),
        (1, 0, b"", ["onleesbare geometrie", None]),
        (1, 0, b"\x02" + wkb(POINT)[1:], ["onleesbare geometrie", None]),
        (1, 0, struct.pack("<BI", 1, 99), ["onleesbare geometrie", None]),
        (1, 0, (struct.pack("<BII", 1, 4, 1)) * 50_000 + wkb(POINT), ["MultiPoint", None]),
    ],
)
def test_geopackage_geometries(
    tmp_path: Path, flags: int, envelope: int, body: bytes, expected: list[str | None]
) -> None:
    blob = b"GP\0" + struct.pack("<Bi", flags, 4326) + bytes(8 * envelope) + body
    path = geopackage(tmp_path / "app.gpkg", POINTS.iloc[:1])
    with_rows(path, ("UPDATE controles SET geom = ?", (blob,)))
    assert [cells[-2:] for _, cells in rows_of(path)] == [expected]


@pytest.mark.parametrize("blob", ["tekst", 7, 2.5, b"", b"GP", b"XX\0\1\0\0\0\0"])
def test_geopackage_values_that_are_no_geometry(tmp_path: Path, blob: object) -> None:
    path = with_rows(
        geopackage(tmp_path / "app.gpkg", POINTS.iloc[:1]), ("UPDATE controles SET geom = ?", (blob,))
    )
    assert [cells[-2:] for _, cells in rows_of(path)] == [["onleesbare geometrie", None]]


def test_geopackage_keeps_a_key_that_is_no_row_number(tmp_path: Path) -> None:
    path = with_rows(
        geopackage(tmp_path / "app.gpkg", POINTS.iloc[:2]),
        ("CREATE TABLE nieuw (uuid TEXT PRIMARY KEY, geom BLOB, rowid TEXT)", ()),
        ("INSERT INTO nieuw SELECT uuid, geom, 'r' || fid FROM controles", ()),
        ("DROP TABLE controles", ()),
        ("ALTER TABLE nieuw RENAME TO controles", ()),
    )
    (sheet,) = sheets_of(path)
    assert sheet["columns"] == ["uuid", "rowid", "@x", "@y"]
    assert sheet["rows"] == [(1, ["a-1", "r1", "2.7", "50.8"]), (2, ["a-2", "r2", None, None])]


def test_geopackage_that_was_open_says_so(tmp_path: Path) -> None:
    path = geopackage(tmp_path / "app.gpkg", POINTS)
    (closed,) = sheets_of(path)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    assert path.read_bytes()[18:20] == b"\2\2"
    (opened,) = sheets_of(path)
    zipped = tmp_path / "landed.zip"
    with zipfile.ZipFile(zipped, "w") as package:
        package.write(path, "app.gpkg")
    (from_zip,) = sheets_of(zipped)
    assert closed["notice"] is None
    assert "misschien nog open" in opened["notice"]
    assert opened["rows"] == from_zip["rows"] == closed["rows"]
    assert opened["notice"] == from_zip["notice"]


def test_geopackage_keeps_all_digits_of_whole_numbers(tmp_path: Path) -> None:
    path = with_rows(
        geopackage(tmp_path / "app.gpkg", POINTS.iloc[:2]),
        ("UPDATE controles SET diameter = ? WHERE fid = 1", (2**63 - 1,)),
        ("UPDATE controles SET diameter = ? WHERE fid = 2", (-1_000_000_000_000_001,)),
    )
    assert [cells[2] for _, cells in rows_of(path)] == ["9223372036854775807", "-1000000000000001"]


def test_geopackage_has_its_generated_columns(tmp_path: Path) -> None:
    path = with_rows(
        geopackage(tmp_path / "app.gpkg", POINTS.iloc[:2]),
        ("ALTER TABLE controles ADD COLUMN code TEXT GENERATED ALWAYS AS ('K' || uuid) VIRTUAL", ()),
    )
    (sheet,) = sheets_of(path)
    assert sheet["columns"] == ["uuid", "kenmerk", "diameter", "datum", "code", "@x", "@y"]
    assert [cells[4] for _, cells in sheet["rows"]] == ["Ka-1", "Ka-2"]


# -- GeoJSON -----------------------------------------------------------------------------------


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
NUMBERS_AS_TEXT = {"parse_int": str, "parse_float": str, "parse_constant": str}


@given(
    features=st.lists(JSON, max_size=5),
    before=st.dictionaries(st.text(max_size=3), JSON, max_size=3),
    after=st.dictionaries(st.text(min_size=4, max_size=5), JSON, max_size=3),
    chunk=st.integers(1, 40),
    indent=st.sampled_from([None, 0, 3]),
)
def test_json_is_walked_as_it_would_be_loaded(
    features: list[object],
    before: dict[str, object],
    after: dict[str, object],
    chunk: int,
    indent: int | None,
) -> None:
    text = json.dumps({**before, "features": features, **after}, indent=indent)
    expected = json.loads(text, **NUMBERS_AS_TEXT)
    members: dict[str, object] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_stream, "_CHUNK_CHARACTERS", chunk)
        found = list(json_stream.walk(io.StringIO(text), "features", members))
        assert (found, members) == (expected["features"], {**expected, "features": True})
        for end in range(0, len(text), 1 + len(text) // 20):
            with pytest.raises(json_stream.Malformed):
                list(json_stream.walk(io.StringIO(text[:end]), "features", {}))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[1]", 1),
        ('{"a": 1}\n x', 2),
        ('{"a": 1,\n\n "features": [1, 2 3]}', 3),
        ('{"features": [1,]}', 1),
        ('{"features": [1], "features": [2]}', 1),
        ('{"features": [1], 5: 2}', 1),
        ('{"features"\n: [1] "b"}', 2),
        ('{\n"features": [{"a": "b\nc"}]}', 2),
        ('{\n"features": [' + '{"a": 1},\n' * 50_000 + "{a: 1}]}", 50_002),
        ("", 1),
    ],
    ids=lambda value: str(value)[:20],
)
def test_malformed_json_is_refused_with_its_line(tmp_path: Path, text: str, line: int) -> None:
    with pytest.raises(json_stream.Malformed) as malformed:
        list(json_stream.walk(io.StringIO(text), "features", {}))
    assert malformed.value.line == line


def test_a_single_value_of_any_size_is_not_held(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(json_stream, "MAX_VALUE_CHARACTERS", 1_000_000)
    path = tmp_path / "landed"
    path.write_text('{"features": [\n{"a": "' + "x" * 3_000_000 + '"}]}')
    assert "regel 2 een kenmerk dat te groot is" in refusal_of(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_geojson_in_unicode(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "landed"
    feature = {"properties": {"kenmerk": "geïnspecteerd"}, "geometry": None}
    document = {"features": [feature], "type": "FeatureCollection"}
    path.write_bytes(json.dumps(document, ensure_ascii=False).encode(encoding))
    assert rows_of(path) == [(1, ["geïnspecteerd", None, None])]


@pytest.mark.parametrize("text", ['[{"type": "Feature"}]', "[\n [1, 2]]"])
def test_json_that_is_no_geojson_is_refused_by_its_kind(tmp_path: Path, text: str) -> None:
    path = tmp_path / "landed"
    path.write_text(text)
    assert "geen GeoJSON" in refusal_of(path)


def test_geojson_keeps_digits_and_survives_odd_features(tmp_path: Path) -> None:
    path = tmp_path / "landed"
    point = {"type": "Point", "coordinates": [2.70, 50.80]}
    features = [
        {"type": "Feature", "properties": {"kenmerk": "007", "diameter": 80}, "geometry": point},
        {"type": "Feature", "properties": {"herkeuring": True, "kenmerk": None}, "geometry": None},
        {"type": "Feature", "properties": None, "geometry": {"type": "Polygon", "coordinates": []}},
        {"type": "Feature", "properties": {"kenmerk": {"a": [1]}}, "geometry": {"type": "Point"}},
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
                (4, ['{"a": [1]}', None, None, None, None]),
            ],
        }
    ]


def test_what_is_no_feature_is_not_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "landed"
    path.write_text(collection(feature('{"kenmerk": "7"}'), '"geen feature"'), encoding="utf-8")
    assert "Element 2 van 'features'" in refusal_of(path)


def collection(*features: str) -> str:
    return '{"type": "FeatureCollection", "features": [' + ", ".join(features) + "]}"


def feature(properties: str, member: str = "") -> str:
    return f'{{"type": "Feature", {member}"properties": {properties}, "geometry": null}}'


@pytest.mark.parametrize(
    ("text", "columns", "rows"),
    [
        (
            collection(
                feature('{"a": 1}', '"id": "k-007", '), feature('{"a": 2}', '"id": 12345678901234567890, ')
            ),
            ["a", "id"],
            [["1", "k-007"], ["2", "12345678901234567890"]],
        ),
        (collection(feature('{"ID": 1}', '"id": "fid-1", ')), ["ID"], [["1"]]),
        (collection(feature("{}", '"id": 1, '), feature('{"id": "eigen"}')), ["id"], [[None], ["eigen"]]),
        (collection(feature('{"a": 1}', '"id": null, ')), ["a"], [["1"]]),
        (feature('{"a": 1}', '"id": 7, '), ["a", "id"], [["1", "7"]]),
        (
            collection(feature('{"t": {"tags": [1, 2.50, "3", -1e400, NaN, true, null]}}')),
            ["t"],
            [['{"tags": [1, 2.50, "3", -1e400, NaN, true, null]}']],
        ),
    ],
)
def test_geojson_members(tmp_path: Path, text: str, columns: list[str], rows: list[list[str | None]]) -> None:
    path = tmp_path / "landed"
    path.write_text(text)
    (sheet,) = sheets_of(path)
    assert sheet["columns"] == [*columns, "@x", "@y"]
    assert sheet["rows"] == [(number, [*cells, None, None]) for number, cells in enumerate(rows, 1)]


def test_geojson_of_one_feature_has_its_point(tmp_path: Path) -> None:
    path = tmp_path / "landed"
    path.write_text(
        '{"type": "Feature", "properties": null, "geometry": {"type": "Point", "coordinates": [2.70, 50.8]}}'
    )
    assert rows_of(path) == [(1, ["2.70", "50.8"])]


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
