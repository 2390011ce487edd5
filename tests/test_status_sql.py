"""What `sql/status.sql` says a hydrant's state is: every rule as a literal line, on both stores."""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa

from hydrants import store
from hydrants.store import tables
from tests.judged_world import World

MAY, JUNE, JULY = date(2019, 5, 1), date(2019, 6, 1), date(2019, 7, 1)
PARAMS = {
    "as_of": date(2019, 12, 31),
    "campaign_start": date(2019, 1, 1),
    "campaign_end": date(2019, 12, 31),
    "register_version_id": 1,
}


class Said(NamedTuple):
    outcome: str
    on: date
    more: dict[str, Any] = {}  # noqa: RUF012 - never changed
    replaced_by: int | None = None  # position in `said` of the corrected version


class Expected(NamedTuple):
    status: str
    outcome: str | None = None
    on: date | None = None
    row: int | None = None  # position in `said` of the deciding row
    is_conflict: bool = False
    is_repaired: bool = False
    tried_on: date | None = None


REMAINING = Expected("remaining")

RULES: dict[str, tuple[list[Said], Expected]] = {
    "nothing said": ([], REMAINING),
    "ok": ([Said("ok", MAY)], Expected("ok", "ok", MAY, 0)),
    "failed": ([Said("failed", MAY)], Expected("failed", "failed", MAY, 0)),
    "not found counts as failed": ([Said("not_found", MAY)], Expected("failed", "not_found", MAY, 0)),
    "ok, then failed": ([Said("ok", MAY), Said("failed", JUNE)], Expected("failed", "failed", JUNE, 1)),
    "failed, then ok": ([Said("failed", MAY), Said("ok", JUNE)], Expected("ok", "ok", JUNE, 1)),
    "failed, then ok, told in the other order": (
        [Said("ok", JUNE), Said("failed", MAY)],
        Expected("ok", "ok", JUNE, 0),
    ),
    "not found, then found": ([Said("not_found", MAY), Said("ok", JUNE)], Expected("ok", "ok", JUNE, 1)),
    "same day ok and failed": (
        [Said("ok", MAY), Said("failed", MAY)],
        Expected("failed", "failed", MAY, 1, is_conflict=True),
    ),
    "same day ok and not found": (
        [Said("not_found", MAY), Said("ok", MAY)],
        Expected("failed", "not_found", MAY, 0, is_conflict=True),
    ),
    "same day failed and not found is no contradiction": (
        [Said("failed", MAY), Said("not_found", MAY)],
        Expected("failed", "failed", MAY, 0),
    ),
    "a contradiction is settled by a later day": (
        [Said("ok", MAY), Said("failed", MAY), Said("ok", JUNE)],
        Expected("ok", "ok", JUNE, 2),
    ),
    "an older contradiction does not mark a later failure": (
        [Said("ok", MAY), Said("failed", MAY), Said("failed", JUNE)],
        Expected("failed", "failed", JUNE, 2),
    ),
    "not testable only": ([Said("not_testable", MAY)], Expected("remaining", tried_on=MAY)),
    "not testable twice": (
        [Said("not_testable", JUNE), Said("not_testable", MAY)],
        Expected("remaining", tried_on=JUNE),
    ),
    "not testable does not undo a failure": (
        [Said("failed", MAY), Said("not_testable", JUNE)],
        Expected("failed", "failed", MAY, 0, tried_on=JUNE),
    ),
    "not testable, then ok": (
        [Said("not_testable", MAY), Said("ok", JUNE)],
        Expected("ok", "ok", JUNE, 1, tried_on=MAY),
    ),
    "repaired since": (
        [Said("failed", MAY), Said("repaired", JUNE)],
        Expected("failed", "failed", MAY, 0, is_repaired=True),
    ),
    "repaired the same day": (
        [Said("failed", MAY), Said("repaired", MAY)],
        Expected("failed", "failed", MAY, 0, is_repaired=True),
    ),
    "repaired before it failed": (
        [Said("repaired", MAY), Said("failed", JUNE)],
        Expected("failed", "failed", JUNE, 1),
    ),
    "repaired and found ok again": (
        [Said("failed", MAY), Said("repaired", JUNE), Said("ok", JULY)],
        Expected("ok", "ok", JULY, 2),
    ),
    "repaired only": ([Said("repaired", MAY)], REMAINING),
    "replaced by a correction": (
        [Said("failed", JUNE, replaced_by=1), Said("ok", MAY)],
        Expected("ok", "ok", MAY, 1),
    ),
    "quarantined": ([Said("failed", MAY, {"disposition": "quarantined"})], REMAINING),
    "a repeated row": ([Said("failed", MAY, {"disposition": "duplicate"})], REMAINING),
    "in review": ([Said("failed", MAY, {"verdict": "review"})], REMAINING),
    "perhaps a new hydrant": ([Said("ok", MAY, {"verdict": "new"})], REMAINING),
    "without a place": ([Said("ok", MAY, {"verdict": "unlocated"})], REMAINING),
    "before the campaign": ([Said("ok", date(2018, 12, 31))], REMAINING),
    "first day of the campaign": (
        [Said("ok", date(2019, 1, 1))],
        Expected("ok", "ok", date(2019, 1, 1), 0),
    ),
    "last day of the campaign": (
        [Said("ok", date(2019, 12, 31))],
        Expected("ok", "ok", date(2019, 12, 31), 0),
    ),
    "after the campaign": ([Said("ok", date(2020, 1, 1))], REMAINING),
    "failed, ok only after the campaign": (
        [Said("failed", MAY), Said("ok", date(2020, 1, 1))],
        Expected("failed", "failed", MAY, 0),
    ),
    "tried and repaired only after the campaign": (
        [
            Said("failed", MAY),
            Said("repaired", date(2020, 1, 2)),
            Said("not_testable", date(2020, 1, 3)),
        ],
        Expected("failed", "failed", MAY, 0),
    ),
}


