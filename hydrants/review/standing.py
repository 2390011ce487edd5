"""The decisions that hold as a person looks at them, taking them back, and what they teach."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa

from hydrants import store
from hydrants.errors import UnusableSetting
from hydrants.review.decisions import TURN, active_query, revoke_within
from hydrants.store import tables

LABEL_COLUMNS = ("file", "sheet", "row", "hydrant_id", "why", "bron")
LABEL_SOURCE = "beslissing van een persoon"
NOT_REGISTERED_NL = "niet meer in het register"
NOT_RECEIVED_NL = "bestand niet ontvangen"


def decided_rows(connection: sa.Connection) -> pd.DataFrame:
    """The decisions that hold, each with the row that it speaks of.

    Returns:
        The columns of `active`, and upload_id, contractor, nis, file_name (None when no such file was
        received), target_row_id: the row whose record the decision is on, the one repeated when the decided
        row repeats another; None when there is no such row. Objects; ordered by contractor, nis, file_name,
        sheet, row_number.
    """
    decided, upload = active_query().subquery("decided"), tables.upload.c
    sheet, raw_row, ledger = tables.raw_sheet.c, tables.raw_row.c, tables.ledger.c
    is_sheet = sa.and_(sheet.upload_id == upload.upload_id, sheet.sheet == decided.c.sheet)
    is_row = sa.and_(
        raw_row.upload_id == upload.upload_id,
        raw_row.sheet_number == sheet.sheet_number,
        raw_row.row_number == decided.c.row_number,
    )
    target = sa.func.coalesce(ledger.duplicate_of_row_id, raw_row.row_id).label("target_row_id")
    query = (
        sa.select(*decided.c, upload.upload_id, upload.contractor, upload.nis, upload.file_name, target)
        .select_from(decided)
        .outerjoin(tables.upload, upload.sha256 == decided.c.sha256)
        .outerjoin(tables.raw_sheet, is_sheet)
        .outerjoin(tables.raw_row, is_row)
        .outerjoin(tables.ledger, ledger.row_id == raw_row.row_id)
        .order_by(decided.c.decision_id, raw_row.row_id)
    )
    frame = store.read_frame(connection, query).drop_duplicates("decision_id")  # sheets may be namesakes
    frame = frame.sort_values(
        ["contractor", "nis", "file_name", "sheet", "row_number", "sha256"], ignore_index=True
    )
    return frame.astype(object).where(frame.notna(), None)


def listed(
    connection: sa.Connection, contractor: str | None = None, nis: str | None = None
) -> list[dict[str, Any]]:
    """The decisions that hold, for a person or a program to look at.

    Args:
        contractor, nis: only decisions on files of this firm, in this gemeente's folder.

    Returns:
        decision_id, files (every firm/gemeente/name that the content came under; none when it was not
        received here), sha256, sheet, row, verdict, hydrant_id, is_registered, note, decided_at, remark_nl
        (what keeps the decision from having effect; None when nothing does).
    """
    names = _names(connection)
    return [
        {
            "decision_id": int(row["decision_id"]),
            "files": names.get(row["sha256"], []),
            "sha256": row["sha256"],
            "sheet": row["sheet"],
            "row": int(row["row_number"]),
            "verdict": row["verdict"],
            "hydrant_id": row["hydrant_id"],
            "is_registered": bool(row["is_registered"]),
            "note": row["note"],
            "decided_at": _utc(row["decided_at"]),
            "remark_nl": _remark_nl(row),
        }
        for row in decided_rows(connection).to_dict("records")
        if contractor in (None, row["contractor"]) and nis in (None, row["nis"])
    ]


def undo(engine: sa.Engine, decision_ids: Iterable[int]) -> list[dict[str, Any]]:
    """Take decisions back, all of them or none; their rows stay in the table as revoked.

    Returns:
        What was revoked, as `listed`.

    Raises:
        UnusableSetting: naming each id that is unknown or was revoked before; then nothing is revoked.
    """
    wanted = sorted(set(decision_ids))
    decision = tables.decision.c
    query = sa.select(decision.decision_id, decision.revoked_at).where(decision.decision_id.in_(wanted))
    with store.write(engine, turn=TURN) as connection:
        revoked_at = {row.decision_id: row.revoked_at for row in connection.execute(query)}
        wrong = [
            f"decision {wanted_id} was revoked already, on {revoked_at[wanted_id]:%Y-%m-%d}"
            if wanted_id in revoked_at
            else f"there is no decision {wanted_id}"
            for wanted_id in wanted
            if revoked_at.get(wanted_id, True) is not None
        ]
        if wrong:
            raise UnusableSetting(f"nothing is revoked: {'; '.join(wrong)}; see 'hydrants review list'")
        lines = [line for line in listed(connection) if line["decision_id"] in revoked_at]
        revoke_within(connection, wanted)
    return lines


def labels(connection: sa.Connection) -> tuple[pd.DataFrame, int]:
    """The decisions as a truth to measure by.

    Returns:
        `LABEL_COLUMNS`: file (firm/gemeente/name), sheet, row, hydrant_id (empty: not in the register), why
        (the person's note), bron; ordered by file, sheet, row. And how many decisions are left out: those
        whose hydrant is no longer registered or whose file was not received here.
    """
    decided = decided_rows(connection)
    usable = decided[decided["is_registered"].astype(bool) & decided["target_row_id"].notna()]
    frame = pd.DataFrame(
        {
            "file": usable["contractor"] + "/" + usable["nis"] + "/" + usable["file_name"],
            "sheet": usable["sheet"],
            "row": usable["row_number"],
            "hydrant_id": usable["hydrant_id"].fillna(""),
            "why": usable["note"].fillna(""),
            "bron": LABEL_SOURCE,
        },
        columns=list(LABEL_COLUMNS),
    ).sort_values(["file", "sheet", "row"], ignore_index=True)
    return frame, len(decided) - len(usable)


def _names(connection: sa.Connection) -> dict[str, list[str]]:
    """Every firm/gemeente/name that a decided content came under, by its hash; its own name first."""
    upload, delivery = tables.upload.c, tables.delivery.c
    is_decided = upload.sha256.in_(sa.select(tables.decision.c.sha256))
    own = sa.select(upload.sha256, upload.contractor, upload.nis, upload.file_name).where(is_decided)
    delivered = (
        sa.select(upload.sha256, delivery.contractor, delivery.nis, delivery.file_name)
        .join(tables.delivery, delivery.upload_id == upload.upload_id)
        .where(is_decided)
    )
    names: dict[str, list[str]] = {}
    for sha256, *place in [*connection.execute(own), *sorted(map(tuple, connection.execute(delivered)))]:
        name = "/".join(place)
        if name not in names.setdefault(sha256, []):
            names[sha256].append(name)
    return names


def _utc(moment: pd.Timestamp) -> datetime:
    """SQLite keeps no zone, PostgreSQL gives that of the session."""
    zoned = moment.tz_convert("UTC") if moment.tzinfo else moment.tz_localize("UTC")
    return zoned.to_pydatetime()


def _remark_nl(row: Mapping[Any, Any]) -> str | None:
    if not row["is_registered"]:
        return NOT_REGISTERED_NL
    return NOT_RECEIVED_NL if row["target_row_id"] is None else None
