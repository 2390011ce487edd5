"""What a snapshot's page, map and workbooks show, read back from its immutable rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyogrio
import pyproj
import sqlalchemy as sa

from hydrants import reference, store
from hydrants.publishing import labels, schedule
from hydrants.publishing.frame import Frame, Tiles
from hydrants.publishing.reads import judged, progress, registered
from hydrants.publishing.schedule import Schedule
from hydrants.reference.boundaries import LAMBERT_72
from hydrants.store.tables import (
    hydrant_state,
    publication,
    raw_row,
    raw_sheet,
    record,
    snapshot,
    snapshot_hydrant,
    upload,
)

WGS84 = "EPSG:4326"
_ROWS_AT_ONCE = 20_000


class Told(NamedTuple):
    """What is told of a gemeente.

    Args:
        sha256: its hash.
        since: the first day as of which every snapshot up to this one told it.
    """

    sha256: str
    since: date


class Content(NamedTuple):
    """A snapshot, and what is said about it as a whole.

    Args:
        told: of each gemeente, by NIS code.
        lines: the progress table (`reads.progress`), and of each line last_checked_on: day of its last
            deciding inspection, or None.
        source: what the boundaries file says of its own origin; empty when it says nothing.
        tiles: background of the maps.
        schedules: how far each water company and gemeente (NIS code) is, beside the plan.
    """

    snapshot_id: int
    as_of: date
    campaign_start: date
    campaign_end: date
    told: dict[str, Told]
    lines: list[dict[str, Any]]
    source: str
    tiles: Tiles
    schedules: dict[tuple[str, str], Schedule]

    def frame(self, root: str) -> Frame:
        """What stands around a page that lies so far below the snapshot's folder."""
        return Frame(
            root,
            self.snapshot_id,
            self.as_of,
            self.campaign_start,
            self.campaign_end,
            self.source,
            self.tiles,
        )

    def gemeenten(self) -> dict[str, str]:
        """Names by NIS code, in order of the name."""
        named = {line["nis"]: line["gemeente"] for line in self.lines if line["nis"] is not None}
        return dict(sorted(named.items(), key=lambda item: item[1]))

    def about(self, nis: str) -> str:
        """Of which day a gemeente's files are, in Dutch, and what the boundaries file says of its origin."""
        return f"gegevens van {labels.day(self.told[nis].since)}. {self.source}".strip()

    def of(self, nis: str) -> list[dict[str, Any]]:
        """The progress lines of a gemeente, one per water company."""
        return [line for line in self.lines if line["nis"] == nis]

    def made_from(self, nis: str, surroundings: list[object]) -> str:
        """A hash of all that a gemeente's files are made from: the same where they would be the same.

        Args:
            surroundings: as `inputs.what_surrounds` gives them.
        """
        # the day of its files is since when they are so, not that of the snapshot
        lines = [{**line, "snapshot_id": None, "as_of": None} for line in self.of(nis)]
        return store.fingerprint(*surroundings, self.source, lines, *self.told[nis])


def read(connection: sa.Connection, snapshot_id: int, boundaries: Path, tiles: Tiles) -> Content:
    """Read what is said of a snapshot as a whole."""
    row = connection.execute(sa.select(snapshot).where(snapshot.c.snapshot_id == snapshot_id)).one()
    last = _last_checked(connection, snapshot_id)
    lines = [
        {**line, "last_checked_on": last.get((line["operator"], line["nis"]))}
        for line in progress(connection, snapshot_id)
    ]
    return Content(
        snapshot_id,
        row.as_of,
        row.campaign_start,
        row.campaign_end,
        _told(connection, snapshot_id, row.as_of, {line["nis"] for line in lines if line["nis"]}),
        lines,
        _source(boundaries),
        tiles,
        schedule.read(connection, snapshot_id),
    )


def _told(
    connection: sa.Connection, snapshot_id: int, as_of: date, gemeenten: Iterable[str]
) -> dict[str, Told]:
    query = sa.select(publication.c.told).where(publication.c.snapshot_id == snapshot_id)
    told = connection.execute(query).scalar() or {}
    # a snapshot of which it was not written down is like no other
    unknown = (f"snapshot {snapshot_id}", as_of.isoformat())
    found = {nis: told.get(nis, unknown) for nis in gemeenten}
    return {nis: Told(sha256, date.fromisoformat(since)) for nis, (sha256, since) in found.items()}


def _last_checked(connection: sa.Connection, snapshot_id: int) -> dict[tuple[str, str | None], date]:
    """The day of the last deciding inspection, per water company and gemeente, and per water company."""
    own = snapshot_hydrant.c
    query = (
        sa.select(own.operator, own.nis, sa.func.max(own.inspected_on))
        .where(own.snapshot_id == snapshot_id, own.inspected_on.is_not(None))
        .group_by(own.operator, own.nis)
    )
    found: dict[tuple[str, str | None], date] = {}
    for operator, nis, day in connection.execute(query):
        for key in ((operator, nis), (operator, None)):
            found[key] = max(found.get(key, day), day)
    return found


