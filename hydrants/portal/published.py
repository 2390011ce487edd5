"""What of the published site a path names, and whether a scope includes it.

A path that is not on the list, names something that is not there, or lies outside the scope is all the same:
not found. Files are regular ones inside the folder they are looked for in; no link leads out of it.
"""

from __future__ import annotations

import json
import re
from datetime import date
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from hydrants import reference
from hydrants.portal.scope import Scope

_SNAPSHOT = re.compile(r"/(?:current|snapshots/([1-9][0-9]{0,17}))/(.*)", re.ASCII)
_ASSET = re.compile(r"(?:page|leaflet|leaflet/images)/[a-z0-9][a-z0-9_.-]*\.(?:css|js|png|svg)", re.ASCII)
_OF_GEMEENTE = re.compile(
    r"([0-9]{5})/(?:photos/[0-9a-f]{64}\.jpg|[A-Za-z0-9][A-Za-z0-9_-]*\.(html|js|xlsx|csv|gpkg|geojson|gpx))",
    re.ASCII,
)
_OF_ZONE = re.compile(r"zones/([a-z0-9_-]+)/[a-z0-9][a-z0-9_.-]*\.(?:html|js)", re.ASCII)
_RECEIPT = re.compile(
    r"/private/([a-z0-9_-]+)/(?:[0-9]{5}/[A-Za-z0-9][A-Za-z0-9._-]*\.(?:xlsx|json)|index\.html|receipts\.css)",
    re.ASCII,
)
_DOWNLOADS = {"xlsx", "csv", "gpkg", "geojson", "gpx"}
OVERVIEW = "overview.json"


class Kind(StrEnum):
    """How an answer is made."""

    file = "file"
    overview = "overview"
    progress = "progress"
    state = "state"


class Found(NamedTuple):
    """What a path names.

    Args:
        path: the regular file from which the answer is made, its links resolved.
        is_download: to be kept under its name, not to be looked at; each is noted in the log.
    """

    kind: Kind
    path: Path
    is_download: bool = False


def find(site: Path, path: str, scope: Scope) -> Found | None:
    """What a visitor with this scope gets for a path; None: nothing.

    Args:
        site: folder of the site, its links resolved.
        path: of the URL, decoded.
    """
    if path in ("/state.js", "/snapshots/state.js"):  # as seen from current/, and from an older snapshot
        return _regular(Kind.state, site / "state.js", site)
    if path.startswith("/private/"):
        return _receipt(site, path, scope)
    parts = _SNAPSHOT.fullmatch(path)
    if parts is None:
        return None
    folder = _folder(site, parts[1])
    return None if folder is None else _in_snapshot(folder, parts[2], scope)


def _folder(site: Path, snapshot_id: str | None) -> Path | None:
    """The folder of a snapshot, or of the current one; always one of those in snapshots/."""
    folder = site / "snapshots" / snapshot_id if snapshot_id else (site / "current").resolve()
    is_snapshot = folder.parent == site / "snapshots" and folder.name.isdecimal() and not folder.is_symlink()
    return folder if is_snapshot and folder.is_dir() else None


def _in_snapshot(folder: Path, inside: str, scope: Scope) -> Found | None:
    if inside == "" or inside.endswith("/"):
        inside += "index.html"
    if inside in ("index.html", "progress.json"):
        kind, source = {
            "index.html": (Kind.overview, OVERVIEW),
            "progress.json": (Kind.progress, "progress.json"),
        }[inside]
        return _regular(kind, folder / source, folder) if scope.gemeenten else None
    if _ASSET.fullmatch(inside):
        return _regular(Kind.file, folder / inside, folder)
    if parts := _OF_GEMEENTE.fullmatch(inside):
        is_download = parts[2] in _DOWNLOADS
        is_allowed = parts[1] in scope.gemeenten
        return _regular(Kind.file, folder / inside, folder, is_download) if is_allowed else None
    if parts := _OF_ZONE.fullmatch(inside):
        members = _members(folder, parts[1])
        is_allowed = bool(members) and members <= scope.gemeenten
        return _regular(Kind.file, folder / inside, folder) if is_allowed else None
    return None


def _receipt(site: Path, path: str, scope: Scope) -> Found | None:
    parts = _RECEIPT.fullmatch(path + "index.html" if path.endswith("/") else path)
    if parts is None or parts[1] not in scope.firms:
        return None
    folder = site / "private" / parts[1]
    name = parts[0].removeprefix(f"/private/{parts[1]}/")
    return _regular(Kind.file, folder / name, folder, name.endswith(".xlsx"))


def _regular(kind: Kind, path: Path, folder: Path, is_download: bool = False) -> Found | None:
    """A file that is one, and where it seems to be: no part of its path below `folder` is a link."""
    if not path.is_file() or path.resolve() != path or not path.is_relative_to(folder):
        return None
    return Found(kind, path, is_download)


def _members(folder: Path, zone: str) -> frozenset[str]:
    """The gemeenten that a snapshot's page of a zone speaks of: those of its own day."""
    zones = reference.zones(as_of(folder))
    return zones[zone].gemeenten if zone in zones else frozenset()


@lru_cache(maxsize=64)
def as_of(folder: Path) -> date:
    """The day that a snapshot's figures speak of; a snapshot never changes."""
    shown = json.loads((folder / OVERVIEW).read_bytes())
    return date.fromisoformat(shown["frame"]["as_of"])
