"""What the store knows of an upload, gathered for the answer to its sender."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from hydrants import reference, store
from hydrants.receipts import rows
from hydrants.receipts.rows import Kind
from hydrants.receipts.sheets import Sheet, sheet
from hydrants.reference.amiss import amiss_nl
from hydrants.reference.profile import Profile
from hydrants.store.tables import (
    ROWS_PER_UPLOAD,
    finding,
    ledger,
    raw_photo,
    raw_sheet,
    rows_of,
    stage_state,
    upload,
)


class Counts(NamedTuple):
    """Rows of an upload: received = accepted + duplicate + refused + held + sums.

    `remarked` are accepted too. `sums` are rows of totals; headings and blank rows are no data.
    """

    received: int
    accepted: int
    remarked: int
    duplicate: int
    refused: int
    held: int
    sums: int
    heading: int
    blank: int


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload that was read, or refused as a whole.

    Args:
        landed_at: when it was received, UTC.
        inputs: fingerprint of everything that its receipt says.
    """

    upload_id: int
    sha256: str
    contractor: str
    nis: str
    file_name: str
    size_bytes: int
    landed_at: datetime
    rejected_because: str | None
    held_because: str | None
    inputs: str

    @classmethod
    def stored(cls) -> list[str]:
        """The fields that are columns of the table of the same name."""
        return [field.name for field in fields(cls) if field.name != "inputs"]

    @property
    def status(self) -> str:
        """In a word: refused and held are of the file as a whole."""
        if self.rejected_because is not None:
            return "refused"
        return "held" if self.held_because is not None else "processed"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receipt says of an upload, beside its rows.

    Args:
        firm, gemeente: names for people.
        format: such as csv or xlsx; None when the file could not even be recognised.
        sheets: those that hold data rows.
        refused_photos: (file name, why).
    """

    upload: Upload
    firm: str
    gemeente: str
    format: str | None
    counts: Counts
    sheets: list[Sheet]
    unknown_columns: list[str]
    notices: list[str]
    refused_photos: list[tuple[str, str]]


def answerable(connection: sa.Connection, contractor: str, nis: str, *seals: Any) -> list[Upload]:
    """The uploads of a batch that can be answered: validated, or refused as a whole; oldest first.

    Args:
        seals: what else decides what a receipt says, such as the version of its writer.
    """
    columns = [upload.c[name] for name in Upload.stored()]
    query = sa.select(*columns).where(upload.c.contractor == contractor, upload.c.nis == nis)
    found = connection.execute(query.order_by(upload.c.upload_id)).mappings().all()
    states = _states(connection, [row["upload_id"] for row in found])
    answerable = []
    for row in found:
        own = states[row["upload_id"]]
        validated = own.get("validation upload")
        if validated is None and row["rejected_because"] is None:
            continue
        has_duplicates = validated is not None and validated.counts.get("duplicate")
        repeated = _repeated_files(connection, row["upload_id"]) if has_duplicates else []
        facts = {**row, "landed_at": utc(row["landed_at"])}
        fingerprints = {key: state.fingerprint for key, state in own.items()}
        gemeente = reference.gemeenten()[nis].name_nl
        amiss = _amiss(connection, row["upload_id"], gemeente)
        inputs = store.fingerprint(facts, fingerprints, repeated, gemeente, amiss, *seals)
        answerable.append(Upload(**facts, inputs=inputs))
    return answerable


def gather(connection: sa.Connection, item: Upload, profile: Profile) -> Answer:
    """Everything that a receipt says of an upload beside its rows."""
    query = sa.select(raw_sheet).where(raw_sheet.c.upload_id == item.upload_id)
    found = connection.execute(query.order_by(raw_sheet.c.sheet_number)).all()
    by_kind = rows.count(connection, item.upload_id) if item.rejected_because is None else {}
    summary = _states(connection, [item.upload_id])[item.upload_id].get("validation parse")
    said: dict[str, Any] = summary.counts if summary else {}
    photos = (
        sa.select(raw_photo.c.file_name, raw_photo.c.refused_because)
        .where(raw_photo.c.upload_id == item.upload_id, raw_photo.c.refused_because.is_not(None))
        .order_by(raw_photo.c.file_name)
    )
    with_rows = {number for number, kind in by_kind if kind is not None}
    gemeente = reference.gemeenten()[item.nis].name_nl
    return Answer(
        upload=item,
        firm=profile.name,
        gemeente=gemeente,
        format=found[0].format if found else None,
        counts=_counts(by_kind, 0 if item.rejected_because else sum(row.blank_rows for row in found)),
        sheets=[
            sheet(connection, row, {kind: by_kind.get((row.sheet_number, kind), 0) for kind in Kind}, profile)
            for row in found
            if row.sheet_number in with_rows
        ],
        unknown_columns=list(said.get("unknown_columns", [])),
        notices=[
            *_amiss(connection, item.upload_id, gemeente),
            *(row.notice for row in found if row.notice),
            *said.get("notices", []),
        ],
        refused_photos=[row._tuple() for row in connection.execute(photos)],
    )


def utc(moment: datetime) -> datetime:
    """A moment of the store in UTC: SQLite keeps no zone, PostgreSQL gives that of the session."""
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _states(connection: sa.Connection, upload_ids: list[int]) -> dict[int, dict[str, Any]]:
    """What reading and validation computed of uploads: fingerprint and counts, by stage and kind of scope."""
    query = sa.select(stage_state).where(
        stage_state.c.stage.in_(["reading", "validation"]),
        stage_state.c.scope.in_(
            [f"{kind}:{upload_id}" for upload_id in upload_ids for kind in ("upload", "parse")]
        ),
    )
    states: dict[int, dict[str, Any]] = defaultdict(dict)
    for row in connection.execute(query):
        kind, _, upload_id = row.scope.partition(":")
        states[int(upload_id)][f"{row.stage} {kind}"] = row
    return states


def _amiss(connection: sa.Connection, upload_id: int, gemeente: str) -> list[str]:
    """What is wrong with the positions of an upload as a whole."""
    query = sa.select(finding).where(finding.c.upload_id == upload_id)
    return [
        amiss_nl(row.what, gemeente, row.share, row.east_m, row.north_m) for row in connection.execute(query)
    ]


def _repeated_files(connection: sa.Connection, upload_id: int) -> list[tuple[int, str]]:
    """(upload_id, name) of the files whose rows an upload repeats: the receipt names them."""
    first = sa.select(ledger.c.duplicate_of_row_id // ROWS_PER_UPLOAD).where(
        rows_of(ledger, [upload_id]), ledger.c.duplicate_of_row_id.is_not(None)
    )
    query = sa.select(upload.c.upload_id, upload.c.file_name).where(upload.c.upload_id.in_(first))
    return [row._tuple() for row in connection.execute(query.order_by(upload.c.upload_id))]


def _counts(by_kind: dict[tuple[int, Kind | None], int], blank: int) -> Counts:
    total = dict.fromkeys((*Kind, None), 0)
    for (_, kind), number in by_kind.items():
        total[kind] += number
    return Counts(
        received=sum(total[kind] for kind in Kind),
        accepted=total[Kind.ACCEPTED] + total[Kind.REMARKED],
        remarked=total[Kind.REMARKED],
        duplicate=total[Kind.DUPLICATE],
        refused=total[Kind.REFUSED],
        held=total[Kind.HELD],
        sums=total[Kind.SUM],
        heading=total[None],
        blank=blank,
    )
