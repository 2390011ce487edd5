"""Zipped shapefiles: the digits and texts of the table with the points, deleted records left out."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
import pyproj
import pytest
import shapefile as pyshp
import shapely
from hypothesis import given
from hypothesis import strategies as st

from hydrants.errors import UploadRejected
from hydrants.formats import Format, detect
from tests.sheets import refusal_of, rows_of, sheets_of
from tests.valid_files import zipped

WGS84 = pyproj.CRS(4326).to_wkt("WKT1_ESRI")


def parts_of(
    table: Mapping[str, tuple[Any, ...]],
    rows: Sequence[Sequence[Any]],
    shapes: Sequence[tuple[str, Any]],
    kind: int = pyshp.POINT,
    encoding: str = "utf-8",
) -> dict[str, bytes]:
    """The files that an independent library writes; `shapes` are its methods with what they take."""
    streams = {suffix: io.BytesIO() for suffix in ("shp", "shx", "dbf")}
    with pyshp.Writer(**streams, shapeType=kind, encoding=encoding) as writer:
        for name, definition in table.items():
            writer.field(name, *definition)
        for row, (method, values) in zip(rows, shapes, strict=True):
            getattr(writer, method)(*values)
            writer.record(*row)
    return {f"controles.{suffix}": stream.getvalue() for suffix, stream in streams.items()}


def landed(folder: Path, parts: Mapping[str, bytes]) -> Path:
    path = folder / "landed"
    path.write_bytes(zipped(parts))
    return path


def dbf(fields: Sequence[tuple[bytes, str, int, int]], records: Sequence[bytes], language: int = 0) -> bytes:
    """A table byte by byte: (name, kind, size, decimals) and whole records with their mark."""
    size = 1 + sum(field[2] for field in fields)
    head = struct.pack("<B3BIHH17xB2x", 3, 119, 3, 14, len(records), 33 + 32 * len(fields), size, language)
    described = b"".join(
        struct.pack("<11sc4xBB14x", name, kind.encode(), length, decimals)
        for name, kind, length, decimals in fields
    )
    assert all(len(record) == size for record in records)
    return head + described + b"\r" + b"".join(records) + b"\x1a"


def shp(*contents: bytes) -> bytes:
    """Shapes byte by byte."""
    records = b"".join(
        struct.pack(">ii", number, len(content) // 2) + content for number, content in enumerate(contents, 1)
    )
    head = struct.pack(">i20xi", 9994, (100 + len(records)) // 2)
    return head + struct.pack("<ii64x", 1000, 1) + records


def point(x: float = 2.7, y: float = 50.8) -> bytes:
    return struct.pack("<idd", 1, x, y)


def one_field(kind: str, size: int, decimals: int, *values: bytes) -> dict[str, bytes]:
    records = [b" " + value for value in values]
    return {
        "a.dbf": dbf([(b"veld", kind, size, decimals)], records),
        "a.shp": shp(*[point()] * len(values)),
        "a.prj": WGS84.encode(),
    }


def cells_of(folder: Path, parts: Mapping[str, bytes]) -> list[str | None]:
    return [cells[0] for _, cells in rows_of(landed(folder, parts))]


# -- of independent writers --------------------------------------------------------------------


def test_shapefile_of_pyshp(tmp_path: Path) -> None:
    table = {
        "kenmerk": ("C", 20),
        "diameter": ("N", 10),
        "druk": ("N", 10, 2),
        "datum": ("D",),
        "herkeuring": ("L",),
    }
    rows = [
        ["007", 80, 3.5, date(2019, 3, 14), True],
        ["geïnspecteerd", None, None, None, None],
        [" 12E3", 999999999, -0.25, date(2024, 2, 29), False],
    ]
    parts = parts_of(table, rows, [("point", (2.7, 50.8)), ("null", ()), ("point", (34567.25, 172345.5))])
    path = landed(tmp_path, parts | {"controles.prj": WGS84.encode(), "controles.cpg": b"UTF-8"})
    assert detect(path) is Format.SHAPEFILE
    assert sheets_of(path) == [
        {
            "name": "controles",
            "columns": [*table, "@x", "@y"],
            "crs": "EPSG:4326",
            "notice": None,
            "rows": [
                (1, ["007", "80", "3.5", "2019-03-14", "true", "2.7", "50.8"]),
                (2, ["geïnspecteerd", None, None, None, None, None, None]),
                (3, [" 12E3", "999999999", "-0.25", "2024-02-29", "false", "34567.25", "172345.5"]),
            ],
        }
    ]


@pytest.mark.parametrize(
    ("kind", "shape", "expected"),
    [
        (pyshp.POINTZ, ("pointz", (2.7, 50.8, 12.5, 3.0)), ["2.7", "50.8"]),
        (pyshp.POINTM, ("pointm", (2.7, 50.8, 3.0)), ["2.7", "50.8"]),
        (pyshp.MULTIPOINT, ("multipoint", ([(2.7, 50.8)],)), ["2.7", "50.8"]),
        (pyshp.MULTIPOINTZ, ("multipointz", ([(2.7, 50.8, 1.0)],)), ["2.7", "50.8"]),
        (pyshp.MULTIPOINT, ("multipoint", ([(2.7, 50.8), (2.8, 50.9)],)), ["MultiPoint", None]),
        (pyshp.POLYLINE, ("line", ([[(0, 0), (1, 1)]],)), ["LineString", None]),
        (pyshp.POLYGON, ("poly", ([[(0, 0), (0, 1), (1, 1), (0, 0)]],)), ["Polygon", None]),
    ],
)
def test_shapes_are_points_or_named(
    tmp_path: Path, kind: int, shape: tuple[str, Any], expected: list[str | None]
) -> None:
    parts = parts_of({"nr": ("C", 5)}, [["1"]], [shape], kind)
    assert rows_of(landed(tmp_path, parts)) == [(1, ["1", *expected])]


@pytest.mark.parametrize("epsg", [31370, 3812, 4326, 25831, 3857])
def test_shapefile_of_gdal_in_a_known_system(tmp_path: Path, epsg: int) -> None:
    frame = gpd.GeoDataFrame(
        {"kenmerk": ["007", None, "geïnspecteerd"], "diameter": [80, 100, 150], "druk": [0.1, None, 12.75]},
        geometry=[shapely.Point(2.7, 50.8), shapely.Point(2.75, 50.85), None],
        crs="EPSG:4326",
    ).to_crs(epsg)
    folder = tmp_path / "uitvoer"
    folder.mkdir()
    frame.to_file(folder / "Controles.shp", engine="pyogrio", encoding="utf-8")
    path = landed(tmp_path, {f"map/{part.name}": part.read_bytes() for part in folder.iterdir()})
    (sheet,) = sheets_of(path, layer=None)
    assert (sheet["name"], sheet["crs"], sheet["notice"]) == ("Controles", f"EPSG:{epsg}", None)
    assert sheet["columns"] == ["kenmerk", "diameter", "druk", "@x", "@y"]
    assert [cells[:3] for _, cells in sheet["rows"]] == [
        ["007", "80", "0.1"],
        [None, "100", None],
        ["geïnspecteerd", "150", "12.75"],
    ]
    assert [tuple(map(float, cells[3:])) for _, cells in sheet["rows"][:2]] == [
        (place.x, place.y) for place in frame.geometry[:2]
    ]
    assert sheet["rows"][2][1][3:] == [None, None]


# -- the table ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "size", "decimals", "raw", "text"),
    [
        ("N", 10, 0, b"       007", "007"),
        ("N", 10, 0, b"**********", None),  # how shapelib writes what is empty
        ("N", 10, 0, b"***3      ", "***3"),
        ("C", 10, 0, b"**********", "**********"),
        ("N", 10, 0, b"3ft       ", "3ft"),
        ("N", 10, 0, b"      .255", ".255"),
        ("N", 20, 0, b"  123456789012345678", "123456789012345678"),
        ("N", 10, 0, b"          ", None),
        ("N", 10, 0, b"\0\0\0\0\0\0\0\0\0\0", None),
        ("N", 12, 5, b"     5.25000", "5.25"),
        ("N", 12, 5, b"    80.00000", "80"),
        ("N", 10, 0, b"     80.10", "80.10"),
        ("F", 19, 11, b" 3.45672500000e+004", "34567.25"),
        ("F", 19, 11, b" 1.20000000000e+015", "1.2E+15"),
        ("C", 10, 0, b"007       ", "007"),
        ("C", 10, 0, b" 12E3\0\0\0\0\0", " 12E3"),
        ("C", 10, 0, b"a\0b       ", "a␀b"),
        ("D", 8, 0, b"20190314", "2019-03-14"),
        ("D", 8, 0, b"        ", None),
        ("D", 8, 0, b"00000000", None),
        ("D", 8, 0, b"14/03/19", "14/03/19"),
        ("L", 1, 0, b"T", "true"),
        ("L", 1, 0, b"n", "false"),
        ("L", 1, 0, b"?", None),
        ("L", 1, 0, b" ", None),
        ("L", 1, 0, b"x", "x"),
        ("I", 4, 0, struct.pack("<i", -700001), "-700001"),
    ],
)
def test_fields_keep_their_digits(
    tmp_path: Path, kind: str, size: int, decimals: int, raw: bytes, text: str | None
) -> None:
    assert cells_of(tmp_path, one_field(kind, size, decimals, raw)) == [text]


def test_deleted_records_are_left_out_and_counted(tmp_path: Path) -> None:
    table = dbf([(b"nr", "C", 1, 0)], [b" 1", b"*2", b" 3"])
    path = landed(tmp_path, {"a.dbf": table, "a.shp": shp(point(1, 2), point(3, 4), point(5, 6))})
    assert rows_of(path) == [(1, ["1", "1", "2"]), (3, ["3", "5", "6"])]


def test_texts_longer_than_one_byte_can_say(tmp_path: Path) -> None:
    table = dbf([(b"lang", "C", 300 % 256, 300 // 256), (b"nr", "C", 1, 0)], [])
    size = struct.pack("<H", 302)
    table = struct.pack("<4sI", table[:4], 1) + table[8:10] + size + table[12:-1] + b" " + b"x" * 300 + b"7"
    assert rows_of(landed(tmp_path, {"a.dbf": table, "a.shp": shp(point())}))[0][1][:2] == ["x" * 300, "7"]


@pytest.mark.parametrize(
    ("raw", "language", "code_page", "text"),
    [
        ("geïnspecteerd".encode(), 0, None, "geïnspecteerd"),
        ("geïnspecteerd".encode("cp1252"), 0, None, "geïnspecteerd"),
        ("geïnspecteerd €".encode("cp1252"), 0x57, None, "geïnspecteerd €"),
        ("geïnspecteerd".encode("cp850"), 0x02, None, "geïnspecteerd"),
        ("geïnspecteerd".encode(), 0x57, b"UTF-8\r\n", "geïnspecteerd"),
        ("geïnspecteerd".encode("cp1252"), 0, b"ANSI 1252", "geïnspecteerd"),
        ("geïnspecteerd".encode("cp1252"), 0, b"ISO-8859-1", "geïnspecteerd"),
        ("geïnspecteerd".encode("cp1252"), 0, b"88591", "geïnspecteerd"),
        ("ëëë".encode(), 0, b"1252", "Ã«Ã«Ã«"),
        ("geïnspecteerd".encode("cp437"), 0, b"cp437", "geïnspecteerd"),
        ("geïnspecteerd".encode(), 0, b"onbekend", "geïnspecteerd"),
        ("geïnspecteerd".encode(), 0, b"base64", "geïnspecteerd"),
    ],
)
def test_encodings(tmp_path: Path, raw: bytes, language: int, code_page: bytes | None, text: str) -> None:
    padded = raw.ljust(20)
    table = dbf([(b"veld", "C", 20, 0)], [b" " + b"x".ljust(20), b" " + padded], language)
    parts = {"a.dbf": table, "a.shp": shp(point(), point())}
    if code_page is not None:
        parts["a.cpg"] = code_page
    assert cells_of(tmp_path, parts) == ["x", text]


def test_a_sign_that_is_cut_off_at_the_end_of_a_field_is_seen(tmp_path: Path) -> None:
    parts = one_field("C", 5, 0, "abcdë".encode()[:5])
    assert cells_of(tmp_path, parts) == ["abcd\N{REPLACEMENT CHARACTER}"]


def test_texts_in_another_encoding_than_declared_are_refused(tmp_path: Path) -> None:
    parts = one_field("C", 5, 0, b"abc  ", "abë  ".encode("cp1252"), "ëa   ".encode("cp1252")) | {
        "a.cpg": b"UTF-8"
    }
    assert "rij 2" in refusal_of(landed(tmp_path, parts))


# -- the coordinate system ---------------------------------------------------------------------

LAMBERT_72_OF_ESRI = (
    'PROJCS["Belge_Lambert_1972",GEOGCS["GCS_Belge_1972",DATUM["D_Belge_1972",'
    'SPHEROID["International_1924",6378388.0,297.0]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],'
    'PROJECTION["Lambert_Conformal_Conic"],PARAMETER["False_Easting",150000.01256],'
    'PARAMETER["False_Northing",5400088.4378],PARAMETER["Central_Meridian",4.367486666666666],'
    'PARAMETER["Standard_Parallel_1",49.8333339],PARAMETER["Standard_Parallel_2",51.16666723333333],'
    'PARAMETER["Latitude_Of_Origin",90.0],UNIT["Meter",1.0]]'
)
WITH_SHIFT = pyproj.CRS(
    "+proj=lcc +lat_0=90 +lon_0=4.36748666666667 +lat_1=51.1666672333333 +lat_2=49.8333339 +x_0=150000.013 "
    "+y_0=5400088.438 +ellps=intl +towgs84=-106.8686,52.2978,-103.7239,0.3366,-0.457,1.8422,-1.2747 +units=m"
).to_wkt("WKT1_GDAL")


@pytest.mark.parametrize(
    ("prj", "crs"),
    [
        (LAMBERT_72_OF_ESRI, "EPSG:31370"),
        (LAMBERT_72_OF_ESRI.replace("Belge_Lambert_1972", "BD72_Belgian_Lambert_72"), "EPSG:31370"),
        ("\ufeff" + LAMBERT_72_OF_ESRI + "\r\n", "EPSG:31370"),
        (pyproj.CRS(31370).to_wkt("WKT1_ESRI"), "EPSG:31370"),
        (pyproj.CRS(31370).to_wkt("WKT1_GDAL"), "EPSG:31370"),
        (pyproj.CRS(3812).to_wkt("WKT1_ESRI"), "EPSG:3812"),
        (pyproj.CRS(31300).to_wkt("WKT1_GDAL"), "EPSG:31300"),
        (WGS84, "EPSG:4326"),
        # much alike, and elsewhere
        (LAMBERT_72_OF_ESRI.replace("5400088.4378", "5400188.4378"), None),
        (LAMBERT_72_OF_ESRI.replace("4.367486666666666", "4.356939722222222"), None),
        (LAMBERT_72_OF_ESRI.replace("D_Belge_1972", "D_European_1950"), None),
        (LAMBERT_72_OF_ESRI.replace('UNIT["Meter",1.0]', 'UNIT["Foot",0.3048]'), None),
        (WITH_SHIFT, None),
        ('LOCAL_CS["eigen",UNIT["Meter",1.0]]', None),
        ("EPSG:31370", None),
        ("geen wkt", None),
        ("", None),
    ],
)
def test_coordinate_system_is_named_when_it_is_certain(tmp_path: Path, prj: str, crs: str | None) -> None:
    parts = one_field("C", 1, 0, b"x") | {"a.prj": prj.encode()}
    (sheet,) = sheets_of(landed(tmp_path, parts))
    assert sheet["crs"] == crs
    assert (sheet["notice"] is None) == (crs is not None)
    assert crs is not None or "niet herkend" in sheet["notice"]


def test_without_a_coordinate_system_the_sender_is_told(tmp_path: Path) -> None:
    parts = one_field("C", 1, 0, b"x")
    del parts["a.prj"]
    (sheet,) = sheets_of(landed(tmp_path, parts))
    assert sheet["crs"] is None
    assert ".prj ontbreekt" in sheet["notice"]


# -- the zip -----------------------------------------------------------------------------------


def renamed(parts: Mapping[str, bytes], stem: str) -> dict[str, bytes]:
    return {f"{stem}.{name.rpartition('.')[2]}": content for name, content in parts.items()}


def test_the_declared_shapefile_of_several_is_read(tmp_path: Path) -> None:
    parts = one_field("C", 1, 0, b"x")
    path = landed(tmp_path, renamed(parts, "Controles") | renamed(parts, "wegen") | renamed(parts, "b/wegen"))
    (sheet,) = sheets_of(path, layer="controles")
    assert sheet["name"] == "Controles"
    assert sheet["notice"] == "Niet gelezen lagen: wegen, b/wegen."


@pytest.mark.parametrize("layer", [None, "inspecties"])
def test_it_is_not_guessed_which_shapefile_to_read(tmp_path: Path, layer: str | None) -> None:
    parts = one_field("C", 1, 0, b"x")
    path = landed(tmp_path, renamed(parts, "controles") | renamed(parts, "wegen"))
    with pytest.raises(UploadRejected, match=r"meerdere shapefiles \(controles, wegen\)"):
        sheets_of(path, layer=layer)


def test_parts_are_found_whatever_their_case_and_company(tmp_path: Path) -> None:
    parts = {name.upper(): content for name, content in one_field("C", 1, 0, b"x").items()}
    company = {"A.shp.xml": b"<metadata/>", "A.sbn": b"\0", "A.QPJ": b"x", "a.shx": b"\0", "Thumbs.db": b"x"}
    (sheet,) = sheets_of(landed(tmp_path, parts | company))
    assert (sheet["name"], sheet["rows"], sheet["crs"]) == ("A", [(1, ["x", "2.7", "50.8"])], "EPSG:4326")


@pytest.mark.parametrize(("suffix", "label"), [("shp", "de punten (.shp)"), ("dbf", "de tabel (.dbf)")])
def test_incomplete_shapefile_is_refused_by_what_is_missing(tmp_path: Path, suffix: str, label: str) -> None:
    parts = one_field("C", 1, 0, b"x")
    del parts[f"a.{suffix}"]
    assert f"ontbreekt {label}" in refusal_of(landed(tmp_path, parts))


def test_a_part_by_itself_is_refused_with_advice(tmp_path: Path) -> None:
    path = tmp_path / "landed"
    path.write_bytes(shp(point()))
    assert "onderdeel van een shapefile" in refusal_of(path)


GOOD = one_field("C", 4, 0, b"abcd", b"efgh")


@pytest.mark.parametrize(
    "damaged",
    [
        {"a.shp": GOOD["a.shp"][:-8]},
        {"a.shp": GOOD["a.shp"][:60]},
        {"a.shp": b""},
        {"a.shp": shp(point())},
        {"a.shp": shp(point(), point(), point())},
        {"a.shp": shp(point(), point())[:100] + struct.pack(">ii", 1, -5)},
        {"a.shp": shp(point(), point())[:100] + struct.pack(">ii", 1, 2**31 - 1)},
        {"a.dbf": GOOD["a.dbf"][:-6]},
        {"a.dbf": GOOD["a.dbf"][:20]},
        {"a.dbf": GOOD["a.dbf"][:40]},
        {"a.dbf": b""},
        {"a.dbf": dbf([], [b" ", b" "])},
        {"a.dbf": GOOD["a.dbf"][:4] + struct.pack("<I", 2**32 - 1) + GOOD["a.dbf"][8:]},
        {"a.dbf": GOOD["a.dbf"][:10] + struct.pack("<H", 3) + GOOD["a.dbf"][12:]},
    ],
    ids=str,
)
def test_damaged_shapefile_is_refused(tmp_path: Path, damaged: dict[str, bytes]) -> None:
    assert rows_of(landed(tmp_path, GOOD)) == [(1, ["abcd", "2.7", "50.8"]), (2, ["efgh", "2.7", "50.8"])]
    assert "beschadigd" in refusal_of(landed(tmp_path, GOOD | damaged))


def test_too_wide_a_table_and_memos_are_refused(tmp_path: Path) -> None:
    wide = dbf([(b"v%d" % number, "C", 1, 0) for number in range(257)], [b" " * 258])
    assert "257 kolommen" in refusal_of(landed(tmp_path, {"a.dbf": wide, "a.shp": shp(point())}))
    memo = dbf([(b"opm", "M", 10, 0)], [b"          1"])
    assert "'opm'" in refusal_of(landed(tmp_path, {"a.dbf": memo, "a.shp": shp(point())}))


def test_nothing_is_unpacked(tmp_path: Path) -> None:
    path = landed(tmp_path, GOOD)
    rows_of(path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["landed"]
    assert zipfile.is_zipfile(path)


TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=10).map(lambda text: text.strip())
COORDINATES = st.floats(-1e6, 1e6)


@given(
    st.lists(st.tuples(TEXTS, st.integers(-(10**9), 10**9), COORDINATES, COORDINATES), min_size=1, max_size=6)
)
def test_shapefile_of_any_values_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, int, float, float]]
) -> None:
    parts = parts_of(
        {"tekst": ("C", 60), "getal": ("N", 18)},
        [[text, number] for text, number, _, _ in rows],
        [("point", (x, y)) for *_, x, y in rows],
    )
    found = rows_of(landed(tmp_path_factory.mktemp("shp"), parts | {"controles.cpg": b"utf-8"}))
    assert [(cells[0] or "", int(cells[1] or ""), *map(float, cells[2:])) for _, cells in found] == rows
