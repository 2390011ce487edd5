"""Writing the files: XLSX, CSV, GeoPackage, GeoJSON. Each says that it is made up.

Every writer returns, for each row of the table, the number by which it goes in its format: worksheet row,
line, feature id, ordinal.
"""

from __future__ import annotations

import csv
import json
from datetime import date, datetime
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xlsxwriter

from hydrants import reference
from hydrants.demo import geopackage
from hydrants.demo.filing import File
from hydrants.demo.geopackage import MADE_UP
from hydrants.demo.wording import Cell, Table, plain

_CREATED = datetime(2019, 12, 31)  # noqa: DTZ001 - a workbook's own date has no zone; fixed, so that bytes are equal
_BLANK_EVERY = 23
_LARGE_ROWS = 5_000

WESTLANDIA_HEADERS = (
    {
        "ref": "Fiche",
        "id": "Nr. brandkraan",
        "date": "Datum",
        "address": "Straat en nr",
        "x": "X",
        "y": "Y",
        "type": "Type",
        "diameter": "Diameter",
        "outcome": "Resultaat",
        "defects": "Gebrek",
        "again": "Herkeuring",
        "revised": "Gewijzigd op",
        "remark": "Opmerking",
    },
    {
        "ref": "Fiche",
        "date": "Datum controle",
        "id": "Brandkraannummer",
        "type": "Soort",
        "diameter": "DN",
        "address": "Adres",
        "outcome": "Uitslag",
        "defects": "Vaststelling",
        "again": "Herkeuring",
        "x": "X-coördinaat",
        "y": "Y-coördinaat",
        "remark": "Opm.",
        "revised": "Laatst gewijzigd",
    },
)
INTERWEST_HEADERS = {
    "ref": "Volgnummer",
    "id": "Kenmerk",
    "date": "Datum controle",
    "address": "Adres",
    "gemeente": "Gemeente",
    "x": "X-coördinaat",
    "y": "Y-coördinaat",
    "type": "Soort",
    "diameter": "DN",
    "outcome": "Status",
    "defects": "Vaststelling",
    "again": "Herkeuring",
    "revised": "Laatst gewijzigd",
    "remark": "Opmerking",
}
PHONE_PROPERTIES = {
    "ref": "uuid",
    "id": "kenmerk",
    "date": "datum",
    "address": "adres",
    "type": "soort",
    "diameter": "diameter",
    "outcome": "status",
    "defects": "vaststelling",
    "again": "herkeuring",
    "revised": "gewijzigd_op",
    "remark": "opmerking",
}
SHEETS = {"xlsx": "Controle", "csv": "", "gpkg": "controles", "geojson": ""}


