"""What people would use instead, in a database: PostGIS, and Splink on DuckDB."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd

from scripts.matching_bench.peers import NEAR_M, Found, Prepared
from scripts.matching_worlds import World
from tests import postgis_server

_LOAD = """
create extension if not exists postgis;
create table {name} (id bigint primary key, x_l72 float8, y_l72 float8);
"""
_INDEX = """
alter table {name} add column geom geometry(Point, 31370);
update {name} set geom = st_point(x_l72, y_l72, 31370);
create index on {name} using gist (geom);
"""
_NEAREST = """
create temporary table found as
select record.id as record, nearest.id as hydrant
from record
cross join lateral (
  select hydrant.id, hydrant.geom <-> record.geom as distance_m
  from hydrant
  order by hydrant.geom <-> record.geom
  limit 1
) as nearest
where distance_m <= %s
"""


@contextmanager
def postgis_nearest(world: World) -> Iterator[Prepared]:
    """The nearest neighbour by `<->` in a lateral join, on a server of its own with its usual settings."""
    import psycopg

    binaries = postgis_server.find_binaries()
    if binaries is None:
        raise LookupError("no PostgreSQL with PostGIS is installed")
    with postgis_server.running(binaries) as url, psycopg.connect(url, autocommit=True) as connection:
        for name, rows in (("hydrant", world.hydrants), ("record", world.records)):
            connection.execute(_LOAD.format(name=name))
            with connection.cursor().copy(f"copy {name} from stdin (format text)") as copy:
                copy.write(rows[["x", "y"]].to_csv(sep="\t", header=False))
            connection.execute(_INDEX.format(name=name))
            connection.execute(f"vacuum full analyze {name}")

        def run() -> None:
            connection.execute(_NEAREST, [NEAR_M])

        def read(_: None) -> Found:
            rows = connection.execute("select record, hydrant from found").fetchall()
            linked = np.full(len(world.records), -1, np.int64)
            record, hydrant = np.array(rows, np.int64).reshape(-1, 2).T
            linked[record] = hydrant
            return Found(linked)

        yield Prepared(run, read, lambda: _drop(connection, "found"))


def _drop(connection: Any, name: str) -> None:
    connection.execute(f"drop table if exists {name}")


SPLINK_LINK, SPLINK_REVIEW = 0.95, 0.5
_ID_LEVELS = ((0, 0.88, 1.0), (1, 0.09, 20.0), (2, 0.025, 400.0))  # slips, m, numbers of the register within
_ID_ELSE_M = 0.005
_DISTANCE_M = (2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 15.0, 20.0, 30.0)
_SIGMA_M, _GROSS_SHARE, _GROSS_TO_M = 4.0, 0.02, 300.0


@contextmanager
def splink(world: World) -> Iterator[Prepared]:
    """Splink on DuckDB, blocked on the number or on cells of the grid, with m and u set by hand.

    It gets the rates and the noise of the world instead of training, and four shifted grids, so that every
    pair within `NEAR_M` shares a cell.
    """
    import duckdb
    from splink import DuckDBAPI, Linker

    records, hydrants = _splink_input(world.records), _splink_input(world.hydrants)
    settings = splink_settings(world.hydrants)
    state: dict[str, Any] = {}

    def before() -> None:
        # Splink keeps what it computed: each run starts with a database and a linker of its own
        if "connection" in state:
            state["connection"].close()
        connection = state["connection"] = duckdb.connect()
        for name, rows in (("a_record", records), ("b_hydrant", hydrants)):
            connection.register("frame", rows)
            connection.execute(f"create table {name} as select * from frame")
            connection.unregister("frame")
        state["linker"] = Linker(
            ["a_record", "b_hydrant"], settings, DuckDBAPI(connection), set_up_basic_logging=False
        )

    def run() -> pd.DataFrame:
        linker = state["linker"]
        pairs = linker.inference.predict(threshold_match_probability=SPLINK_REVIEW)
        # of equally probable hydrants the nearer one
        best: pd.DataFrame = linker.misc.query_sql(
            f"""
            select unique_id_l as record, max(match_probability) as probability,
              max_by(unique_id_r, match_weight - 1e-6 * sqrt((x_l - x_r) ** 2 + (y_l - y_r) ** 2)) as hydrant
            from {pairs.physical_name} group by unique_id_l
            """
        )
        return best

    def read(best: pd.DataFrame) -> Found:
        linked, is_review = np.full(len(records), -1, np.int64), np.zeros(len(records), bool)
        is_sure = best["probability"] >= SPLINK_LINK
        linked[best.loc[is_sure, "record"]] = best.loc[is_sure, "hydrant"]
        is_review[best.loc[~is_sure, "record"]] = True
        return Found(linked, is_review)

    yield Prepared(run, read, before)
    if "connection" in state:
        state["connection"].close()


def _splink_input(rows: pd.DataFrame) -> pd.DataFrame:
    cells: dict[str, Any] = {
        "unique_id": np.arange(len(rows)),
        "ref": rows["ref"],
        "x": rows["x"],
        "y": rows["y"],
    }
    for grid in range(4):
        column = np.floor((rows["x"] + NEAR_M * (grid % 2)) / (2 * NEAR_M)).astype(np.int64)
        row = np.floor((rows["y"] + NEAR_M * (grid // 2)) / (2 * NEAR_M)).astype(np.int64)
        cells[f"cell_{grid}"] = column * 10_000_000 + row
    return pd.DataFrame(cells)


def splink_settings(hydrants: pd.DataFrame) -> Any:
    """What to block on and how to compare, with the m and u of the standard world for this register."""
    import splink.comparison_level_library as levels
    from splink import SettingsCreator, block_on
    from splink.comparison_library import CustomComparison

    count = len(hydrants)
    area_m2 = float(np.prod(np.ptp(hydrants[["x", "y"]].to_numpy(float), axis=0)))

    def configured(level: Any, m: float, u: float) -> Any:
        return level.configure(m_probability=m, u_probability=min(u, 1.0))

    number: list[Any] = [levels.NullLevel("ref")]
    for slips, m, within in _ID_LEVELS:
        level: Any = levels.DamerauLevenshteinLevel("ref", slips) if slips else levels.ExactMatchLevel("ref")
        number.append(configured(level, m, within / count))
    number.append(configured(levels.ElseLevel(), _ID_ELSE_M, 1.0))

    distance: list[Any] = [levels.NullLevel("x")]
    nearer_m = 0.0
    for reach_m in _DISTANCE_M:
        gaussian = np.exp(-0.5 * (nearer_m / _SIGMA_M) ** 2) - np.exp(-0.5 * (reach_m / _SIGMA_M) ** 2)
        level = levels.CustomLevel(f"(x_l - x_r) ** 2 + (y_l - y_r) ** 2 <= {reach_m**2}")
        u = np.pi * (reach_m**2 - nearer_m**2) / area_m2
        distance.append(configured(level, max((1 - _GROSS_SHARE) * float(gaussian), 1e-9), u))
        nearer_m = reach_m
    far = levels.CustomLevel(f"(x_l - x_r) ** 2 + (y_l - y_r) ** 2 <= {_GROSS_TO_M**2}")
    distance.append(configured(far, _GROSS_SHARE, np.pi * (_GROSS_TO_M**2 - nearer_m**2) / area_m2))
    distance.append(configured(levels.ElseLevel(), 1e-6, 1.0))
    return SettingsCreator(
        link_type="link_only",
        probability_two_random_records_match=1 / count,
        blocking_rules_to_generate_predictions=[
            block_on("ref"),
            *(block_on(f"cell_{grid}") for grid in range(4)),
        ],
        comparisons=[CustomComparison(number, "number"), CustomComparison(distance, "distance")],
        additional_columns_to_retain=["x", "y"],
        retain_matching_columns=False,
    )
