"""How QGIS draws the hydrants of a GeoPackage: the same colours and shapes as the map of the page."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple
from xml.etree import ElementTree as ET

from hydrants.publishing import labels

_ATTRIBUTE = "toestand"
_STYLE = "toestand"
_TABLE = """
CREATE TABLE layer_styles (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    f_table_catalog TEXT(256),
    f_table_schema TEXT(256),
    f_table_name TEXT(256),
    f_geometry_column TEXT(256),
    styleName TEXT(30),
    styleQML TEXT,
    styleSLD TEXT,
    useAsDefault BOOLEAN,
    description TEXT,
    owner TEXT(30),
    ui TEXT(30),
    update_time DATETIME
)
"""
_CONTENTS = """
INSERT INTO gpkg_contents (table_name, data_type, identifier, description, last_change)
VALUES ('layer_styles', 'attributes', 'layer_styles', '', ?)
"""
_INSERT = """
INSERT INTO layer_styles
    (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName, styleQML, styleSLD,
     useAsDefault, description, owner, update_time)
VALUES ('', '', ?, 'geom', ?, ?, '', 1, 'kleur en vorm naar toestand', '', ?)
"""


class _Look(NamedTuple):
    """A marker: shape, RGB of fill and of outline, and size in millimetres."""

    shape: str
    fill: str
    outline: str
    size_mm: str


_LOOKS = {
    "ok": _Look("circle", "0,122,90,255", "255,255,255,255", "2.4"),
    "failed": _Look("triangle", "194,65,12,255", "92,29,4,255", "3.4"),
    "remaining": _Look("square", "255,255,255,255", "75,87,98,255", "2.2"),
}


def add(file: sqlite3.Connection, layers: Iterable[str], moment: str) -> None:
    """Put the style of each layer into an open GeoPackage; `moment` is when it is said to have been made."""
    file.execute(_TABLE)
    file.execute(_CONTENTS, (moment,))
    file.executemany(_INSERT, [(layer, _STYLE, _qml(), moment) for layer in layers])


def _qml() -> str:
    """A style by category, as QGIS 3 writes it."""
    document = ET.Element("qgis", version="3.28.0", styleCategories="Symbology")
    renderer = ET.SubElement(
        document,
        "renderer-v2",
        type="categorizedSymbol",
        attr=_ATTRIBUTE,
        symbollevels="1",  # what does not work lies on top
        enableorderby="0",
        forceraster="0",
    )
    categories = ET.SubElement(renderer, "categories")
    symbols = ET.SubElement(renderer, "symbols")
    for level, (status, look) in enumerate(sorted(_LOOKS.items(), key=lambda item: item[0] == "failed")):
        words = labels.STATUS[status]
        ET.SubElement(
            categories, "category", symbol=status, value=words, label=words, render="true", type="string"
        )
        symbol = ET.SubElement(symbols, "symbol", type="marker", name=status, alpha="1", clip_to_extent="1")
        layer = ET.SubElement(
            symbol,
            "layer",
            attrib={"class": "SimpleMarker", "pass": str(level), "enabled": "1", "locked": "0"},
        )
        properties = ET.SubElement(layer, "Option", type="Map")
        for name, value in {
            "name": look.shape,
            "color": look.fill,
            "outline_color": look.outline,
            "outline_style": "solid",
            "outline_width": "0.3",
            "outline_width_unit": "MM",
            "size": look.size_mm,
            "size_unit": "MM",
            "angle": "0",
        }.items():
            ET.SubElement(properties, "Option", name=name, value=value, type="QString")
    text = ET.tostring(document, encoding="unicode")
    return f"<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n{text}\n"