def write(path: Path, file: File, table: Table) -> tuple[list[int], int | None]:
    """Write one upload.

    Returns:
        The row number of each row, and of the row "Totaal" where there is one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix == "xlsx":
        return write_workbook(path, file, table)
    if file.suffix == "csv":
        return write_csv(path, file, table), None
    if file.suffix == "gpkg":
        return write_geopackage(path, file, table), None
    return write_geojson(path, table), None


def write_workbook(path: Path, file: File, table: Table) -> tuple[list[int], int]:
    """Title, period, an empty row, headers, rows with blank ones in between, and a row "Totaal"."""
    headers = WESTLANDIA_HEADERS[file.header_style]
    rows = list(zip(*(table[name] for name in headers), strict=True))
    storage = "constant_memory" if len(rows) > _LARGE_ROWS else "in_memory"
    options = {storage: True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(str(path), options) as book:
        book.set_properties({"created": _CREATED, "comments": MADE_UP})
        day = book.add_format({"num_format": "dd/mm/yyyy"})
        minute = book.add_format({"num_format": "dd/mm/yyyy hh:mm"})
        sheet = book.add_worksheet(SHEETS["xlsx"])
        name = reference.gemeenten()[file.nis].name_nl
        sheet.write_string(0, 0, f"Controle brandkranen {name} - {MADE_UP}")
        period = f"Periode: {_day(file.first_day):%d/%m/%Y} - {_day(file.last_day):%d/%m/%Y}"
        sheet.write_string(1, 0, period)
        for column, header in enumerate(headers.values()):
            sheet.write_string(3, column, header)
        numbers = []
        at = 4
        for count, row in enumerate(rows, start=1):
            for column, value in enumerate(row):
                _write_cell(sheet, at, column, value, day, minute)
            numbers.append(at + 1)
            at += 2 if count % _BLANK_EVERY == 0 else 1
        sheet.write_string(at, 0, "Totaal")
        sheet.write_number(at, 1, len(rows))
        if file.has_hidden_sheet:
            lists = book.add_worksheet("Lijsten")
            for line, word in enumerate((MADE_UP, "goedgekeurd", "afgekeurd", "niet gevonden", "n.v.t.")):
                lists.write_string(line, 0, word)
            lists.hide()
    return numbers, at + 1


def _day(day: np.datetime64) -> date:
    return pd.Timestamp(day).date()


def _write_cell(
    sheet: xlsxwriter.worksheet.Worksheet,
    row: int,
    column: int,
    value: Cell,
    day: xlsxwriter.format.Format,
    minute: xlsxwriter.format.Format,
) -> None:
    if value is None:
        return
    if isinstance(value, str):
        sheet.write_string(row, column, value)
    elif isinstance(value, datetime):
        sheet.write_datetime(row, column, value, minute)
    elif isinstance(value, date):
        sheet.write_datetime(row, column, value, day)
    else:
        sheet.write_number(row, column, value)


def write_csv(path: Path, file: File, table: Table) -> list[int]:
    """Below a title line; Westlandia in UTF-8 with BOM, Interwest in Windows-1252."""
    is_westlandia = file.firm == "westlandia"
    headers = WESTLANDIA_HEADERS[file.header_style] if is_westlandia else INTERWEST_HEADERS
    encoding = "utf-8-sig" if is_westlandia else "cp1252"
    with path.open("w", encoding=encoding, newline="") as handle:
        writer = csv.writer(handle, delimiter=";", lineterminator="\r\n")
        writer.writerow([MADE_UP, *[""] * (len(headers) - 1)])
        writer.writerow(headers.values())
        cells = ([plain(value) for value in table[name]] for name in headers)
        writer.writerows(zip(*cells, strict=True))
    return list(range(3, 3 + len(table["ref"])))


def _features(table: Table) -> tuple[pd.DataFrame, list[shapely.Point | None]]:
    properties = {
        name: [None if value is None else str(value) for value in table[key]]
        for key, name in PHONE_PROPERTIES.items()
    }
    frame = pd.DataFrame(properties, dtype=object).assign(bron=MADE_UP)
    points = [
        None if x is None or y is None else shapely.Point(float(str(x)), float(str(y)))
        for x, y in zip(table["x"], table["y"], strict=True)
    ]
    return frame, points


def write_geopackage(path: Path, file: File, table: Table) -> list[int]:
    """Layer "controles" with the point of each inspection, where the phone had one."""
    frame, points = _features(table)
    geopackage.write(path, SHEETS["gpkg"], gpd.GeoDataFrame(frame, geometry=points, crs=file.crs))
    return list(range(1, len(frame) + 1))


def write_geojson(path: Path, table: Table) -> list[int]:
    """WGS84 features, with a description that says what they are."""
    frame, points = _features(table)
    features = [
        {
            "type": "Feature",
            "geometry": None if point is None else {"type": "Point", "coordinates": [point.x, point.y]},
            "properties": properties,
        }
        for point, properties in zip(points, frame.to_dict("records"), strict=True)
    ]
    with path.open("w", encoding="utf-8", newline="\n") as handle:
        handle.write(f'{{"type": "FeatureCollection", "description": "{MADE_UP}", "features": [\n')
        handle.write(",\n".join(json.dumps(feature, ensure_ascii=False) for feature in features))
        handle.write("\n]}\n")
    return list(range(1, len(features) + 1))
