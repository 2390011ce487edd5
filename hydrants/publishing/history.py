"""Every inspection of every hydrant of a snapshot, and the files in which a hydrant's page finds its own.

Beside a gemeente's pages lie `history-0.js`, `history-1.js`, ...: of the first PER_FILE hydrants in the order
of `hydrants.js`, of the next, and so on, so that the page of one hydrant fetches no more than a small part.
Each is one statement, in ASCII:

    window.BRANDKRANEN.histories[0] = {
      "columns": ["inspected_on", "outcome", ...],  what stands in a row, see below
      "outcomes": {"ok": "in orde", ...},           in words
      "files": [["westlandia/33021/mei.xlsx", "9f86d081884c"], ...],  name, and start of the SHA-256
      "defects": [["lek", "waterbedrijf"], ...],    in words, and who mends it
      "hydrants": [[row, row], [], ...]             per hydrant its inspections, the latest first
    };

A row has: inspected_on (ISO), outcome (key of "outcomes"), defects (places in "defects"), remark ("" for
none), pressure_bar, flow_l_per_min (null for none), matched (how the hydrant was found, in Dutch, "" when it
is not said), distance_m (from where the inspection says it was to where the register has the hydrant, null
when it does not say), is_deciding (1 for the inspection that the hydrant's state rests on, else 0), file
(place in "files"), sheet ("" for formats without), row_number, photos (SHA-256 of each; the picture is
`photos/<SHA-256>.jpg` beside the page), and photos_missing (how many it names that did not come, or are not
usable).

Who inspected is not in it: no inspector is published.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa

from hydrants import store
from hydrants.publishing import labels
from hydrants.store.tables import (
    ledger,
    match,
    raw_photo,
    raw_row,
    raw_sheet,
    record,
    rows_of,
    snapshot,
    snapshot_hydrant,
    upload,
)

PER_FILE = 250
_SHA256_SHOWN = 12

OUTCOME_NL = {**labels.OUTCOME, "not_testable": "niet te controleren", "repaired": "hersteld"}
_MATCHED_NL = {
    "id": "op nummer",
    "repaired_id": "op nummer, met een schrijffout",
    "position": "op plaats",
    "address": "op adres",
    "decision": "door een medewerker aangewezen",
}
_COLUMNS = (
    *("inspected_on", "outcome", "defects", "remark", "pressure_bar", "flow_l_per_min", "matched"),
    *("distance_m", "is_deciding", "file", "sheet", "row_number", "photos", "photos_missing"),
)

Photos = dict[tuple[int, str], str]
"""SHA-256 of each usable picture, by upload_id and the name that rows call it."""


class Inspection(NamedTuple):
    """What one row of a file says of a hydrant.

    Args:
        defects: codes.
        match_method: see `match`.
        distance_m: between the row's place and the register's, None when the row has none.
        is_deciding: the hydrant's state rests on it.
        file: contractor/nis/file name.
        sha256: of the file.
        photos: SHA-256 of each usable picture, in the row's order.
        photos_missing: how many more the row names.
    """

    hydrant_id: str
    inspected_on: date
    outcome: str
    defects: list[str]
    remark: str | None
    pressure_bar: float | None
    flow_l_per_min: float | None
    match_method: str | None
    distance_m: float | None
    is_deciding: bool
    file: str
    sha256: str
    sheet: str
    row_number: int
    photos: tuple[str, ...]
    photos_missing: int


def read(connection: sa.Connection, snapshot_id: int, nis: str) -> list[Inspection]:
    """Every inspection of the hydrants of a gemeente in a snapshot, by hydrant_id, the latest first.

    Those that `sql/status.sql` looks at, and those from before the campaign: accepted, linked, neither
    replaced by a corrected version nor withdrawn, and not from after the day that the figures speak of.
    """
    rows = connection.execute(_query(snapshot_id).where(snapshot_hydrant.c.nis == nis)).all()
    photos = _photos(connection, {row.upload_id for row in rows if row.photos})
    return list(_inspections(rows, photos))


def digests(connection: sa.Connection, snapshot_id: int, gemeenten: Iterable[str]) -> dict[str, str]:
    """For each gemeente a hash of all that `read` finds, by content: no key that a store counts up itself."""
    query, status = _query(snapshot_id), snapshot_hydrant.c
    said = query.with_only_columns(
        *(column for name, column in query.selected_columns.items() if name != "upload_id")
    )
    photos = _photos(connection, None)
    shown: dict[str, list[tuple[str, ...]]] = {nis: [] for nis in gemeenten}
    if photos:
        has_photos = sa.cast(record.c.photos, sa.Text) != "[]"
        some = query.where(rows_of(record, (upload_id for upload_id, _ in photos)), has_photos)
        named = some.with_only_columns(status.nis, raw_row.c.upload_id, record.c.photos)
        for nis, upload_id, names in connection.execute(named):
            shown[nis].append(_usable(photos, upload_id, names))
    return {
        nis: store.fingerprint(store.digest(connection, said.where(status.nis == nis)), pictures)
        for nis, pictures in shown.items()
    }


def _query(snapshot_id: int) -> sa.Select[Any]:
    status = snapshot_hydrant.c
    return (
        sa.select(
            raw_row.c.upload_id,
            status.hydrant_id,
            record.c.inspected_on,
            record.c.outcome,
            record.c.defects,
            record.c.remark,
            record.c.pressure_bar,
            record.c.flow_l_per_min,
            match.c.match_method,
            match.c.distance_m,
            sa.func.coalesce(match.c.row_id == status.row_id, sa.false()).label("is_deciding"),
            upload.c.contractor,
            upload.c.nis,
            upload.c.file_name,
            upload.c.sha256,
            raw_sheet.c.sheet,
            raw_row.c.row_number,
            record.c.photos,
        )
        .select_from(snapshot_hydrant)
        .join(snapshot, snapshot.c.snapshot_id == status.snapshot_id)
        .join(match, match.c.hydrant_id == status.hydrant_id)
        .join(record, record.c.row_id == match.c.row_id)
        .join(ledger, ledger.c.row_id == match.c.row_id)
        .join(raw_row, raw_row.c.row_id == match.c.row_id)
        .join(
            raw_sheet,
            (raw_sheet.c.upload_id == raw_row.c.upload_id)
            & (raw_sheet.c.sheet_number == raw_row.c.sheet_number),
        )
        .join(upload, upload.c.upload_id == raw_row.c.upload_id)
        .where(
            status.snapshot_id == snapshot_id,
            match.c.verdict == "linked",
            ledger.c.disposition == "accepted",
            record.c.superseded_by_row_id.is_(None),
            sa.not_(record.c.is_withdrawn),
            record.c.inspected_on <= snapshot.c.as_of,
        )
        .order_by(status.hydrant_id, record.c.inspected_on.desc(), upload.c.sha256, match.c.row_id)
    )


def _photos(connection: sa.Connection, upload_ids: Iterable[int] | None) -> Photos:
    """The usable pictures of some uploads, or of all."""
    photo = raw_photo.c
    query = sa.select(photo.upload_id, photo.file_name, photo.sha256).where(photo.sha256.is_not(None))
    if upload_ids is not None:
        query = query.where(photo.upload_id.in_(sorted(upload_ids)))
    return {(row.upload_id, row.file_name): row.sha256 for row in connection.execute(query)}


def _inspections(rows: Iterable[sa.Row[Any]], photos: Photos) -> Iterator[Inspection]:
    files: dict[int, str] = {}
    for upload_id, *said, contractor, nis, file_name, sha256, sheet, row_number, names in rows:
        file = files.get(upload_id) or files.setdefault(upload_id, f"{contractor}/{nis}/{file_name}")
        usable = _usable(photos, upload_id, names)
        shown = (*said, file, sha256, sheet, row_number, usable, len(names) - len(usable))
        yield Inspection._make(shown)


def _usable(photos: Photos, upload_id: int, names: Sequence[str]) -> tuple[str, ...]:
    """The pictures that a row names and that are to be seen, in its order."""
    return tuple(sha256 for name in names if (sha256 := photos.get((upload_id, name))) is not None)


def write(folder: Path, hydrant_ids: Sequence[str], inspections: Iterable[Inspection]) -> None:
    """Write the history files of a gemeente.

    Args:
        folder: the gemeente's own, in the snapshot's.
        hydrant_ids: its hydrants, in the order of `hydrants.js`.
        inspections: as `read` gives them.
    """
    found: dict[str, list[Inspection]] = {hydrant_id: [] for hydrant_id in hydrant_ids}
    for one in inspections:
        found[one.hydrant_id].append(one)
    for number, first in enumerate(range(0, len(hydrant_ids), PER_FILE)):
        own = [found[hydrant_id] for hydrant_id in hydrant_ids[first : first + PER_FILE]]
        # ASCII, so that no character ends a line or a string of the script early
        said = json.dumps(_file(own), separators=(",", ":"))
        text = f"window.BRANDKRANEN.histories[{number}] = {said};\n"
        (folder / f"history-{number}.js").write_text(text, encoding="ascii")


def _file(hydrants: list[list[Inspection]]) -> dict[str, Any]:
    files: dict[tuple[str, str], int] = {}
    defects: dict[str, int] = {}
    rows = [
        [
            [
                one.inspected_on.isoformat(),
                one.outcome,
                [defects.setdefault(code, len(defects)) for code in one.defects],
                one.remark or "",
                one.pressure_bar,
                one.flow_l_per_min,
                _MATCHED_NL.get(one.match_method or "", ""),
                None if one.distance_m is None else round(one.distance_m, 1),
                int(one.is_deciding),
                files.setdefault((one.file, one.sha256[:_SHA256_SHOWN]), len(files)),
                one.sheet,
                one.row_number,
                one.photos,
                one.photos_missing,
            ]
            for one in inspections
        ]
        for inspections in hydrants
    ]
    return {
        "columns": _COLUMNS,
        "outcomes": OUTCOME_NL,
        "files": list(files),
        "defects": [(labels.defect(code), labels.repaired_by(code)) for code in defects],
        "hydrants": rows,
    }
