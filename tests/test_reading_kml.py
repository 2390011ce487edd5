"""KML and KMZ: placemarks become rows with the data of each in columns, their coordinates as written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import geopandas as gpd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from hydrants.formats import Format, detect
from tests.sheets import refusal_of, rows_of, sheets_of
from tests.valid_files import zipped


def kml(places: str, root: str = '<kml xmlns="http://www.opengis.net/kml/2.2">') -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?>{root}<Document>{places}</Document></kml>'


def place(content: str = "", coordinates: str | None = "2.70,50.80,0") -> str:
    point = f"<Point><coordinates>{coordinates}</coordinates></Point>" if coordinates is not None else ""
    return f"<Placemark>{content}{point}</Placemark>"


def data(name: str, value: str) -> str:
    return f"<Data name={quoteattr(name)}><value>{escape(value)}</value></Data>"


def landed(folder: Path, content: str | bytes) -> Path:
    path = folder / "landed"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_placemarks_become_rows(tmp_path: Path) -> None:
    simple = (
        '<SchemaData schemaUrl="#s"><SimpleData name="kenmerk">007</SimpleData>'
        '<SimpleData name="diameter"> 80 </SimpleData></SchemaData>'
    )
    text = kml(
        "<name>van het document</name><Folder><name>van de map</name>"
        + place(f"<name>W-1</name><ExtendedData>{simple}</ExtendedData>", "2.70000,50.80,12.5")
        + "<Folder>"
        + place(f"<ExtendedData>{data('kenmerk', '12E3')}{data('leeg', '')}</ExtendedData>", " 2.75 , 50.85 ")
        + "</Folder></Folder>"
        + place(
            "<description><![CDATA[<b>lek</b> & roest]]></description>"
            "<TimeStamp><when>2019-03-14T10:20:00Z</when></TimeStamp><address>Dorpsstraat 14</address>"
            "<styleUrl>#s</styleUrl><Snippet>weg</Snippet>",
            None,
        )
    )
    path = landed(tmp_path, text)
    assert detect(path) is Format.KML
    assert sheets_of(path) == [
        {
            "name": "",
            "columns": [
                *("Folder", "name", "kenmerk", "diameter", "leeg", "description", "when", "address"),
                *("@x", "@y"),
            ],
            "crs": "EPSG:4326",
            "notice": None,
            "rows": [
                (1, ["van de map", "W-1", "007", "80", None, None, None, None, "2.70000", "50.80"]),
                (2, ["van de map", None, "12E3", None, None, None, None, None, "2.75", "50.85"]),
                (
                    3,
                    [
                        *(None, None, None, None, None, "<b>lek</b> & roest", "2019-03-14T10:20:00Z"),
                        *("Dorpsstraat 14", None, None),
                    ],
                ),
            ],
        }
    ]


def test_folders_tell_where_placemarks_stand(tmp_path: Path) -> None:
    text = kml(
        "<Folder><name> Ieper </name><Folder><name>geïnspec<![CDATA[teerd]]></name>"
        + place("<name>1</name>")
        + "</Folder><Folder>"
        + f"<ExtendedData>{data('ploeg', 'A')}</ExtendedData>"
        + place("<name>2</name>")
        + "</Folder></Folder><Document><name>d</name>"
        + place("<name>3</name>")
        + "</Document>"
    )
    (sheet,) = sheets_of(landed(tmp_path, text))
    assert sheet["columns"] == ["Folder", "name", "@x", "@y"]
    assert [cells[:2] for _, cells in sheet["rows"]] == [
        ["Ieper/geïnspecteerd", "1"],
        ["Ieper", "2"],
        [None, "3"],
    ]
    assert "ExtendedData" in sheet["notice"]


def test_declared_columns_are_there_when_they_are_empty(tmp_path: Path) -> None:
    schema = (
        '<Schema name="s" id="s"><SimpleField name="Datum" type="string"/><SimpleField name="Nr"/></Schema>'
    )
    values = '<ExtendedData><SchemaData><SimpleData name="Nr">7</SimpleData></SchemaData></ExtendedData>'
    (sheet,) = sheets_of(landed(tmp_path, kml(schema + place(values))))
    assert sheet["columns"] == ["Datum", "Nr", "@x", "@y"]
    assert sheet["rows"] == [(1, [None, "7", "2.70", "50.80"])]


def test_a_name_of_kml_steps_aside_for_a_column_of_that_name(tmp_path: Path) -> None:
    values = f"<name>van KML</name><ExtendedData>{data('Name', 'van de firma')}</ExtendedData>"
    (sheet,) = sheets_of(landed(tmp_path, kml(place(values))))
    assert sheet["columns"] == ["Placemark name", "Name", "@x", "@y"]
    assert sheet["rows"] == [(1, ["van KML", "van de firma", "2.70", "50.80"])]


@pytest.mark.parametrize(
    ("geometry", "expected"),
    [
        ("<Point><coordinates>2.7,50.8</coordinates></Point>", ["2.7", "50.8"]),
        (
            "<Point><altitudeMode>x</altitudeMode><coordinates>\n 2.7,50.8,0\n</coordinates></Point>",
            ["2.7", "50.8"],
        ),
        ("<Point><coordinates>2.7 50.8</coordinates></Point>", ["2.7 50.8", None]),
        ("<Point><coordinates>NaN,1e3</coordinates></Point>", ["NaN", "1e3"]),
        ("<Point><coordinates/></Point>", [None, None]),
        ("<Point/>", [None, None]),
        ("", [None, None]),
        ("<LookAt><longitude>1</longitude></LookAt>", [None, None]),
        ("<MultiGeometry><Point><coordinates>1,2</coordinates></Point></MultiGeometry>", ["1", "2"]),
        (
            "<MultiGeometry><Point><coordinates>1,2</coordinates></Point><Point/></MultiGeometry>",
            ["MultiGeometry", None],
        ),
        ("<MultiGeometry/>", ["MultiGeometry", None]),
        ("<LineString><coordinates>1,2 3,4</coordinates></LineString>", ["LineString", None]),
        (
            "<Polygon><outerBoundaryIs><LinearRing><coordinates>1,2</coordinates></LinearRing></outerBoundaryIs>"
            "</Polygon>",
            ["Polygon", None],
        ),
        ("<gx:Track><when>2019</when></gx:Track>", ["Track", None]),
    ],
)
def test_geometries(tmp_path: Path, geometry: str, expected: list[str | None]) -> None:
    content = kml(f"<Placemark><name>a</name>{geometry}</Placemark>")
    assert rows_of(landed(tmp_path, content)) == [(1, ["a", *expected])]


@pytest.mark.parametrize(
    ("content", "columns", "cells"),
    [
        ("<name>a <b>vet</b> c</name>", ["name"], ["a vet c"]),
        ("<ExtendedData><f:nr>7</f:nr></ExtendedData>", ["nr"], ["7"]),
        (f"<ExtendedData>{data('a', '1')}{data('a', '2')}</ExtendedData>", ["a"], ["1\n2"]),
        ("<ExtendedData><Data><value>x</value></Data></ExtendedData>", [], []),
        (f"<ExtendedData>{data('Point', '1')}</ExtendedData>", ["Point"], ["1"]),
        ("<TimeSpan><begin>2019</begin><end>2020</end></TimeSpan>", ["begin", "end"], ["2019", "2020"]),
    ],
)
def test_fields_in_other_forms(
    tmp_path: Path, content: str, columns: list[str], cells: list[str | None]
) -> None:
    (sheet,) = sheets_of(landed(tmp_path, kml(place(content))))
    assert sheet["columns"] == [*columns, "@x", "@y"]
    assert sheet["rows"] == [(1, [*cells, "2.70", "50.80"])]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_kml_is_told_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    declared = {"utf-8-sig": "utf-8", "cp1252": "windows-1252"}.get(encoding, encoding.removesuffix("-le"))
    text = kml(place("<name>geïnspecteerd</name>")).replace("UTF-8", declared.removesuffix("-be"))
    path = landed(tmp_path, text.encode(encoding))
    assert detect(path) is Format.KML
    assert rows_of(path) == [(1, ["geïnspecteerd", "2.70", "50.80"])]


@pytest.mark.parametrize(
    "start",
    [
        "",
        "\n\n  ",
        "<!-- " + "commentaar " * 20_000 + "-->",
        '<?xml version="1.0"?><?pi x?><!-- a --><!-- b -->',
    ],
    ids=len,
)
def test_kml_is_told_whatever_comes_before_its_root(tmp_path: Path, start: str) -> None:
    content = kml(place("<name>a</name>"), '<k:kml xmlns:k="http://earth.google.com/kml/2.0">')
    text = start + content.partition("?>")[2].replace("</kml>", "</k:kml>")
    assert rows_of(landed(tmp_path, text)) == [(1, ["a", "2.70", "50.80"])]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("name", ["kml", "x"])
def test_document_type_is_refused_in_any_encoding(tmp_path: Path, encoding: str, name: str) -> None:
    entities = f'<!DOCTYPE {name} [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    start, _, rest = kml(place("<name>&b;</name>")).partition("?>")
    declared = start.replace("UTF-8", encoding[:6])
    assert "DOCTYPE" in refusal_of(landed(tmp_path, f"{declared}?>{entities}{rest}".encode(encoding)))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("<html><body>kml</body></html>", "webpagina"),
        ("<!DOCTYPE html><html><br></html>", "webpagina"),
        ('<!doctype HTML PUBLIC "x" "y"><p>', "webpagina"),
        ('<ogr:FeatureCollection xmlns:ogr="x"/>', "GML"),
        ("<gpx/>", "GPX"),
        ("<OGRVRTDataSource/>", "verwijzing naar een ander bestand"),
        ("<kmlx/>", "XML- of HTML-bestand"),
        ("<", "beschadigd XML- of HTML-bestand"),
        ("<kml", "beschadigd XML- of HTML-bestand"),
        ("<!-- " + "x" * 5_000_000, "beschadigd XML- of HTML-bestand"),
    ],
    ids=lambda value: value[:20],
)
def test_other_markup_is_refused_by_its_kind(tmp_path: Path, content: str, says: str) -> None:
    assert says in refusal_of(landed(tmp_path, content))


@pytest.mark.parametrize(
    "content",
    [
        kml(place() * 9)[:-20],
        kml(place() * 9)[:200],
        kml(place("<name>&onbekend;</name>")),
        kml(place("<name>a</name")),
        kml(place("\x01")),
        kml(place(f"<name x='{'x' * 5_000_000}'/>")),
    ],
    ids=lambda value: value[-20:],
)
def test_damaged_kml_is_refused(tmp_path: Path, content: str) -> None:
    assert "KML-bestand is beschadigd" in refusal_of(landed(tmp_path, content))


def test_too_many_kinds_of_data_are_refused(tmp_path: Path) -> None:
    fields = "".join(data(f"veld {number}", "x") for number in range(257))
    assert "meer dan 256" in refusal_of(
        landed(tmp_path, kml(place(f"<ExtendedData>{fields}</ExtendedData>")))
    )


def test_links_to_elsewhere_are_told_and_not_followed(tmp_path: Path) -> None:
    link = "<NetworkLink><Link><href>http://example.invalid/x.kml</href></Link></NetworkLink>"
    (sheet,) = sheets_of(landed(tmp_path, kml(link + place())))
    assert "NetworkLink" in sheet["notice"]
    assert len(sheet["rows"]) == 1


def test_kml_of_gdal(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame(
        {"kenmerk": ["007", "12E3", "geïnspecteerd <&>"], "diameter": [80, 100, 150]},
        geometry=[shapely.Point(2.7, 50.8), shapely.Point(-78.7397507473441, 26.5266622538584), None],
        crs="EPSG:4326",
    )
    for driver in ("KML", "LIBKML"):
        path = tmp_path / f"{driver}.kml"
        frame.to_file(path, driver=driver, engine="pyogrio")
        (sheet,) = sheets_of(path)
        found = [
            {name: text for name, text in zip(sheet["columns"], cells, strict=True) if text}
            for _, cells in sheet["rows"]
        ]
        assert [row["kenmerk"] for row in found] == list(frame["kenmerk"])
        assert [row["diameter"] for row in found] == ["80", "100", "150"]
        assert [(float(row["@x"]), float(row["@y"])) for row in found[:2]] == [
            pytest.approx((point.x, point.y), abs=1e-9) for point in frame.geometry[:2]
        ]
        assert "@x" not in found[2]


# -- KMZ ---------------------------------------------------------------------------------------


def test_kmz_is_its_document(tmp_path: Path) -> None:
    path = landed(tmp_path, zipped({"files/": b"", "map/lijst.kml": kml(place("<name>a</name>")).encode()}))
    assert detect(path) is Format.KML
    assert rows_of(path) == [(1, ["a", "2.70", "50.80"])]


def test_kmz_says_which_parts_are_not_read(tmp_path: Path) -> None:
    link = "<NetworkLink/>"
    parts = {
        "doc.kml": kml(link + place("<name>a</name>")).encode(),
        "files/b.kml": kml(place("<name>b</name>")).encode(),
    }
    (sheet,) = sheets_of(landed(tmp_path, zipped(parts)))
    assert sheet["rows"] == [(1, ["a", "2.70", "50.80"])]
    assert sheet["notice"].startswith("Niet gelezen onderdelen van de KMZ: files/b.kml.")
    assert "NetworkLink" in sheet["notice"]


def test_kmz_without_a_document_of_its_own_is_not_guessed(tmp_path: Path) -> None:
    parts = {f"{name}.kml": kml(place()).encode() for name in "ab"}
    assert "meer dan één lijst ('a.kml', 'b.kml')" in refusal_of(landed(tmp_path, zipped(parts)))


TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=10)
NAMES = TEXTS.filter(lambda name: name.strip() and name not in ("@x", "@y"))


@given(st.lists(st.dictionaries(NAMES, TEXTS, max_size=4), min_size=1, max_size=5))
def test_kml_of_any_texts_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: Sequence[dict[str, str]]
) -> None:
    places = (
        place(f"<ExtendedData>{''.join(data(*pair) for pair in row.items())}</ExtendedData>") for row in rows
    )
    (sheet,) = sheets_of(landed(tmp_path_factory.mktemp("kml"), kml("".join(places))))
    for row, (_, cells) in zip(rows, sheet["rows"], strict=True):
        found = dict(zip(sheet["columns"], cells, strict=True))
        assert {name: found[name] or "" for name in row} == {name: text.strip() for name, text in row.items()}
