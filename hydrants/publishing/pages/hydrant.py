"""The page of a hydrant: one per gemeente, on which `#id=...` says which.

Everything that differs between hydrants comes from the scripts beside it: `hydrants.js` (`pages.gemeente`)
and the history files (`history`). A page for each hydrant would be thousands of files that say the same.
"""

from __future__ import annotations

from pathlib import Path

from hydrants.publishing import history
from hydrants.publishing.content import Content
from hydrants.publishing.pages.rendering import write as write_page


def write(folder: Path, content: Content, nis: str) -> None:
    """Write hydrant.html into a gemeente's folder."""
    write_page(
        folder / "hydrant.html",
        "hydrant.html.j2",
        content.frame("../"),
        nis=nis,
        name=content.gemeenten()[nis],
        per_file=history.PER_FILE,
    )
