"""The folder of a gemeente in a snapshot: pages, history, pictures, and files to download.

Most gemeenten are as they were when the snapshot before was made. `made_from/<NIS>.json` in the snapshot's
folder says what its files were made from, and how long they are; where the next ones are made from the same,
they get a name there too, and only the pages are written, which bear the snapshot's number.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa

from hydrants import links, store
from hydrants.publishing import content, downloads, history, pages, photos
from hydrants.publishing.areas import Area
from hydrants.publishing.content import Content
from hydrants.publishing.pages.gemeente import Repairs
from hydrants.settings import Settings

_log = logging.getLogger(__name__)

MADE_FROM = "made_from"


class Shown(NamedTuple):
    """What pages tell of a gemeente's rows.

    Args:
        repairs: what is to be mended.
        photos: SHA-256 of each picture.
    """

    repairs: Repairs
    photos: list[str]


def write(
    engine: sa.Engine,
    settings: Settings,
    folder: Path,
    whole: Content,
    nis: str,
    area: Area | None,
    made_from: str,
) -> None:
    """Write the folder of one gemeente.

    Args:
        folder: the snapshot's.
        made_from: a hash of all that its files are made from.
    """
    own, before = folder / nis, settings.site / "current"
    told = folder / MADE_FROM / f"{nis}.json"
    own.mkdir()
    told.parent.mkdir(exist_ok=True)
    shown = _taken_over(own, before / nis, before / MADE_FROM / told.name, made_from)
    if shown is None:
        shown = _made(engine, own, whole, nis, area)
    files = {path.name: path.stat().st_size for path in sorted(own.iterdir())}
    told.write_text(json.dumps({"made_from": made_from, "files": files, **shown._asdict()}), encoding="ascii")
    pages.gemeente.write(own, whole, nis, shown.repairs)
    pages.hydrant.write(own, whole, nis)
    photos.publish(own, settings.photos, before / nis, shown.photos)


def _made(engine: sa.Engine, own: Path, whole: Content, nis: str, area: Area | None) -> Shown:
    """Write what takes a gemeente's rows; those of a snapshot do not change, so each is read on its own."""
    with store.read(engine) as connection:
        hydrants = content.hydrants(connection, whole.snapshot_id, [nis])
        inspections = history.read(connection, whole.snapshot_id, nis)
    pages.gemeente.write_data(own, whole, nis, hydrants, area)
    history.write(own, hydrants["hydrant_id"].tolist(), inspections)
    downloads.write(own, whole, nis, hydrants)
    return Shown(Repairs.of(hydrants), sorted({sha256 for one in inspections for sha256 in one.photos}))


def _taken_over(own: Path, earlier: Path, told: Path, made_from: str) -> Shown | None:
    """Give an earlier folder's files a name in this one too; None, and nothing done, if they are others.

    Args:
        told: what is said of the earlier folder; need not be there.
    """
    if not told.is_file():
        return None
    try:
        said: dict[str, Any] = json.loads(told.read_bytes())
    except ValueError:
        _log.warning("%s is damaged: what it speaks of is written anew", told)
        return None
    if said["made_from"] != made_from or not _are_whole(earlier, said["files"]):
        return None
    for name in said["files"]:
        links.add_any([earlier / name], own / name)
    return Shown(Repairs.from_json(said["repairs"]), said["photos"])


def _are_whole(folder: Path, sizes: dict[str, int]) -> bool:
    files = ((folder / name, size) for name, size in sizes.items())
    return all(file.is_file() and file.stat().st_size == size for file, size in files)