def test_every_rule(engine: sa.Engine) -> None:
    expected: dict[str, tuple[Any, ...]] = {}
    with store.write(engine) as connection:
        world = World(connection)
        world.register()
        world.upload(1, "a")
        for name, (said, rule) in RULES.items():
            world.hydrant(name)
            rows = [world.row(name, one.outcome, one.on, **one.more) for one in said]
            for position, one in enumerate(said):
                if one.replaced_by is not None:
                    world.supersede(rows[position], by=rows[one.replaced_by])
            expected[name] = (*rule[:3], rows[rule.row] if rule.row is not None else None, *rule[4:])
    with store.read(engine) as connection:
        found = {
            row["hydrant_id"]: (
                row["status"],
                row["outcome"],
                row["inspected_on"],
                row["row_id"],
                row["is_conflict"],
                row["is_repaired"],
                row["tried_on"],
            )
            for row in store.run_sql(connection, "status", **PARAMS)
        }
    assert found.keys() == RULES.keys()
    assert {name: found[name] for name in expected if found[name] != expected[name]} == {}
    assert found == expected


def test_nothing_after_as_of_counts(engine: sa.Engine) -> None:
    with store.write(engine) as connection:
        world = World(connection)
        world.register()
        world.upload(1, "a")
        for hydrant_id in ("DWG-1", "DWG-2"):
            world.hydrant(hydrant_id)
            world.row(hydrant_id, "failed", MAY)
        world.row("DWG-1", "ok", JUNE)
        world.row("DWG-2", "not_testable", JUNE)
        days = {}
        for day in (date(2019, 4, 30), MAY, date(2019, 5, 31), JUNE):
            rows = store.run_sql(connection, "status", **{**PARAMS, "as_of": day})
            days[day] = [(row["status"], row["tried_on"]) for row in rows]
    assert days == {
        date(2019, 4, 30): [("remaining", None), ("remaining", None)],
        MAY: [("failed", None), ("failed", None)],
        date(2019, 5, 31): [("failed", None), ("failed", None)],
        JUNE: [("ok", None), ("failed", JUNE)],
    }


