"""The address table: loaded from an address file into the store.

Two words decide what is in it, and the latest counts. The file at `HYDRANTS_ADDRESSES` is loaded
by the night whenever it has changed. A file that a person loads by hand takes its place, and holds
until the file at `HYDRANTS_ADDRESSES` changes: the night never puts back what a person replaced.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa

from hydrants import journal, store
from hydrants.errors import ReferenceMissing
from hydrants.journal import Event
from hydrants.reference.address_files import header, read
from hydrants.reference.boundaries import LAMBERT_72
from hydrants.reference.region import REGIONS
from hydrants.reference.street_keys import street_key
from hydrants.store import tables
from hydrants.store.files import sha256_of

STAGE, SCOPE, LOADED_LAST = "addresses", "all", "loaded last"
VERSION = 2
"""Raised when `read` or `street_key` gives other results for the same file."""

REGION_L72 = REGIONS[LAMBERT_72]
"""The rectangle around the gemeenten: limits of x and of y, Lambert 72 in metres."""

_NOTHING_NEW = {"addresses": 0, "outside": 0}
_ABSENT = "absent"

__all__ = [
    "KINDS",
    "REGION_L72",
    "fingerprint",
    "load",
    "load_by_hand",
    "read",
    "read_again",
    "street_key",
    "street_keys",
]


def street_keys(names: pd.Series[Any]) -> pd.Series[Any]:
    """`street_key` of each name, computed once per distinct name; missing stays missing."""
    distinct = pd.Series(names.dropna().unique(), dtype=object)
    keys = dict(zip(distinct, distinct.map(street_key), strict=True))
    return names.map(keys).astype(object)


def load(engine: sa.Engine, landing: Path, path: Path) -> dict[str, int]:
    """Make the table `address` equal to the file of the setting; nothing happens when it is so already.

    Nothing happens either as long as a file that was loaded by hand holds.

    Args:
        landing: folder that has the journal, and a copy of each file that was loaded.
        path: the file of the setting.

    Returns:
        addresses: rows written; outside: rows of the file outside the gemeenten. Both 0 when
        there was nothing to do.

    Raises:
        ReferenceMissing: if there is no such file or its columns are not known.
    """
    journal.catch_up(engine, landing, KINDS)
    with store.read(engine) as connection:
        loaded = _loaded(connection)
    instead_of = loaded and loaded["instead_of"]
    if instead_of is not None and _hash(path) in (instead_of, _ABSENT):
        return read_again(engine, landing)
    if not path.is_file():
        header(path)  # says what is missing, and what to do
    if loaded is None or instead_of is not None or loaded["sha256"] != _hash(path):
        # two nights at once both come here: the second leaves it at what the first has loaded meanwhile
        return _take(engine, landing, path, None, lambda connection: _loaded(connection) == loaded)
    return read_again(engine, landing)


def load_by_hand(engine: sa.Engine, landing: Path, path: Path, setting: Path) -> dict[str, int]:
    """Make the table `address` equal to a file, until the file of the setting changes.

    Args:
        landing: as `load`.
        path: what to load, wherever it lies. The file of the setting itself is loaded as the night does.
        setting: the file that the night loads; it need not exist.

    Returns:
        addresses, outside: see `load`; also when the table held the same file already.

    Raises:
        ReferenceMissing: if its columns are not known.
    """
    journal.catch_up(engine, landing, KINDS)
    is_setting = path.resolve() == setting.resolve()
    return _take(engine, landing, path, None if is_setting else _hash(setting), lambda _: True)


def read_again(engine: sa.Engine, landing: Path) -> dict[str, int]:
    """Make the table `address` equal to what was loaded last, from the copy in LANDING; as `load`."""
    with store.read(engine) as connection:
        loaded = _loaded(connection)
        if loaded is None or store.is_done(connection, STAGE, SCOPE, _inputs(loaded["sha256"])):
            return dict(_NOTHING_NEW)
    with journal.laid_out(landing, {loaded["file_name"]: loaded["sha256"]}) as folder:
        frame = _frame(folder / loaded["file_name"])
    with store.write(engine, turn=STAGE) as connection:
        return _fill(connection, frame, loaded["sha256"])


def fingerprint(connection: sa.Connection) -> str | None:
    """What the table `address` was computed from; None when nothing was ever loaded."""
    query = sa.select(tables.stage_state.c.fingerprint).where(
        tables.stage_state.c.stage == STAGE, tables.stage_state.c.scope == SCOPE
    )
    return connection.execute(query).scalar()


def _take(
    engine: sa.Engine,
    landing: Path,
    path: Path,
    instead_of: str | None,
    is_wanted: Callable[[sa.Connection], bool],
) -> dict[str, int]:
    """Load a file, unless that is not wanted any more by the time that nobody else can."""
    sha256 = _hash(path)
    frame = _frame(path)
    if journal.keep(landing, path) != sha256:
        raise ReferenceMissing(f"{path} changed while it was read: load it once more")
    body = {"file_name": path.name, "sha256": sha256, "instead_of": instead_of}
    with store.write(engine, turn=STAGE) as connection:
        if not is_wanted(connection):
            return dict(_NOTHING_NEW)
        event = journal.record(connection, landing, LOADED, body)
        _apply_loaded(connection, landing, event)
        return _fill(connection, frame, sha256)


def _apply_loaded(connection: sa.Connection, _landing: Path, event: Event) -> None:
    """A file was loaded, and holds until another is; `read_again` makes the table equal to it."""
    loaded = _loaded(connection)
    if loaded is None or loaded["event"] < event.name:
        said = {name: event.body[name] for name in ("file_name", "sha256", "instead_of")}
        store.mark_done(connection, STAGE, LOADED_LAST, said["sha256"], {**said, "event": event.name})


LOADED = journal.Kind("addresses", STAGE, _apply_loaded)
KINDS = (LOADED,)


def _loaded(connection: sa.Connection) -> dict[str, Any] | None:
    """What was loaded last: file_name, sha256, event, and instead_of, the hash of the file of the setting
    when a file was loaded by hand, else None.
    """
    state = tables.stage_state.c
    query = sa.select(state.counts).where(state.stage == STAGE, state.scope == LOADED_LAST)
    remembered: dict[str, Any] | None = connection.execute(query).scalar()
    return remembered


def _frame(path: Path) -> pd.DataFrame:
    frame = read(path)
    frame["street_key"] = street_keys(frame["street"])
    return frame


def _fill(connection: sa.Connection, frame: pd.DataFrame, sha256: str) -> dict[str, int]:
    connection.execute(sa.delete(tables.address))
    written = store.insert_rows(connection, tables.address, frame.reset_index())
    store.refresh_statistics_within(connection, tables.address)
    counts = {"addresses": written, "outside": int(frame.attrs["outside"])}
    store.mark_done(connection, STAGE, SCOPE, _inputs(sha256), counts)
    return counts


def _inputs(sha256: str) -> str:
    return store.fingerprint(VERSION, sha256)


def _hash(path: Path) -> str:
    return sha256_of(path) if path.is_file() else _ABSENT
