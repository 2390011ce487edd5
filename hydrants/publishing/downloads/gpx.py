"""Hydrants as waypoints (GPX 1.1), for a phone or a navigation device in the field."""

from __future__ import annotations

import re
from pathlib import Path
from xml.sax.saxutils import escape

import pandas as pd

from hydrants.publishing.content import Content

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML may hold, not even escaped."""

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<gpx version="1.1" creator="hydrants" xmlns="http://www.topografix.com/GPX/1/1">
<metadata><name>{name}</name><desc>{description}</desc><time>{day}T00:00:00Z</time></metadata>
"""
_POINT = '<wpt lat="{}" lon="{}"><name>{}</name><desc>{}</desc><type>{}</type></wpt>\n'


def write(path: Path, content: Content, nis: str, which_nl: str, hydrants: pd.DataFrame) -> None:
    """Write some hydrants of a gemeente.

    Args:
        path: file to write.
        which_nl: which ones, such as 'niet in orde'.
        hydrants: those, as `content.hydrants` gives them.
    """
    name = f"Brandkranen {content.gemeenten()[nis]}: {which_nl}"
    fields = ("finding_nl", "remark_nl", "tried_on", "street_names", "type_nl", "diameter_mm", "operator_nl")
    said = zip(*(hydrants[field] for field in fields), strict=True)
    places = zip(hydrants["lat"].tolist(), hydrants["lon"].tolist(), hydrants["hydrant_id"], strict=True)
    points = [
        _POINT.format(_degrees(lat), _degrees(lon), _text(hydrant_id), _text(_description(*words)), which_nl)
        for (lat, lon, hydrant_id), words in zip(places, said, strict=True)
    ]
    day = content.told[nis].since.isoformat()
    head = _HEAD.format(name=_text(name), description=_text(content.about(nis)), day=day)
    path.write_text(f"{head}{''.join(points)}</gpx>\n", encoding="utf-8", newline="\n")


def _description(
    finding: str,
    remark: str,
    tried_on: object,
    street: str | None,
    kind: str | None,
    diameter: int | None,
    operator: str,
) -> str:
    """What whoever stands there should know, the most important first."""
    tried = f"vergeefs geprobeerd op {tried_on:%d/%m/%Y}" if tried_on else ""
    size = f"{diameter:.0f} mm" if diameter else ""
    return "; ".join(filter(None, (finding, remark, tried, street, kind, size, operator)))


def _degrees(value: float) -> str:
    """Without the exponent that XML Schema's decimal does not know."""
    return f"{value:.7f}"


def _text(value: str) -> str:
    return escape(_NO_XML.sub("\N{REPLACEMENT CHARACTER}", value))
