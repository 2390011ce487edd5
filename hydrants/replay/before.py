"""A store that is older than its journal: what it knows is written down as events, once.

The events are then applied as any other, which changes nothing that they speak of. They get the moments at
which things happened: so they come before all later ones, and when they are written once more, since a
backup from before was restored, they are the same files.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from hydrants import journal, store
from hydrants.journal import as_text, write_as_of
from hydrants.settings import Settings
from hydrants.store import tables
from hydrants.store.files import sha256_of

_log = logging.getLogger(__name__)

STAGE, SCOPE = "journal", "before"
"""In `stage_state`: the migration that made the table `event` notes it where there was nothing to write."""

_RECEIPTS, _ADDRESSES = "receipts", "addresses"


def write(engine: sa.Engine, settings: Settings) -> None:
    """Write the events of all that the store knew before there was a journal, unless that was done."""
    with store.read(engine) as connection:
        if store.is_done(connection, STAGE, SCOPE, SCOPE):
            return
        counts = {
            "deliveries": _deliveries(connection, settings.landing),
            "registers": _registers(connection, settings),
            "addresses": _addresses(connection, settings),
            "answers": _answers(connection, settings.landing),
            "decisions": _decisions(connection, settings.landing),
            "releases": _releases(connection, settings.landing),
            "mails": _mails(connection, settings.landing),
            "snapshots": _snapshots(connection, settings),
        }
    with store.write(engine, turn=STAGE) as connection:
        store.mark_done(connection, STAGE, SCOPE, SCOPE, counts)


def _deliveries(connection: sa.Connection, landing: Path) -> int:
    delivery, upload = tables.delivery.c, tables.upload.c
    names = ("contractor", "nis", "file_name")
    query = (
        sa.select(
            *(delivery[name] for name in names),
            delivery.seen_at,
            delivery.gone_at,
            upload.sha256,
            upload.size_bytes,
        )
        .join_from(tables.delivery, tables.upload)
        .where(delivery.event.is_(None))
        .order_by(delivery.upload_id, delivery.seen_at)
    )
    rows = connection.execute(query).all()
    for row in rows:
        name = {key: getattr(row, key) for key in names}
        content = {"sha256": row.sha256, "size_bytes": row.size_bytes}
        write_as_of(landing, "received", {**content, **name}, row.seen_at)
        if row.gone_at is not None:
            body = {"sha256": row.sha256, "names": [list(name.values())]}
            write_as_of(landing, "gone", body, row.gone_at)
    return len(rows)


def _registers(connection: sa.Connection, settings: Settings) -> int:
    """Exports that lie in REGISTERS still are kept in LANDING; where one does not, that is told."""
    lying = {sha256_of(path): path for path in sorted(settings.registers.glob("*/*")) if path.is_file()}
    boundaries = _kept(settings, settings.boundaries)
    version = tables.register_version
    rows = connection.execute(sa.select(version).order_by(version.c.register_version_id)).all()
    for row in rows:
        if row.sha256 in lying:
            journal.keep(settings.landing, lying[row.sha256])
        elif not journal.kept_path(settings.landing, row.sha256).is_file():
            _log.warning(
                "the register export %s of %s, loaded before there was a journal, lies in REGISTERS no more: "
                "without it the store cannot be rebuilt. Load it once more, or copy it to %s",
                row.file_name,
                row.operator,
                journal.kept_path(settings.landing, row.sha256),
            )
        body = {
            **{key: getattr(row, key) for key in ("operator", "file_name", "sha256")},
            "exported_on": row.exported_on.isoformat(),
            "scope": row.scope,
            "boundaries": boundaries,
        }
        write_as_of(settings.landing, "register", body, row.loaded_at)
    return len(rows)


def _addresses(connection: sa.Connection, settings: Settings) -> int:
    """The file that was loaded by hand, where it lies there still; that of the setting is loaded anyhow."""
    state = tables.stage_state.c
    is_by_hand = (state.stage == _ADDRESSES) & (state.scope == "by hand")
    row = connection.execute(sa.select(state.counts, state.finished_at).where(is_by_hand)).first()
    if row is None:
        return 0
    path, sha256 = Path(row.counts["file"]), row.counts["sha256"]
    if path.is_file() and sha256_of(path) == sha256:
        journal.keep(settings.landing, path)
    elif not journal.kept_path(settings.landing, sha256).is_file():
        _log.warning("the addresses loaded by hand from %s lie there no more: load a file once more", path)
        return 0
    body = {"file_name": path.name, "sha256": sha256, "instead_of": row.counts["instead_of"]}
    write_as_of(settings.landing, "addresses", body, row.finished_at)
    return 1


def _answers(connection: sa.Connection, landing: Path) -> int:
    answer = tables.geocoder_answer.c
    source = ("service", "source_version")
    found: dict[tuple[str, str, datetime], list[dict[str, Any]]] = defaultdict(list)
    query = sa.select(tables.geocoder_answer).order_by(answer.asked_at, *(answer[name] for name in source))
    for row in connection.execute(query.order_by(answer.question)):
        told = {"question": row.question, "answer": row.answer}
        found[(row.service, row.source_version, row.asked_at)].append(told)
    for (service, source_version, asked_at), answers in found.items():
        body = {"service": service, "source_version": source_version, "answers": answers}
        write_as_of(landing, "answers", body, asked_at)
    return sum(map(len, found.values()))


def _decisions(connection: sa.Connection, landing: Path) -> int:
    decision = tables.decision.c
    key = ("sha256", "sheet", "row_number")
    rows = connection.execute(sa.select(tables.decision).order_by(decision.decision_id)).mappings().all()
    decided: dict[datetime, list[dict[str, Any]]] = defaultdict(list)
    revoked: dict[datetime, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        on = {name: row[name] for name in key}
        said = {name: row[name] for name in ("verdict", "hydrant_id", "note")}
        decided[row["decided_at"]].append({**on, **said})
        if row["revoked_at"] is not None:
            revoked[row["revoked_at"]].append({**on, "decided_at": as_text(row["decided_at"])})
    for moment, some in decided.items():
        write_as_of(landing, "decisions", {"decided": some, "revoked": []}, moment)
    for moment, some in revoked.items():
        write_as_of(landing, "decisions", {"decided": [], "revoked": some}, moment)
    return len(rows)


def _releases(connection: sa.Connection, landing: Path) -> int:
    release = tables.release
    rows = connection.execute(sa.select(release).order_by(release.c.released_at, release.c.sha256)).all()
    for row in rows:
        write_as_of(landing, "released", {"sha256": row.sha256, "note": row.note}, row.released_at)
    return len(rows)


def _mails(connection: sa.Connection, landing: Path) -> int:
    """The receipts that were mailed as they are now; a mail went to the firm that the upload is of."""
    receipt, upload, state = tables.receipt.c, tables.upload.c, tables.stage_state.c
    scope = sa.literal("upload:") + sa.cast(upload.upload_id, sa.Text)
    query = (
        sa.select(upload.contractor, upload.sha256, receipt.mailed_at, state.counts)
        .join_from(tables.receipt, tables.upload)
        .join(tables.stage_state, sa.and_(state.stage == _RECEIPTS, state.scope == scope))
        .where(receipt.mailed_at >= receipt.written_at)
        .order_by(receipt.mailed_at, upload.contractor, upload.sha256)
    )
    mails: dict[tuple[str, datetime], dict[str, str]] = defaultdict(dict)
    for row in connection.execute(query):
        mails[(row.contractor, row.mailed_at)][row.sha256] = row.counts["says"]
    for (contractor, mailed_at), says in mails.items():
        body = {"contractor": contractor, "composed_at": as_text(mailed_at), "says": says}
        write_as_of(landing, "mailed", body, mailed_at)
    return len(mails)


def _snapshots(connection: sa.Connection, settings: Settings) -> int:
    """Each that was published or was about to be; with which boundaries is known of the current one only."""
    snapshot, current = tables.snapshot, tables.current_snapshot.c.snapshot_id
    published = connection.execute(sa.select(current)).scalar()
    files = {"boundaries": _kept(settings, settings.boundaries)}
    rows = connection.execute(sa.select(snapshot).order_by(snapshot.c.snapshot_id)).all()
    for row in rows:
        body = {
            "snapshot_id": row.snapshot_id,
            "fingerprint": row.fingerprint,
            **{key: getattr(row, key).isoformat() for key in ("as_of", "campaign_start", "campaign_end")},
            **(files if row.snapshot_id == published else {"boundaries": {}}),
            "deelgemeenten": {},
        }
        write_as_of(settings.landing, "published", body, row.created_at)
    return len(rows)


def _kept(settings: Settings, path: Path) -> dict[str, str]:
    return journal.keep_dataset(settings.landing, path) if path.is_file() else {}
