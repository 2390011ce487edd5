"""The decisions that hold as a person looks at them, and taking them back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from hydrants import journal, store
from hydrants.errors import UnusableSetting
from hydrants.review.decisions import KINDS, TURN, active, decided_rows, put
from hydrants.store import tables

NOT_REGISTERED_NL = "niet meer in het register"
NOT_RECEIVED_NL = "bestand niet ontvangen"
_NOT_READ_NL = "rij niet gelezen"
_NOT_CHECKED_NL = "rij nog niet nagekeken"
_REFUSED_NL = "rij geweigerd"
_HEADING_NL = "rij is een titel of kolomkop"
_SUPERSEDED_NL = "vervangen door een nieuwere versie van hetzelfde verslag"
_WITHDRAWN_NL = "ingetrokken door de afzender"


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
    decided = decided_rows(connection).to_dict("records")
    others = _contradictions(decided)
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
            "remark_nl": _remark_nl(row, others.get(row["decision_id"], [])),
        }
        for row in decided
        if contractor in (None, row["contractor"]) and nis in (None, row["nis"])
    ]


def undo(engine: sa.Engine, landing: Path, decision_ids: Iterable[int]) -> list[dict[str, Any]]:
    """Take decisions back, all of them or none; their rows stay in the table as revoked.

    Args:
        landing: folder that has the journal.

    Returns:
        What was revoked, as `listed`.

    Raises:
        UnusableSetting: naming each id that is unknown, was revoked before or gave way to a newer decision
            on its row; then nothing is revoked.
    """
    wanted = sorted(set(decision_ids))
    decision = tables.decision.c
    query = sa.select(decision.decision_id, decision.revoked_at).where(decision.decision_id.in_(wanted))
    journal.catch_up(engine, landing, KINDS)
    with store.write(engine, turn=TURN) as connection:
        revoked_at = {row.decision_id: row.revoked_at for row in connection.execute(query)}
        holding = set(active(connection)["decision_id"])
        wrong = [
            f"there is no decision {wanted_id}"
            if wanted_id not in revoked_at
            else f"decision {wanted_id} gave way to a newer one"
            if revoked_at[wanted_id] is None
            else f"decision {wanted_id} was revoked already, on {revoked_at[wanted_id]:%Y-%m-%d}"
            for wanted_id in wanted
            if wanted_id not in holding
        ]
        if wrong:
            raise UnusableSetting(f"nothing is revoked: {'; '.join(wrong)}; see 'hydrants review list'")
        lines = [line for line in listed(connection) if line["decision_id"] in revoked_at]
        put(connection, landing, [], wanted)
    return lines


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


def _utc(moment: datetime) -> datetime:
    """SQLite keeps no zone, PostgreSQL gives that of the session."""
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _contradictions(decided: list[dict[Any, Any]]) -> dict[int, list[int]]:
    """By decision_id, the other decisions that say something else of the same record."""
    of_record: dict[int, list[dict[Any, Any]]] = {}
    for row in decided:
        if row["target_row_id"] is not None:
            of_record.setdefault(row["target_row_id"], []).append(row)
    return {
        row["decision_id"]: sorted(
            other["decision_id"] for other in rows if other["hydrant_id"] != row["hydrant_id"]
        )
        for rows in of_record.values()
        for row in rows
    }


def _remark_nl(row: Mapping[Any, Any], contradicted_by: list[int]) -> str | None:
    if not row["is_registered"]:
        return NOT_REGISTERED_NL
    if row["upload_id"] is None:
        return NOT_RECEIVED_NL
    if row["target_row_id"] is None:
        return _NOT_READ_NL
    if row["disposition"] in (None, "quarantined", "heading"):
        return {None: _NOT_CHECKED_NL, "quarantined": _REFUSED_NL, "heading": _HEADING_NL}[row["disposition"]]
    if row["is_withdrawn"]:
        return _WITHDRAWN_NL
    if row["superseded_by_row_id"] is not None:
        return _SUPERSEDED_NL
    if contradicted_by:
        return f"tegengesproken door beslissing {', '.join(map(str, contradicted_by))}"
    return None
