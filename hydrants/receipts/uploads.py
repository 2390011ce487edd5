"""The uploads as an operator looks at them: what became of each, and letting a held one through."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

import sqlalchemy as sa

from hydrants import journal, store
from hydrants.errors import UnusableSetting
from hydrants.journal import Event
from hydrants.receipts.facts import utc
from hydrants.receipts.states import told
from hydrants.store.tables import receipt, release, upload

_MIN_HASH_DIGITS = 6
_FIGURES = ("received", "accepted", "duplicate", "refused", "held")


def listed(
    connection: sa.Connection, contractor: str | None = None, nis: str | None = None
) -> list[dict[str, Any]]:
    """Every upload, newest first, with what its receipt says.

    Returns:
        contractor, nis, file_name, sha256, received_at, status (waiting: for its first night; refused; held;
        released: the next night counts its rows; processed), format, received, accepted, duplicate, refused,
        held (rows), reason (of a refused or held file, Dutch), receipt (path below SITE without suffix; None
        while it waits).
    """
    query = (
        sa.select(upload, receipt.c.path, release.c.released_at)
        .outerjoin(receipt, receipt.c.upload_id == upload.c.upload_id)
        .outerjoin(release, release.c.sha256 == upload.c.sha256)
        .order_by(upload.c.landed_at.desc(), upload.c.contractor, upload.c.nis, upload.c.file_name)
    )
    if contractor is not None:
        query = query.where(upload.c.contractor == contractor)
    if nis is not None:
        query = query.where(upload.c.nis == nis)
    counts = told(connection)
    return [_line(row, counts.get(row.upload_id, {})) for row in connection.execute(query)]


def held(connection: sa.Connection) -> list[dict[str, Any]]:
    """The uploads that wait until a person has looked: as `listed`, with the share of rows refused."""
    return [
        # a file that was answered before it was held has no figures until it is answered again
        {**line, "refused_share": line["refused"] / line["received"] if line["received"] else None}
        for line in listed(connection)
        if line["status"] == "held"
    ]


def let_through(
    engine: sa.Engine, landing: Path, name: str, note: str | None = None
) -> tuple[dict[str, Any], bool]:
    """Release a held upload: the next night counts its rows.

    Args:
        landing: folder that has the journal.
        name: its file name, with or without firm and gemeente (`westlandia/33021/lijst.xlsx`), or the
            start of its hash, at least six digits.
        note: the person's reason.

    Returns:
        The upload, as `listed`, and whether it was released now; once more changes nothing.

    Raises:
        UnusableSetting: when no upload or more than one goes by that name, or it is not held.
    """
    journal.catch_up(engine, landing, KINDS)
    with store.write(engine, turn=RELEASED.turn) as connection:
        line = _one(listed(connection), name)
        query = sa.select(release.c.sha256).where(release.c.sha256 == line["sha256"])
        if connection.execute(query).first() is not None:
            return line, False
        if line["status"] != "held":
            raise UnusableSetting(f"{_full_name(line)} is not held: {line['status']}")
        event = journal.record(connection, landing, RELEASED, {"sha256": line["sha256"], "note": note})
        _apply_released(connection, landing, event)
    return {**line, "status": "released"}, True


def _apply_released(connection: sa.Connection, _landing: Path, event: Event) -> None:
    """A person let a content through; the first to do so is remembered."""
    sha256 = event.body["sha256"]
    if connection.execute(sa.select(release.c.sha256).where(release.c.sha256 == sha256)).first() is None:
        values = {"sha256": sha256, "note": event.body["note"], "released_at": event.at}
        connection.execute(sa.insert(release).values(values))


RELEASED = journal.Kind("released", "release", _apply_released)
KINDS = (RELEASED,)


def _one(lines: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """The upload that goes by a name; of several by one name, the only one that is or was held."""
    found = [line for line in lines if _goes_by(line, name)]
    if not found:
        raise UnusableSetting(f"no upload goes by {name!r}; 'hydrants uploads list' shows all")
    choices = [line for line in found if line["status"] in ("held", "released")] or found
    if len(choices) > 1:
        spelled = "; ".join(f"{_full_name(line)} ({line['sha256'][:12]})" for line in choices)
        raise UnusableSetting(f"{name!r} can be any of {len(choices)} uploads, give more of it: {spelled}")
    return choices[0]


def _line(row: Any, counts: dict[str, Any]) -> dict[str, Any]:
    return {
        "contractor": row.contractor,
        "nis": row.nis,
        "file_name": row.file_name,
        "sha256": row.sha256,
        "received_at": utc(row.landed_at),
        "status": _status(row),
        "format": counts.get("format"),
        **{figure: counts.get(figure, 0) for figure in _FIGURES},
        "reason": row.rejected_because or row.held_because,
        "receipt": row.path,
    }


def _status(row: Any) -> str:
    if row.path is None:
        return "waiting"
    if row.rejected_because is not None:
        return "refused"
    if row.held_because is None:
        return "processed"
    return "held" if row.released_at is None else "released"


def _goes_by(line: dict[str, Any], name: str) -> bool:
    if len(name) >= _MIN_HASH_DIGITS and line["sha256"].startswith(name.lower()):
        return True
    return name in (line["file_name"], _full_name(line))


def _full_name(line: dict[str, Any]) -> str:
    return str(PurePosixPath(line["contractor"], line["nis"], line["file_name"]))
