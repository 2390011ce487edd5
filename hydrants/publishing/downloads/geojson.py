"""The hydrants of a gemeente as GeoJSON (RFC 7946): WGS84 degrees, longitude first."""

from __future__ import annotations

from pathlib import Path

import orjson
import pandas as pd

from hydrants.publishing import labels
from hydrants.publishing.content import Content
from hydrants.publishing.downloads.fields import FIELDS, SOURCE, named


def write(path: Path, content: Content, nis: str, hydrants: pd.DataFrame) -> None:
    """Write a gemeente's hydrants, as `content.hydrants` gives them."""
    points = zip(hydrants["lon"].tolist(), hydrants["lat"].tolist(), strict=True)
    features = [
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": point}, "properties": properties}
        for point, properties in zip(points, named(hydrants, {**FIELDS, **SOURCE}), strict=True)
    ]
    collection = {
        "type": "FeatureCollection",
        "name": f"brandkranen_{nis}",
        "description": f"gegevens van {labels.day(content.as_of)}. {content.source}".strip(),
        "features": features,
    }
    path.write_bytes(orjson.dumps(collection))