def _source(boundaries: Path) -> str:
    if "bron" not in pyogrio.read_info(boundaries)["fields"]:
        return ""
    said = pyogrio.read_dataframe(boundaries, columns=["bron"], read_geometry=False)["bron"]
    return "; ".join(sorted(set(said.dropna().astype(str))))


def hydrants(
    connection: sa.Connection, snapshot_id: int, gemeenten: Iterable[str], status: str | None = None
) -> pd.DataFrame:
    """The hydrants of some gemeenten in a snapshot.

    Args:
        gemeenten: NIS codes.
        status: only those of which this is the status.

    Returns:
        One row per hydrant, in order of hydrant_id: hydrant_id, nis, operator, contractor, status,
        outcome, inspected_on, tried_on, is_conflict, is_repaired, x_l72, y_l72 (metres), lon, lat
        (WGS84 degrees), street_names, hydrant_type, diameter_mm, defects (list of codes), and the
        deciding row's file, sheet, row_number; and in Dutch operator_nl, contractor_nl, type_nl,
        status_nl, finding_nl, remark_nl. What is missing is None.
    """
    shown, state = snapshot_hydrant.c, hydrant_state.c
    query = (
        judged(
            snapshot_id,
            shown.hydrant_id,
            shown.nis,
            shown.operator,
            shown.contractor,
            shown.status,
            shown.outcome,
            shown.inspected_on,
            shown.tried_on,
            shown.is_conflict,
            shown.is_repaired,
            shown.x_l72,
            shown.y_l72,
            state.street_names,
            state.hydrant_type,
            state.diameter_mm,
            record.c.defects,
            (upload.c.contractor + "/" + upload.c.nis + "/" + upload.c.file_name).label("file"),
            raw_sheet.c.sheet,
            raw_row.c.row_number,
        )
        .outerjoin(
            raw_sheet,
            (raw_sheet.c.upload_id == raw_row.c.upload_id)
            & (raw_sheet.c.sheet_number == raw_row.c.sheet_number),
        )
        .where(shown.nis.in_(gemeenten))
    )
    if status is not None:
        query = query.where(shown.status == status)
    found: dict[str, Sequence[Any]] = {**store.read_columns(connection, query)}
    lon, lat = _to_wgs84().transform(*(np.array(found[name], "float64") for name in ("x_l72", "y_l72")))
    frame = pd.DataFrame(
        {name: pd.Series(values, dtype=object) for name, values in (found | _in_dutch(found)).items()}
    )
    return frame.assign(lon=np.round(lon, 7), lat=np.round(lat, 7))


def _in_dutch(found: dict[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
    names = {operator.operator: operator.name for operator in reference.operators().values()}
    findings = [
        (outcome, *(codes or ())) for outcome, codes in zip(found["outcome"], found["defects"], strict=True)
    ]
    remarks = list(zip(found["is_conflict"], found["is_repaired"], strict=True))
    return {
        "operator_nl": [names[key] for key in found["operator"]],
        "contractor_nl": _each(found["contractor"], lambda key: key and labels.firm(key)),
        "type_nl": [labels.HYDRANT_TYPE.get(key) for key in found["hydrant_type"]],
        "status_nl": [labels.STATUS[key] for key in found["status"]],
        "finding_nl": _each(findings, lambda said: labels.finding(said[0], list(said[1:]))),
        "remark_nl": _each(remarks, lambda said: labels.remark(is_conflict=said[0], is_repaired=said[1])),
    }


def _each(keys: Sequence[Any], words: Callable[[Any], str | None]) -> list[str | None]:
    """The words for each key, found once for each different one."""
    known = {key: words(key) for key in set(keys)}
    return [known[key] for key in keys]


class Places(NamedTuple):
    """Hydrants, and where they are.

    Args:
        names: nis, hydrant_id and street_names (or None) of each.
        xy_l72: (n, 2), metres.
    """

    names: list[tuple[str, str, str | None]]
    xy_l72: npt.NDArray[np.float64]


def working(connection: sa.Connection, snapshot_id: int, gemeenten: Iterable[str]) -> Places:
    """The hydrants in order of some gemeenten in a snapshot, by NIS code and hydrant_id."""
    shown = snapshot_hydrant.c
    columns = (shown.nis, shown.hydrant_id, hydrant_state.c.street_names, shown.x_l72, shown.y_l72)
    query = (
        registered(snapshot_id, *columns)
        .where(shown.status == "ok", shown.nis.in_(gemeenten))
        .order_by(None)
        .order_by(shown.nis, shown.hydrant_id)
    )
    names: list[tuple[str, str, str | None]] = []
    places = [np.empty((0, 2))]
    for rows in connection.execute(query.execution_options(yield_per=_ROWS_AT_ONCE)).partitions():
        names += [(row.nis, row.hydrant_id, row.street_names) for row in rows]
        places.append(np.array([(row.x_l72, row.y_l72) for row in rows], dtype="float64"))
    return Places(names, np.concatenate(places))


@lru_cache(maxsize=1)
def _to_wgs84() -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(LAMBERT_72, WGS84, always_xy=True)
