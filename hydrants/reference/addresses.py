"""The address table: loaded from an address file into the store.

Two words decide what is in it, and the latest counts. The file at `HYDRANTS_ADDRESSES` is loaded
by the night whenever it has changed. A file that a person loads by hand takes its place, and holds
until the file at `HYDRANTS_ADDRESSES` changes: the night never puts back what a person replaced.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa

from hydrants import store
from hydrants.errors import ReferenceMissing
from hydrants.reference.address_files import header, read
from hydrants.reference.boundaries import LAMBERT_72
from hydrants.reference.region import REGIONS
from hydrants.reference.street_keys import street_key
from hydrants.store import tables

STAGE, SCOPE, BY_HAND = "addresses", "all", "by hand"
VERSION = 2
"""Raised when `read` or `street_key` gives other results for the same file."""

REGION_L72 = REGIONS[LAMBERT_72]
"""The rectangle around the gemeenten: limits of x and of y, Lambert 72 in metres."""

_NOTHING_NEW = {"addresses": 0, "outside": 0}
_ABSENT = "absent"

__all__ = [
    "REGION_L72",
    "fingerprint",
    "load",
    "load_by_hand",
    "read",
    "street_key",
    "street_keys",
]


def street_keys(names: pd.Series[Any]) -> pd.Series[Any]:
    """`street_key` of each name, computed once per distinct name; missing stays missing."""
    distinct = pd.Series(names.dropna().unique(), dtype=object)
    keys = dict(zip(distinct, distinct.map(street_key), strict=True))
    return names.map(keys).astype(object)


def load(engine: sa.Engine, path: Path) -> dict[str, int]:
    """Make the table `address` equal to the file of the setting; nothing happens when it is so already.

    Nothing happens either as long as a file that was loaded by hand holds.

    Returns:
        addresses: rows written; outside: rows of the file outside the gemeenten. Both 0 when
        there was nothing to do.

    Raises:
        ReferenceMissing: if there is no such file or its columns are not known; or if the file that was
            loaded by hand has to be read again, by a later version, and is not where it was.
    """
    with store.read(engine) as connection:
        by_hand = _by_hand(connection)
    if by_hand is not None and _hash(path) in (by_hand["instead_of"], _ABSENT):
        return _again(engine, by_hand)
    if not path.is_file():
        header(path)  # says what is missing, and what to do
    inputs = store.fingerprint(VERSION, _hash(path))
    with store.read(engine) as connection:
        if by_hand is None and store.is_done(connection, STAGE, SCOPE, inputs):
            return dict(_NOTHING_NEW)
    return _replace(engine, path, inputs, None)


def load_by_hand(engine: sa.Engine, path: Path, setting: Path) -> dict[str, int]:
    """Make the table `address` equal to a file, until the file of the setting changes.

    Args:
        path: what to load, wherever it lies. The file of the setting itself is loaded as the night does.
        setting: the file that the night loads; it need not exist.

    Returns:
        addresses, outside: see `load`; also when the table held the same file already.

    Raises:
        ReferenceMissing: if its columns are not known.
    """
    is_setting = path.resolve() == setting.resolve()
    remembered = {"file": str(path.resolve()), "sha256": _hash(path), "instead_of": _hash(setting)}
    inputs = store.fingerprint(VERSION, _hash(path))
    return _replace(engine, path, inputs, None if is_setting else remembered)


def fingerprint(connection: sa.Connection) -> str | None:
    """What the table `address` was computed from; None when nothing was ever loaded."""
    query = sa.select(tables.stage_state.c.fingerprint).where(
        tables.stage_state.c.stage == STAGE, tables.stage_state.c.scope == SCOPE
    )
    return connection.execute(query).scalar()


def _replace(engine: sa.Engine, path: Path, inputs: str, by_hand: dict[str, str] | None) -> dict[str, int]:
    frame = read(path)
    frame["street_key"] = street_keys(frame["street"])
    state = tables.stage_state.c
    with store.write(engine, turn=STAGE) as connection:
        connection.execute(sa.delete(tables.address))
        written = store.insert_rows(connection, tables.address, frame.reset_index())
        counts = {"addresses": written, "outside": int(frame.attrs["outside"])}
        store.mark_done(connection, STAGE, SCOPE, inputs, counts)
        if by_hand is None:
            connection.execute(
                sa.delete(tables.stage_state).where(state.stage == STAGE, state.scope == BY_HAND)
            )
        else:
            store.mark_done(connection, STAGE, BY_HAND, inputs, by_hand)
    return counts


def _again(engine: sa.Engine, by_hand: dict[str, str]) -> dict[str, int]:
    """Keep what was loaded by hand; read it again when that gives something else now."""
    path = Path(by_hand["file"])
    inputs = store.fingerprint(VERSION, by_hand["sha256"])
    with store.read(engine) as connection:
        if store.is_done(connection, STAGE, SCOPE, inputs):
            return dict(_NOTHING_NEW)
    if _hash(path) != by_hand["sha256"]:
        raise ReferenceMissing(
            f"the addresses that were loaded by hand from {path} have to be read again by this version, and "
            "that file is gone or has changed: load one with 'hydrants addresses load FILE'"
        )
    return _replace(engine, path, inputs, by_hand)


def _by_hand(connection: sa.Connection) -> dict[str, str] | None:
    state = tables.stage_state.c
    query = sa.select(state.counts).where(state.stage == STAGE, state.scope == BY_HAND)
    remembered: dict[str, str] | None = connection.execute(query).scalar()
    return remembered


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else _ABSENT
