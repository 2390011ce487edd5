"""The files of a gemeente: they say what the table says, in the programs people have; texts stay texts."""

from __future__ import annotations

import csv
import json
import re
import shutil
import sqlite3
import subprocess
import zipfile
from collections import Counter
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import openpyxl
import pyogrio
import pytest
import shapely
import sqlalchemy as sa

from hydrants import publishing, reference, store
from hydrants.publishing import labels
from hydrants.publishing.downloads import OFFERED
from hydrants.settings import Settings
from tests.bad_inputs.hostile import FOREIGN, INJECTIONS
from tests.conftest import unavailable
from tests.judged_world import World, square_gemeenten
from tests.test_history import said_in

POPERINGE, DIKSMUIDE = "33021", "32003"
MAY = date(2019, 5, 1)
SOURCE = "verzonnen demogegevens"
GPX = "{http://www.topografix.com/GPX/1/1}"
HOSTILE = (*INJECTIONS, *FOREIGN, "\x01\x0b nul", "een\r\ntwee\tdrie", "-1", "<r>dik</r>")

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""Written from rows that both stores hold alike; tests/test_exporting.py compares the bytes."""


@pytest.fixture
def folder(engine: sa.Engine, settings: Settings) -> Path:
    """Poperinge as published: ok, failed, not found and repaired, contradicted, two remaining."""
    codes = sorted(reference.gemeenten())
    square_gemeenten(settings.boundaries, codes, SOURCE)
    west = 30_000.0 + 1_000 * codes.index(POPERINGE)
    with store.write(engine) as connection:
        world = World(connection)
        world.register()
        world.upload(1, "a", file_name="controle mei.xlsx")
        for number in range(1, 7):
            place = {"x": west + 100 * number, "y": 170_500.25}
            world.hydrant(f"DWG-{number}", POPERINGE, **place, street_names="Ooststraat", diameter_mm=80)
        world.row("DWG-1", "ok", MAY)
        world.row("DWG-2", "failed", MAY, defects=["leak", "paint"])
        world.row("DWG-3", "not_found", MAY)
        world.row("DWG-3", "repaired", date(2019, 6, 1))
        world.row("DWG-4", "ok", MAY)
        world.row("DWG-4", "failed", MAY)
        world.row("DWG-5", "not_testable", MAY)
        world.hydrant("AQD-1", DIKSMUIDE, "aquaduin", x=30_500.0, hydrant_type="underground")
    publishing.run(engine, settings, date(2019, 12, 31))
    return settings.site / "current" / POPERINGE


def sheet(path: Path, name: str) -> list[tuple[Any, ...]]:
    """The cells of a sheet."""
    return list(openpyxl.load_workbook(path)[name].iter_rows(values_only=True))


def test_every_file_that_is_offered_is_there(folder: Path) -> None:
    names = {f"{POPERINGE}{offer.suffix}" for offer in OFFERED}
    assert {path.name for path in folder.iterdir() if path.name.startswith(POPERINGE)} == names
    assert len(names) == 6
    html = (folder / "index.html").read_text(encoding="utf-8")
    assert set(re.findall(r'href="([^"]+)" download', html)) == names
    assert min((folder / name).stat().st_size for name in names) > 400


# -- Excel -------------------------------------------------------------------------------------


def test_the_workbook(folder: Path) -> None:
    path = folder / f"{POPERINGE}.xlsx"
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["Overzicht", "Niet in orde", "Nog te controleren", "Alle"]
    for name in book.sheetnames[1:]:
        assert book[name].freeze_panes == "B2"
        assert book[name].auto_filter.ref.startswith("A1:")
    failed = sheet(path, "Niet in orde")
    column = {heading: position for position, heading in enumerate(failed[0])}
    shown = ["Brandkraan", "Gecontroleerd op", "Bevinding", "Opmerking", "Bronbestand", "Blad", "Rij"]
    source = ("westlandia/33021/controle mei.xlsx", "Controle")
    may = datetime(2019, 5, 1)  # noqa: DTZ001 - as Excel has it
    assert [tuple(row[column[name]] for name in shown) for row in failed[1:]] == [
        ("DWG-2", may, "niet in orde: lek, verf", None, *source, 3),
        ("DWG-3", may, "niet gevonden", "hersteld, te hercontroleren", *source, 4),
        ("DWG-4", may, "niet in orde", "tegenstrijdig: zelfde dag ook in orde", *source, 7),
    ]
    assert [row[0] for row in sheet(path, "Nog te controleren")[1:]] == ["DWG-5", "DWG-6"]
    assert [row[:3] for row in sheet(path, "Alle")[1:]] == [
        ("DWG-1", "De Watergroep", "in orde"),
        ("DWG-2", "De Watergroep", "niet in orde"),
        ("DWG-3", "De Watergroep", "niet in orde"),
        ("DWG-4", "De Watergroep", "niet in orde"),
        ("DWG-5", "De Watergroep", "nog te controleren"),
        ("DWG-6", "De Watergroep", "nog te controleren"),
    ]
    overview = sheet(path, "Overzicht")
    assert [row[0] for row in overview[:4]] == [
        "Brandkranen Poperinge (33021)",
        "Gegevens van 31 december 2019",
        "Campagne 1 januari 2019 - 31 december 2019",
        SOURCE,
    ]
    assert overview[6] == ("De Watergroep", "Westlandia", 6, 4, 1, 3, 2, "67 %", may)
    shared = sheet(folder.parent / DIKSMUIDE / f"{DIKSMUIDE}.xlsx", "Overzicht")
    assert shared[6:8] == [
        ("De Watergroep", "Westlandia", 0, 0, 0, 0, 0, "-", None),
        ("Aquaduin", "Interwest", 1, 0, 0, 0, 1, "0 %", None),
    ]


def test_the_workbook_adds_up_to_the_table_in_libreoffice(
    engine: sa.Engine, folder: Path, tmp_path: Path
) -> None:
    """Opened by another program than the one that wrote it: its totals, its lists, and no error in a cell."""
    office = shutil.which("soffice")
    if office is None:
        unavailable("no LibreOffice here: opening the workbooks with it is left out")
    every_sheet = "csv:Text - txt - csv (StarCalc):59,34,76,1,,0,false,true,true,false,false,-1"
    subprocess.run(
        [
            *(office, f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}", "--headless"),
            *("--convert-to", every_sheet, "--outdir", str(tmp_path), str(folder / f"{POPERINGE}.xlsx")),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
    rows = {
        path.stem.removeprefix(f"{POPERINGE}-"): list(
            csv.reader(path.open(encoding="utf-8", newline=""), delimiter=";")
        )
        for path in tmp_path.glob(f"{POPERINGE}-*.csv")
    }
    with store.read(engine) as connection:
        (line,) = (line for line in publishing.progress(connection) if line["nis"] == POPERINGE)
    figures = [str(line[name]) for name in ("registered", "checked", "ok", "failed", "remaining")]
    assert figures == ["6", "4", "1", "3", "2"]
    assert ["De Watergroep", "Westlandia", *figures, "67 %", "01/05/2019"] in rows["Overzicht"]
    counted = Counter(row[2] for row in rows["Alle"][1:])
    assert counted == {"in orde": line["ok"], "niet in orde": 3, "nog te controleren": 2}
    assert len(rows["Niet in orde"]) - 1 == line["failed"]
    assert len(rows["Nog te controleren"]) - 1 == line["remaining"]
    assert rows["Niet in orde"][1][2] == "01/05/2019"
    assert not [
        cell for table in rows.values() for row in table for cell in row if cell.startswith(("#", "Err:"))
    ]


# -- CSV ---------------------------------------------------------------------------------------


def listed(path: Path) -> list[dict[str, str]]:
    """The lines of a CSV, read strictly."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=";", strict=True))


