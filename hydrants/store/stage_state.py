"""What a stage has computed already, and from which inputs."""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from hydrants.store.tables import stage_state


def utc_now() -> datetime:
    """Now, with its time zone."""
    return datetime.now(UTC)


def fingerprint(*parts: Any) -> str:
    """A hash of inputs: texts, numbers, dates, or lists and mappings of these."""
    text = json.dumps(parts, sort_keys=True, default=str, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def is_done(connection: sa.Connection, stage: str, scope: str, inputs: str) -> bool:
    """Whether `stage` has computed `scope` from exactly these inputs (a fingerprint)."""
    query = sa.select(stage_state.c.fingerprint).where(
        stage_state.c.stage == stage, stage_state.c.scope == scope
    )
    return connection.execute(query).scalar() == inputs


def mark_done(connection: sa.Connection, stage: str, scope: str, inputs: str, counts: dict[str, Any]) -> None:
    """Remember, in the transaction that holds the results, what they were computed from."""
    key = (stage_state.c.stage == stage, stage_state.c.scope == scope)
    values = {"fingerprint": inputs, "finished_at": utc_now(), "counts": counts}
    if connection.execute(sa.update(stage_state).where(*key).values(**values)).rowcount == 0:
        connection.execute(sa.insert(stage_state).values(stage=stage, scope=scope, **values))