def test_only_hydrants_of_that_register_version(engine: sa.Engine) -> None:
    with store.write(engine) as connection:
        world = World(connection)
        for version in (1, 2, 3):
            world.register(version)
        world.upload(1, "a")
        world.hydrant("always")
        world.hydrant("removed by 2", to_version=2)
        world.hydrant("new in 2", from_version=2)
        world.hydrant("new in 2, removed by 3", from_version=2, to_version=3)
        world.row("removed by 2", "ok", MAY)
        found = {
            version: [
                row["hydrant_id"]
                for row in store.run_sql(connection, "status", **{**PARAMS, "register_version_id": version})
            ]
            for version in (1, 2, 3)
        }
    assert {version: sorted(ids) for version, ids in found.items()} == {
        1: ["always", "removed by 2"],
        2: ["always", "new in 2", "new in 2, removed by 3"],
        3: ["always", "new in 2"],
    }


@pytest.mark.parametrize("arrival", [("a", "b"), ("b", "a")])
def test_the_order_in_which_files_arrive_decides_nothing(engine: sa.Engine, arrival: tuple[str, str]) -> None:
    """Two files say the same of the same day; the one with the lower hash is named, whichever came first."""
    with store.write(engine) as connection:
        world = World(connection)
        world.register()
        world.hydrant("DWG-1")
        world.hydrant("DWG-2")
        for upload_id, sha256 in enumerate(arrival, start=1):
            world.upload(upload_id, sha256, file_name=f"{sha256}.xlsx")
            world.row("DWG-1", "failed", MAY, upload_id=upload_id)
            world.row("DWG-1", "not_found", MAY, upload_id=upload_id)
            world.row("DWG-2", "ok", MAY, upload_id=upload_id)
        named = {}
        for row in store.run_sql(connection, "status", **PARAMS):
            upload_id, ordinal = divmod(row["row_id"], tables.ROWS_PER_UPLOAD)
            named[row["hydrant_id"]] = (arrival[upload_id - 1], ordinal, row["outcome"])
    assert named == {"DWG-1": ("a", 1, "failed"), "DWG-2": ("a", 3, "ok")}


def test_the_contract_of_the_day(engine: sa.Engine) -> None:
    with store.write(engine) as connection:
        world = World(connection)
        world.register()
        world.hydrant("DWG-1", "33021")
        world.hydrant("AQD-1", "38014", "aquaduin")
        world.hydrant("AQD-2", "33021", "aquaduin")
        contract = tables.contract
        connection.execute(
            sa.update(contract)
            .where(contract.c.nis == "33021", contract.c.operator == "dewatergroep")
            .values(valid_to=date(2019, 6, 30))
        )
        connection.execute(
            sa.insert(contract).values(
                operator="dewatergroep", nis="33021", contractor="nieuw", valid_from=date(2019, 6, 30)
            )
        )
        found = {
            day: {
                row["hydrant_id"]: row["contractor"]
                for row in store.run_sql(connection, "status", **{**PARAMS, "as_of": day})
            }
            for day in (date(2019, 6, 29), date(2019, 6, 30), date(2019, 7, 1), date(2017, 12, 31))
        }
    others = {"AQD-1": "interwest", "AQD-2": None}
    assert found == {
        date(2019, 6, 29): {"DWG-1": "westlandia", **others},
        date(2019, 6, 30): {"DWG-1": "nieuw", **others},  # a day under both contracts: the later one
        date(2019, 7, 1): {"DWG-1": "nieuw", **others},
        date(2017, 12, 31): {"DWG-1": None, "AQD-1": None, "AQD-2": None},
    }
