"""Facts that are not computed: gemeenten, operators, contracts, boundaries, addresses, profiles.

The CSV and YAML files beside this module are the source; `sync` copies the small
ones into the store, where the SQL files join them.
"""

from __future__ import annotations

import csv
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from hydrants.store import tables

if TYPE_CHECKING:
    from collections.abc import Iterable

REFERENCE_DIR = Path(__file__).parent


class Gemeente(NamedTuple):
    """One of the eighteen. `lon` and `lat` are its approximate centre, WGS84 degrees."""

    nis: str
    name_nl: str
    postcodes: tuple[str, ...]
    lon: float
    lat: float


class Contract(NamedTuple):
    """A firm inspects an operator's hydrants in a gemeente from a day until another (None: still)."""

    operator: str
    nis: str
    contractor: str
    valid_from: date
    valid_to: date | None


def _rows(name: str) -> list[dict[str, str]]:
    with (REFERENCE_DIR / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


@lru_cache
def gemeenten() -> dict[str, Gemeente]:
    """The gemeenten by NIS code."""
    return {
        row["nis"]: Gemeente(
            row["nis"], row["name_nl"], tuple(row["postcodes"].split()), float(row["lon"]), float(row["lat"])
        )
        for row in _rows("gemeenten.csv")
    }


@lru_cache
def nis_by_postcode() -> dict[str, str]:
    """NIS code by postcode; each postcode here belongs to one gemeente."""
    return {postcode: row.nis for row in gemeenten().values() for postcode in row.postcodes}


class Operator(NamedTuple):
    """A water company. `id_prefix` starts the ids of its hydrants."""

    operator: str
    name: str
    id_prefix: str
    position: int


@lru_cache
def operators() -> dict[str, Operator]:
    """The water companies by their key."""
    return {
        row["operator"]: Operator(row["operator"], row["name"], row["id_prefix"], int(row["position"]))
        for row in _rows("operators.csv")
    }


def hydrant_id(operator: str, supplier_id: str | None, x_l72: float, y_l72: float) -> str:
    """Our id of a hydrant: the operator's number, else the place where it was first registered.

    Args:
        operator: key of the water company.
        supplier_id: the operator's own number, or None where its export has none.
        x_l72, y_l72: Lambert 72 in metres; an id made from them is in decimetres.
    """
    prefix = operators()[operator].id_prefix
    if supplier_id is not None:
        return f"{prefix}-{supplier_id}"
    return f"{prefix}-{round(x_l72 * 10)}-{round(y_l72 * 10)}"


@lru_cache
def contracts() -> tuple[Contract, ...]:
    """Every contract, running and ended."""
    return tuple(
        Contract(
            row["operator"],
            row["nis"],
            row["contractor"],
            date.fromisoformat(row["valid_from"]),
            date.fromisoformat(row["valid_to"]) if row["valid_to"] else None,
        )
        for row in _rows("contracts.csv")
    )


def contracted(contractor: str, nis: str) -> frozenset[str]:
    """The operators whose hydrants this firm has ever been contracted for in this gemeente."""
    return frozenset(row.operator for row in contracts() if (row.contractor, row.nis) == (contractor, nis))


class Zone(NamedTuple):
    """A fire zone as it is on a day: its name, and the gemeenten (NIS codes) that belong to it."""

    zone: str
    name_nl: str
    gemeenten: frozenset[str]


def zones(on: date) -> dict[str, Zone]:
    """The fire zones by their key, as they are on a day: membership changes."""
    found: dict[str, Zone] = {}
    for row in _rows("zones.csv"):
        if row["valid_from"] <= on.isoformat() <= (row["valid_to"] or "9999"):
            known = found.get(row["zone"], Zone(row["zone"], row["name_nl"], frozenset()))
            found[row["zone"]] = known._replace(gemeenten=known.gemeenten | {row["nis"]})
    return found


def contractors() -> tuple[str, ...]:
    """Every firm that has a profile, in order of the alphabet."""
    return tuple(sorted(path.stem for path in (REFERENCE_DIR / "contractors").glob("*.yml")))


def sync(connection: sa.Connection) -> None:
    """Make the store's gemeente, operator and contract rows equal to the CSV files.

    A gemeente or operator that other rows refer to is never deleted.
    """
    _put(
        connection,
        tables.gemeente,
        ["nis"],
        ({"nis": g.nis, "name_nl": g.name_nl} for g in gemeenten().values()),
    )
    _put(
        connection,
        tables.operator,
        ["operator"],
        ({"operator": o.operator, "name": o.name, "position": o.position} for o in operators().values()),
    )
    wanted = [row._asdict() for row in contracts()]
    columns = list(Contract._fields)
    stored = connection.execute(sa.select(*(tables.contract.c[name] for name in columns))).mappings()
    if sorted(map(str, wanted)) != sorted(str(dict(row)) for row in stored):
        connection.execute(sa.delete(tables.contract))
        connection.execute(sa.insert(tables.contract), wanted)


def _put(
    connection: sa.Connection, table: sa.Table, key: list[str], rows: Iterable[dict[str, object]]
) -> None:
    for row in rows:
        where = [table.c[name] == row[name] for name in key]
        stored = (
            connection.execute(sa.select(*(table.c[name] for name in row)).where(*where)).mappings().first()
        )
        if stored is None:
            connection.execute(sa.insert(table).values(**row))
        elif dict(stored) != row:
            connection.execute(sa.update(table).where(*where).values(**row))
