"""The hydrants of a gemeente as GeoJSON (RFC 7946): WGS84 degrees, longitude first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pandas as pd

from hydrants.publishing.content import Content
from hydrants.publishing.downloads.fields import FIELDS, SOURCE, named

_FEATURES_AT_ONCE = 10_000
"""So many are made before they are written: as objects they take several times the room of their text."""


def write(path: Path, content: Content, nis: str, hydrants: pd.DataFrame) -> None:
    """Write a gemeente's hydrants, as `content.hydrants` gives them."""
    collection = {
        "type": "FeatureCollection",
        "name": f"brandkranen_{nis}",
        "description": content.about(nis),
        "features": [],
    }
    with path.open("wb") as file:
        file.write(orjson.dumps(collection).removesuffix(b"]}"))
        for first in range(0, len(hydrants), _FEATURES_AT_ONCE):
            some = orjson.dumps(_features(hydrants.iloc[first : first + _FEATURES_AT_ONCE]))
            file.write((b"," if first else b"") + some[1:-1])
        file.write(b"]}")


def _features(hydrants: pd.DataFrame) -> list[dict[str, Any]]:
    points = zip(hydrants["lon"].tolist(), hydrants["lat"].tolist(), strict=True)
    return [
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": point}, "properties": properties}
        for point, properties in zip(points, named(hydrants, {**FIELDS, **SOURCE}), strict=True)
    ]
