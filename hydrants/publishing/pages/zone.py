"""A fire zone: what does not work now, and the nearest hydrant that does."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.spatial import cKDTree

from hydrants.publishing import labels
from hydrants.publishing.content import Content
from hydrants.publishing.pages.rendering import render
from hydrants.reference import Zone

_WINDS = ("N", "NO", "O", "ZO", "Z", "ZW", "W", "NW")
_PLACE = ["x_l72", "y_l72"]


class Alternative(NamedTuple):
    """The nearest working hydrant, as seen from one that fails.

    Args:
        direction: towards it, in Dutch: N, NO, O, ZO, Z, ZW, W or NW.
    """

    hydrant_id: str
    nis: str
    street_names: str
    distance_m: int
    direction: str


class Failing(NamedTuple):
    """A hydrant that does not work.

    Args:
        what_nl: what is wrong with it.
        remark_nl: whether it is contradicted or repaired since; mostly empty.
        alternative: None when no hydrant of the zone works.
    """

    hydrant_id: str
    what_nl: str
    remark_nl: str
    is_found: bool
    is_repaired: bool
    inspected_on: date
    street_names: str
    kind_nl: str
    alternative: Alternative | None


class Part(NamedTuple):
    """A gemeente of the zone: its failing hydrants by street, and how many have not been looked at."""

    nis: str
    name: str
    registered: int
    remaining: int
    failing: list[Failing]


def write(folder: Path, content: Content, zone: Zone, hydrants: dict[str, pd.DataFrame]) -> None:
    """Write zones/<zone>/index.html.

    Args:
        folder: the snapshot's.
        hydrants: of each gemeente of the zone, as `content.hydrants` gives them.
    """
    own = folder / "zones" / zone.zone
    own.mkdir(parents=True)
    parts = list(_parts(content, hydrants))
    html = render(
        "zone.html.j2",
        content.frame("../../"),
        zone=zone,
        parts=parts,
        failing=[one for part in parts for one in part.failing],
        registered=sum(part.registered for part in parts),
        remaining=sum(part.remaining for part in parts),
        gemeenten=content.gemeenten(),
        address=address,
    )
    (own / "index.html").write_text(html, encoding="utf-8")


def address(nis: str, hydrant_id: str) -> str:
    """The way from a zone's page to that of a hydrant."""
    return f"../../{nis}/hydrant.html#{urlencode({'id': hydrant_id})}"


def _parts(content: Content, hydrants: dict[str, pd.DataFrame]) -> Iterator[Part]:
    """The gemeenten by name."""
    nearest = nearest_working(hydrants)
    for nis, name in content.gemeenten().items():
        if nis not in hydrants:
            continue
        own = hydrants[nis]
        failing = own[own["status"] == "failed"]
        shown = [
            Failing(
                row["hydrant_id"],
                _what(row["outcome"], row["defects"] or []),
                row["remark_nl"] or "",
                row["outcome"] != "not_found",
                bool(row["is_repaired"]),
                row["inspected_on"],
                row["street_names"] or "",
                _kind(row),
                nearest.get(row["hydrant_id"]),
            )
            for row in failing.to_dict("records")
        ]
        # those without a street last: they are the hardest to place
        shown.sort(key=lambda one: (not one.street_names, one.street_names.casefold(), one.hydrant_id))
        yield Part(nis, name, len(own), int((own["status"] == "remaining").sum()), shown)


def _what(outcome: str, codes: list[str]) -> str:
    """What is wrong; that a hydrant is not in order, the whole page says."""
    if outcome == "failed" and codes:
        return ", ".join(map(labels.defect, codes))
    return labels.finding(outcome, codes)


def _kind(row: dict[Hashable, Any]) -> str:
    diameter = f"{row['diameter_mm']:.0f} mm" if row["diameter_mm"] else ""
    return ", ".join(part for part in (row["type_nl"], diameter) if part)


def nearest_working(hydrants: dict[str, pd.DataFrame]) -> dict[str, Alternative]:
    """For each failing hydrant the nearest that is in order, whatever its gemeente.

    Args:
        hydrants: by NIS code, as `content.hydrants` gives them.

    Returns:
        By hydrant_id of the failing ones. Distances are straight lines in Lambert 72; of several as near,
        the first by NIS code and hydrant_id. Empty when none works.
    """
    if not hydrants:
        return {}
    every = pd.concat([hydrants[nis].assign(nis=nis) for nis in sorted(hydrants)], ignore_index=True)
    working = every[every["status"] == "ok"].reset_index(drop=True)
    failing = every[every["status"] == "failed"]
    if working.empty or failing.empty:
        return {}
    places = working[_PLACE].to_numpy(dtype="float64")
    starts = failing[_PLACE].to_numpy(dtype="float64")
    distances_m, found = cKDTree(places).query(starts, k=[1, 2])
    nearest = found[:, 0].copy()
    # the tree takes any of several that are as near; equal figures shall make equal pages
    for index in np.flatnonzero(distances_m[:, 0] == distances_m[:, 1]):
        nearest[index] = np.argmin(np.hypot(*(places - starts[index]).T))
    chosen = working.iloc[nearest]
    return {
        failing_id: Alternative(hydrant_id, nis, street or "", round(distance_m), wind)
        for failing_id, hydrant_id, nis, street, distance_m, wind in zip(
            failing["hydrant_id"],
            chosen["hydrant_id"],
            chosen["nis"],
            chosen["street_names"],
            distances_m[:, 0].tolist(),
            _winds(places[nearest] - starts),
            strict=True,
        )
    }


def _winds(towards_m: npt.NDArray[np.float64]) -> list[str]:
    """The compass direction of each step to the east and north."""
    turns = np.arctan2(towards_m[:, 0], towards_m[:, 1]) / (2 * np.pi)
    return [_WINDS[place] for place in np.rint(turns * len(_WINDS)).astype(int) % len(_WINDS)]
