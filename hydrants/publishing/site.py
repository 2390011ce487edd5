"""The directories of the published site: written aside, renamed when whole, switched last.

site/snapshots/<id>/   one snapshot, complete from the moment it bears this name
site/current           link to the snapshot that readers see
site/index.html        sends a reader of site/ to current/
site/state.js          when the current snapshot was last known to be right; else its pages are loud
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

_MANIFEST = "manifest.json"
_REDIRECT = """<!doctype html>
<html lang="nl">
<head>
<meta charset="utf-8">
<meta http-equiv="refresh" content="0; url=current/index.html">
<title>Brandkranen</title>
</head>
<body><p><a href="current/index.html">Naar de stand van de brandkranen</a></p></body>
</html>
"""


@contextmanager
def alone(site: Path) -> Iterator[None]:
    """Let one process at a time publish to `site`; another waits. Ends with the process that holds it."""
    site.mkdir(parents=True, exist_ok=True)
    with (site / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def directory(site: Path, snapshot_id: int) -> Path:
    """Where a snapshot's files are."""
    return site / "snapshots" / str(snapshot_id)


def is_complete(folder: Path) -> bool:
    """Whether every file that was written is still there, at its length."""
    manifest = folder / _MANIFEST
    if not manifest.is_file():
        return False
    sizes: dict[str, int] = json.loads(manifest.read_text(encoding="utf-8"))
    return all((folder / name).is_file() and (folder / name).stat().st_size == sizes[name] for name in sizes)


def write(folder: Path, fill: Callable[[Path], None]) -> None:
    """Have `fill` write into a directory beside `folder`, and rename it to `folder` when it is whole."""
    aside = folder.with_name(f"{folder.name}.tmp")
    broken = folder.with_name(f"{folder.name}.broken")
    for leftover in (aside, broken):
        if leftover.exists():
            shutil.rmtree(leftover)
    aside.mkdir(parents=True)
    fill(aside)
    files = sorted(path for path in aside.rglob("*") if path.is_file())
    sizes = {path.relative_to(aside).as_posix(): path.stat().st_size for path in files}
    (aside / _MANIFEST).write_text(json.dumps(sizes, indent=1), encoding="utf-8")
    if folder.exists():  # only ever an incomplete one
        folder.rename(broken)
    aside.rename(folder)
    if broken.exists():
        shutil.rmtree(broken)


def switch(site: Path, snapshot_id: int) -> bool:
    """Make readers of the site see this snapshot from now on; False when they did already."""
    index = site / "index.html"
    if not index.is_file() or index.read_text(encoding="utf-8") != _REDIRECT:
        _replace(index, lambda path: path.write_text(_REDIRECT, encoding="utf-8"))
    current, target = site / "current", f"snapshots/{snapshot_id}"
    if current.is_symlink() and os.readlink(current) == target:  # noqa: PTH115 - the text of the link
        return False
    _replace(current, lambda path: path.symlink_to(target, target_is_directory=True))
    return True


def confirm(site: Path, now: datetime, stale_hours: int) -> None:
    """Let the pages know that what is current was right at this moment, and when that is too long ago."""
    said = json.dumps({"confirmed_at": now.isoformat(timespec="seconds"), "stale_hours": stale_hours})
    text = f"window.BRANDKRANEN_STATE = {said};\n"
    _replace(site / "state.js", lambda path: path.write_text(text, encoding="ascii"))


def _replace(path: Path, make: Callable[[Path], object]) -> None:
    aside = path.with_name(f".{path.name}.tmp")
    aside.unlink(missing_ok=True)
    make(aside)
    aside.replace(path)
