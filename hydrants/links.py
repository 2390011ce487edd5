"""One more name for a file that lies elsewhere already, so that it takes no room twice."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

_NO_SECOND_NAME = {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP}
"""Another file system, not allowed, too many names already, or unheard of there."""


def add_any(files: Sequence[Path], target: Path) -> None:
    """Give the first of some equal files that can have it the name `target`; else the first is copied.

    Whoever looks for `target` finds it whole, or not at all.
    """
    if not any(_add(file, target) for file in files):
        aside = target.with_name(f".{target.name}.tmp")
        shutil.copyfile(files[0], aside)
        aside.replace(target)


def _add(file: Path, target: Path) -> bool:
    try:
        os.link(file, target)
    except OSError as error:
        if error.errno not in _NO_SECOND_NAME:
            raise
        return False
    return True