def test_the_csv_is_one_that_excel_in_flanders_opens(folder: Path) -> None:
    content = (folder / f"{POPERINGE}.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbfbrandkraan;")
    assert content.count(b"\r\n") == content.count(b"\n") == 7
    assert listed(folder / f"{POPERINGE}.csv")[2] == {
        "brandkraan": "DWG-3",
        "waterbedrijf": "De Watergroep",
        "uitvoerder": "Westlandia",
        "toestand": "niet in orde",
        "bevinding": "niet gevonden",
        "opmerking": "hersteld, te hercontroleren",
        "gecontroleerd_op": "01/05/2019",
        "geprobeerd_op": "",
        "straat": "Ooststraat",
        "type": "",
        "diameter_mm": "80",
        "x_lambert72": f"{30_300.0 + 1_000 * sorted(reference.gemeenten()).index(POPERINGE)}".replace(
            ".", ","
        ),
        "y_lambert72": "170500,25",
        "lengtegraad": "2,7687954",
        "breedtegraad": "50,834002",
        "bronbestand": "westlandia/33021/controle mei.xlsx",
        "blad": "Controle",
        "rij": "4",
    }


# -- GeoPackage --------------------------------------------------------------------------------


def test_the_geopackage_as_gdal_reads_it(folder: Path) -> None:
    tool = shutil.which("ogrinfo")
    if tool is None:
        unavailable("no ogrinfo here: opening the GeoPackages with it is left out")
    path = folder / f"{POPERINGE}.gpkg"
    done = subprocess.run([tool, "-ro", "-al", "-so", str(path)], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    counts = dict(re.findall(r"Layer name: (\w+)\n(?:.*\n)*?Feature Count: (\d+)", done.stdout))
    assert counts == {"brandkranen": "6", "niet_in_orde": "3", "nog_te_controleren": "2", "layer_styles": "3"}
    assert done.stdout.count("Geometry: Point") == 3
    assert done.stdout.count('ID["EPSG",31370]') == 3
    assert f"Poperinge, gegevens van 31 december 2019. {SOURCE}" in done.stdout


def test_the_layers_of_the_geopackage(folder: Path) -> None:
    path = folder / f"{POPERINGE}.gpkg"
    everything = pyogrio.read_dataframe(path, layer="brandkranen")
    assert everything["brandkraan"].tolist() == [f"DWG-{number}" for number in range(1, 7)]
    assert everything["diameter_mm"].tolist() == [80] * 6
    assert everything["rij"].fillna(0).tolist() == [2, 3, 4, 7, 0, 0]
    assert [str(day)[:10] for day in everything["geprobeerd_op"][3:5]] == ["NaT", "2019-05-01"]
    assert everything.geometry.y.tolist() == [170_500.25] * 6
    assert pyogrio.read_dataframe(path, layer="niet_in_orde")["toestand"].unique() == ["niet in orde"]
    empty = folder.parent / "33016" / "33016.gpkg"
    assert [pyogrio.read_info(empty, layer=name)["features"] for name in ("brandkranen", "niet_in_orde")] == [
        0,
        0,
    ]


def test_qgis_finds_a_colour_and_a_shape_for_each_state(folder: Path) -> None:
    with closing(sqlite3.connect(folder / f"{POPERINGE}.gpkg")) as file:
        styles = file.execute(
            "SELECT f_table_name, f_geometry_column, useAsDefault, styleQML FROM layer_styles ORDER BY id"
        ).fetchall()
        geometries = file.execute("SELECT table_name, column_name, 1 FROM gpkg_geometry_columns").fetchall()
        assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert file.execute("SELECT count(*) FROM pragma_foreign_key_check").fetchone() == (0,)
    assert sorted(style[:3] for style in styles) == sorted(geometries)
    for *_, qml in styles:
        renderer = ET.fromstring(qml).find("renderer-v2")
        assert renderer is not None
        assert renderer.get("attr") == "toestand"
        symbols = {symbol.get("name"): symbol for symbol in renderer.iterfind("symbols/symbol")}
        looks = {
            category.get("value"): tuple(
                option.get("value")
                for option in symbols[category.get("symbol")].iter("Option")
                if option.get("name") in ("name", "color")
            )
            for category in renderer.iterfind("categories/category")
        }
        assert looks == {
            "in orde": ("circle", "0,122,90,255"),
            "niet in orde": ("triangle", "194,65,12,255"),
            "nog te controleren": ("square", "255,255,255,255"),
        }
        assert looks.keys() == set(labels.STATUS.values())


# -- GeoJSON and GPX ---------------------------------------------------------------------------


def test_the_geojson(folder: Path, settings: Settings) -> None:
    collection = json.loads((folder / f"{POPERINGE}.geojson").read_text(encoding="utf-8"))
    boundaries = json.loads(settings.boundaries.read_text(encoding="utf-8"))
    area = next(
        shapely.geometry.shape(feature["geometry"])
        for feature in boundaries["features"]
        if feature["properties"]["nis"] == POPERINGE
    )
    assert len(collection["features"]) == 6
    for feature in collection["features"]:
        assert shapely.contains(area, shapely.geometry.shape(feature["geometry"]))
    assert collection["description"] == f"gegevens van 31 december 2019. {SOURCE}"
    assert collection["features"][2]["properties"] == {
        "brandkraan": "DWG-3",
        "waterbedrijf": "De Watergroep",
        "uitvoerder": "Westlandia",
        "toestand": "niet in orde",
        "bevinding": "niet gevonden",
        "opmerking": "hersteld, te hercontroleren",
        "gecontroleerd_op": "2019-05-01",
        "geprobeerd_op": None,
        "straat": "Ooststraat",
        "type": None,
        "diameter_mm": 80,
        "bronbestand": "westlandia/33021/controle mei.xlsx",
        "blad": "Controle",
        "rij": 4,
    }


def waypoints(path: Path) -> list[dict[str, str]]:
    """The points of a GPX 1.1 file, each child where the schema wants it."""
    root = ET.parse(path).getroot()
    assert (root.tag, root.get("version")) == (f"{GPX}gpx", "1.1")
    head, *points = root
    assert [child.tag.removeprefix(GPX) for child in head] == ["name", "desc", "time"]
    for point in points:
        assert point.tag == f"{GPX}wpt"
        assert [child.tag.removeprefix(GPX) for child in point] == ["name", "desc", "type"]
        assert 2.5 < float(point.attrib["lon"]) < 3.2
        assert 50.6 < float(point.attrib["lat"]) < 51.2
    return [{child.tag.removeprefix(GPX): child.text or "" for child in point} for point in points]


def test_the_waypoints(folder: Path) -> None:
    place = "Ooststraat; 80 mm; De Watergroep"
    assert waypoints(folder / f"{POPERINGE}_niet_in_orde.gpx") == [
        {"name": "DWG-2", "desc": f"niet in orde: lek, verf; {place}", "type": "niet in orde"},
        {
            "name": "DWG-3",
            "desc": f"niet gevonden; hersteld, te hercontroleren; {place}",
            "type": "niet in orde",
        },
        {
            "name": "DWG-4",
            "desc": f"niet in orde; tegenstrijdig: zelfde dag ook in orde; {place}",
            "type": "niet in orde",
        },
    ]
    remaining = folder / f"{POPERINGE}_nog_te_controleren.gpx"
    assert waypoints(remaining) == [
        {
            "name": "DWG-5",
            "desc": f"vergeefs geprobeerd op 01/05/2019; {place}",
            "type": "nog te controleren",
        },
        {"name": "DWG-6", "desc": place, "type": "nog te controleren"},
    ]
    assert pyogrio.read_dataframe(remaining, layer="waypoints")["name"].tolist() == ["DWG-5", "DWG-6"]
    assert waypoints(folder.parent / "33016" / "33016_niet_in_orde.gpx") == []


# -- texts that want to be something else (hazard 33) --------------------------------------------


@pytest.fixture
def hostile(engine: sa.Engine, settings: Settings) -> Path:
    """A gemeente with each hostile text as street, remark, file name, sheet and number of a hydrant."""
    codes = sorted(reference.gemeenten())
    square_gemeenten(settings.boundaries, codes, INJECTIONS[1])
    west = 30_000.0 + 1_000 * codes.index(POPERINGE)
    with store.write(engine) as connection:
        world = World(connection)
        world.register()
        for number, text in enumerate(HOSTILE, start=1):
            world.upload(number, f"{number:x}", file_name=text, sheet=text)
            world.hydrant(text, POPERINGE, x=west + 10 * number, street_names=text)
            world.row(text, "failed", MAY, upload_id=number, remark=text, defects=["leak"])
            world.hydrant(f"{text} nog", POPERINGE, x=west + 10 * number + 5, street_names=text)
    publishing.run(engine, settings, date(2019, 12, 31))
    return settings.site / "current" / POPERINGE


def test_hostile_texts_in_excel(hostile: Path) -> None:
    path = hostile / f"{POPERINGE}.xlsx"
    with zipfile.ZipFile(path) as archive:
        texts = {name: archive.read(name) for name in archive.namelist()}
    assert not [name for name in texts if "externalLink" in name or "vba" in name.lower()]
    assert not [name for name, text in texts.items() if re.search(rb"<f[ >]|<hyperlink|TargetMode", text)], (
        "a formula or a link"
    )
    book = openpyxl.load_workbook(path)
    for name in ("Niet in orde", "Alle"):
        cells = [cell for row in book[name].iter_rows() for cell in row if cell.value is not None]
        assert {cell.data_type for cell in cells} == {"s", "d", "n"}
        shown = {cell.value for cell in cells}
        readable = [text for text in HOSTILE if text.isprintable() and "\u202e" not in text]
        assert len(readable) >= 9
        assert set(readable) <= shown


def test_hostile_texts_in_csv(hostile: Path) -> None:
    rows = listed(hostile / f"{POPERINGE}.csv")
    assert len(rows) == 2 * len(HOSTILE)
    texts = [row for row in rows if row["rij"]]
    assert len(texts) == len(HOSTILE)
    for row in rows:
        assert not [name for name, cell in row.items() if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert {row["straat"] for row in rows} == {
        f"'{text}" if text.startswith(("=", "+", "-", "@", "'")) else text for text in HOSTILE
    }


def test_hostile_texts_in_geopackage_geojson_and_gpx(hostile: Path) -> None:
    frame = pyogrio.read_dataframe(hostile / f"{POPERINGE}.gpkg", layer="niet_in_orde")
    assert set(frame["straat"]) == set(frame["brandkraan"]) == set(frame["blad"]) == set(HOSTILE)
    with closing(sqlite3.connect(hostile / f"{POPERINGE}.gpkg")) as file:
        made = dict(file.execute("SELECT type, count(*) FROM sqlite_master GROUP BY type").fetchall())
        tables = {name for (name,) in file.execute("SELECT table_name FROM gpkg_contents")}
    assert "view" not in made
    assert tables == {"brandkranen", "niet_in_orde", "nog_te_controleren", "layer_styles"}
    collection = json.loads((hostile / f"{POPERINGE}.geojson").read_text(encoding="utf-8"))
    assert {one["properties"]["straat"] for one in collection["features"]} == set(HOSTILE)
    names = [point["name"] for point in waypoints(hostile / f"{POPERINGE}_niet_in_orde.gpx")]
    shown = [re.sub("[\x01\x0b]", "\ufffd", text).replace("\r\n", "\n") for text in HOSTILE]
    assert sorted(names) == sorted(shown)


def test_hostile_texts_in_scripts_and_pages(hostile: Path) -> None:
    """Scripts say one statement, in ASCII, that gives the texts back; no page has them as markup."""
    said = said_in(hostile / "history-0.js")
    remark = said["columns"].index("remark")
    assert {row[remark] for rows in said["hydrants"] for row in rows} == set(HOSTILE)
    assert {name for name, _ in said["files"]} == {f"westlandia/33021/{text}" for text in HOSTILE}
    script = (hostile / "hydrants.js").read_text(encoding="ascii")
    whole = re.fullmatch(r"window\.BRANDKRANEN = (\{.*\});\n", script)
    assert whole is not None
    columns = json.loads(whole[1])["columns"]
    assert set(HOSTILE) < set(columns["id"])
    pages = [*hostile.parent.rglob("*.html")]
    assert len(pages) > 2 * 18
    for page in pages:
        html = page.read_text(encoding="utf-8")
        assert not re.search(r"<[^>]*\son\w+=", re.sub(r'"[^"]*"', '""', html)), page
        assert "<img" not in html
        assert "<script>" not in html
