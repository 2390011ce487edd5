"""Styles, scripts and pictures of the pages, and the map library: nothing comes from elsewhere."""

from __future__ import annotations

import shutil
from pathlib import Path

import xstatic.pkg.leaflet

STATIC = Path(__file__).resolve().parents[1] / "static"
_LEAFLET = (
    "leaflet.js",
    "leaflet.css",
    "images/layers.png",
    "images/layers-2x.png",
    "images/marker-icon.png",
)


def copy_assets(folder: Path) -> None:
    """Put page/ and leaflet/ into a snapshot's folder."""
    for name in _LEAFLET:
        target = folder / "leaflet" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(Path(xstatic.pkg.leaflet.BASE_DIR) / name, target)
    (folder / "page").mkdir()
    for path in sorted(STATIC.iterdir()):
        shutil.copyfile(path, folder / "page" / path.name)
