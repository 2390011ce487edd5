"""What a snapshot is made from: the same again is told by a fingerprint, without making it."""

from __future__ import annotations

import hashlib
from datetime import date
from functools import lru_cache
from pathlib import Path

import sqlalchemy as sa

from hydrants import reference, store
from hydrants.publishing.reads import current_id
from hydrants.settings import Settings
from hydrants.store.tables import contract, match, register_version, stage_state, upload

VERSION = 4
"""Raised when the same rows would be published differently by the code; templates count by themselves."""

_STAGE = "publishing"
_SCOPE = "snapshot"


def fingerprint(connection: sa.Connection, as_of: date, surroundings: list[object]) -> str | None:
    """A fingerprint of all that a snapshot is made from; None when no stage answers for what is there.

    What matching computed stands for the rows before it: each stage's fingerprint holds the one before.

    Args:
        as_of: the day the figures speak of.
        surroundings: as `what_surrounds` gives them.
    """
    state = stage_state.c
    matched = connection.execute(
        sa.select(state.scope, state.fingerprint).where(state.stage == "matching").order_by(state.scope)
    ).all()
    if not matched and connection.execute(sa.select(match.c.row_id).limit(1)).first():
        return None
    files = sa.select(upload.c.sha256, upload.c.contractor, upload.c.nis, upload.c.file_name)
    return store.fingerprint(
        as_of,
        *surroundings,
        connection.execute(sa.select(sa.func.max(register_version.c.register_version_id))).scalar(),
        [list(row) for row in matched],
        [list(row) for row in connection.execute(files.order_by(upload.c.sha256))],
        [list(row) for row in connection.execute(sa.select(contract).order_by(*contract.primary_key))],
    )


def made_from(connection: sa.Connection, inputs: str | None) -> int | None:
    """The current snapshot if it was made from what has this fingerprint; else None."""
    if inputs is None or not store.is_done(connection, _STAGE, _SCOPE, inputs):
        return None
    return current_id(connection)


def note(engine: sa.Engine, snapshot_id: int, inputs: str | None) -> None:
    """Remember from what the current snapshot was made, so that it is not made again."""
    if inputs is not None:
        with store.write(engine) as connection:
            store.mark_done(connection, _STAGE, _SCOPE, inputs, {"snapshot_id": snapshot_id})


def what_surrounds(settings: Settings, as_of: date, boundaries_sha256: str) -> list[object]:
    """What a snapshot shows beside its rows and its day, as JSON values."""
    return [
        VERSION,
        _templates_sha256(),
        settings.campaign_start,
        settings.campaign_end,
        boundaries_sha256,
        [(o.operator, o.name, o.position) for o in reference.operators().values()],
        [(g.nis, g.name_nl) for g in reference.gemeenten().values()],
        [(zone.name_nl, sorted(zone.gemeenten)) for zone in reference.zones(as_of).values()],
        [settings.tiles_url, settings.tiles_attribution],
    ]


@lru_cache(maxsize=1)
def _templates_sha256() -> str:
    """A hash of how the page looks: its templates, styles and scripts."""
    folder = Path(__file__).parent
    files = sorted(
        path for kind in ("templates", "static") for path in (folder / kind).rglob("*") if path.is_file()
    )
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()
