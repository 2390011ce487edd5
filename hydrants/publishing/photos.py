"""The pictures of the inspections that a snapshot shows, below their gemeente's folder.

A picture lies in PHOTOS under the hash of its bytes, already without position, camera and the rest, and never
changes (`hydrants.reading.photos`). A snapshot has it as `<NIS>/photos/<SHA-256>.jpg`: another name of the
same file, so that a hundred snapshots take no more room than one, each is whole, and removing a snapshot
removes what no other needs. Where SITE and PHOTOS lie on different file systems, the first snapshot has a
copy, and the next ones share that.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

from hydrants import links
from hydrants.store.files import landed_path

_log = logging.getLogger(__name__)

FOLDER = "photos"


def publish(own: Path, kept: Path, earlier: Path, shown: Iterable[str]) -> None:
    """Put the pictures that a gemeente shows into its folder; without any there is no folder.

    Args:
        own: the gemeente's folder, in a snapshot's.
        kept: PHOTOS.
        earlier: the gemeente's folder in the snapshot before; need not be there.
        shown: SHA-256 of each.

    A picture that the store knows of and that is in neither folder holds back nothing: it is logged.
    """
    for sha256 in shown:
        target = own / FOLDER / f"{sha256}.jpg"
        target.parent.mkdir(exist_ok=True)
        original, shared = landed_path(kept, sha256), earlier / FOLDER / target.name
        sources = [path for path in (original, shared) if path.is_file()]
        if len({path.stat().st_size for path in sources}) > 1:  # what was published has been damaged since
            sources.remove(shared)
        if not sources:
            _log.error("a picture is not in %s, and left out: %s", kept, sha256)
        else:
            links.add_any(sources, target)
