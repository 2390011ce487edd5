"""What stands around every page of a snapshot."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple
from urllib.parse import urlsplit


class Tiles(NamedTuple):
    """A background for the maps, from a server elsewhere: none by default.

    Args:
        url: with {z}, {x}, {y}; empty: no background.
        attribution: whose it is.
    """

    url: str
    attribution: str

    @property
    def host(self) -> str:
        """Where its pictures come from, as a content security policy names it; empty without."""
        parts = urlsplit(self.url.replace("{s}", "*"))
        return f"{parts.scheme}://{parts.netloc}" if self.url else ""


class Frame(NamedTuple):
    """What stands around every page.

    Args:
        root: the way from the page to the snapshot's folder: "", "../" or "../../".
        source: what the boundaries say of their origin; empty when they say nothing.
    """

    root: str
    snapshot_id: int
    as_of: date
    campaign_start: date
    campaign_end: date
    source: str
    tiles: Tiles
