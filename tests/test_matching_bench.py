"""The benchmark of the matcher: it counts right, its peers work, and its tables say what was measured."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from scripts import bench_matching
from scripts.matching_bench import calibration, document, ours, tables
from scripts.matching_bench.accuracy import Accuracy, accuracy, positions
from scripts.matching_bench.peers import Found, Prepared
from scripts.matching_bench.timing import Measured, measure
from scripts.matching_worlds import World, hydrant_frame, record_frame, world
from tests import postgis_server
from tests.conftest import unavailable

ROOT = Path(__file__).resolve().parents[1]


def test_accuracy_of_six_records() -> None:
    #              right, wrong, review, a link of one not registered, not linked, rightly not linked
    target = np.array([0, 1, 2, -1, 4, -1])
    linked = np.array([0, 3, -1, 2, -1, -1])
    is_review = np.array([False, False, True, False, False, False])

    counts = accuracy(linked, target, is_review)

    assert counts == Accuracy(records=6, registered=4, linked=3, right=1, review=1)
    assert counts.recall == pytest.approx(1 / 4)
    assert counts.precision == pytest.approx(1 / 3)
    assert counts.wrong_per_1000 == pytest.approx(2000 / 3)
    assert counts.review_share == pytest.approx(1 / 6)
    assert counts + counts == Accuracy(12, 8, 6, 2, 2)
    assert np.isnan(accuracy(np.full(6, -1), target).precision)


def test_positions_of_hydrants() -> None:
    hydrants = pd.DataFrame({"hydrant_id": ["H0", "H1", "H2"]})
    assert positions(pd.Series(["H2", None, "H0"], dtype=object), hydrants).tolist() == [2, -1, 0]


def at(x_m: float, y_m: float = 0.0) -> tuple[float, float]:
    return 30_000.0 + x_m, 160_000.0 + y_m


@pytest.fixture(scope="module")
def by_hand() -> World:
    """A street with hydrants at 0, 10, 40 and 140 m, one 3 km away, and a town that nobody speaks of."""
    town = [at(20_000 + 100 * column, 20_000 + 100 * row) for column in range(20) for row in range(20)]
    place = np.array([at(0), at(10), at(40), at(140), at(3000), *town])
    numbers = ["1234567", "7654321", "5550001", "5559999", "1234576"]
    numbers += [str(8_000_000 + 1_013 * i) for i in range(len(town))]
    records = [
        ("1234567", at(3), 0),
        (None, at(142), 3),
        ("1234576", at(1), 0),  # a slip that makes the number of the hydrant 3 km away
        (None, at(1500, 900), -1),
        ("5550001", at(45, 80), 2),  # a gross error
    ]
    target = np.array([hydrant for *_, hydrant in records])
    nis, count = np.full(len(place), "33021", object), len(records)
    ids = np.array([f"H{i}" for i in range(len(place))], object)
    return World(
        records=record_frame(
            np.array([ref for ref, *_ in records], object),
            np.array([position for _, position, _ in records]),
            nis[:count],
            np.arange(count),
            np.ones(count, bool),
        ),
        hydrants=hydrant_frame(ids, np.array(numbers, object), place, nis),
        truth=np.array([f"H{i}" if i >= 0 else None for i in target], object),
        target=target,
        contractor=np.full(count, "westlandia", object),
        is_mistyped=np.array([False, False, True, False, False]),
        is_gross=np.array([False, False, False, False, True]),
    )


NEAREST = [0, 3, 0, -1, -1]
WHAT_A_PERSON_WOULD_SAY = {
    "this matcher": [0, 3, 0, -1, 2],
    "this matcher, a call per gemeente": [0, 3, 0, -1, 2],
    "scipy cKDTree k=1, raw (the unit)": NEAREST,
    "scipy cKDTree k=1, sorted queries": NEAREST,
    "shapely STRtree.query_nearest": NEAREST,
    "geopandas sjoin_nearest": NEAREST,
    "pandas merge on id": [0, -1, 4, -1, 2],
    "id, then nearest": [0, 3, 4, -1, 2],
    "PostGIS KNN lateral": NEAREST,
    "Splink 4, m and u by hand": [0, 3, 0, -1, 2],
}


@pytest.mark.parametrize("name", bench_matching.PEERS)
def test_every_peer_on_a_street_that_a_person_can_check(name: str, by_hand: World) -> None:
    if name.startswith("Splink"):
        pytest.importorskip("splink")
    if name.startswith("PostGIS") and postgis_server.find_binaries() is None:
        unavailable("no PostgreSQL server with PostGIS here: the tests on PostGIS are left out")
    with bench_matching.PEERS[name](by_hand) as peer:
        for _ in range(2):  # a second round gives the same
            peer.before()
            found = peer.read(peer.run())
            assert found.linked.tolist() == WHAT_A_PERSON_WOULD_SAY[name]


def test_the_matcher_by_parts_keeps_the_order_of_the_records() -> None:
    small = world(4_000, 6)
    outcome = ours.by_contractor(small)
    with ours.by_gemeente(small) as one:
        by_gemeente = one.read(one.run())
    assert outcome.rows.index.tolist() == list(range(4_000))
    for found in (outcome.found, by_gemeente):
        counts = accuracy(found.linked, small.target, found.is_review)
        assert counts.recall > 0.95
        assert counts.wrong_per_1000 < 5
        assert found.best is not None
        assert accuracy(found.best, small.target).recall >= counts.recall


def fake(runs: list[World], hydrant: int) -> bench_matching.peers.Peer:
    @contextmanager
    def prepared(one: World) -> Iterator[Prepared]:
        yield Prepared(
            lambda: runs.append(one), lambda _: Found(np.full(len(one.records), hydrant)), lambda: None
        )

    return prepared


def test_rounds_are_counted_and_the_slow_run_once(by_hand: World) -> None:
    runs: list[World] = []
    results = measure({"fake": fake(runs, 0)}, [by_hand, by_hand], rounds=3, cap_s=60)
    assert len(runs) == 1 + 3 + 1  # warm, timed, and once in the other world
    assert len(results["fake"].seconds) == len(results["fake"].ratios) == 3
    assert results["fake"].accuracy == Accuracy(10, 8, 10, 4, 0)

    runs.clear()
    capped = measure({"fake": fake(runs, 0)}, [by_hand], rounds=3, cap_s=0.0)["fake"]
    assert len(runs) == len(capped.seconds) == 1
    assert capped.is_capped


def test_bars_of_time() -> None:
    def measured(*ratios: float) -> Measured:
        return Measured(seconds=list(ratios), ratios=list(ratios))

    rows = tables.time_rows(
        {
            160_000: {tables.OURS: measured(2.0, 2.0, 2.0)},
            1_000_000: {
                tables.OURS: measured(2.0, 4.0, 2.5),
                tables.GEOPANDAS: measured(8.0, 6.0, 7.5),  # 4, 1.5 and 3 times
                tables.POSTGIS: measured(20.0),
            },
        }
    )
    told = {row["what"]: (row["measured"], row["reached"]) for row in rows}
    assert told["160,000 records: / raw k-d tree query"] == (2.0, None)
    assert told["1,000,000 records: / raw k-d tree query"] == (2.5, True)
    assert told["1,000,000 records: times faster than geopandas sjoin_nearest"] == (3.0, True)
    assert told["1,000,000 records: times faster than PostGIS KNN lateral"] == (8.0, False)
    (growth,) = [row for what, row in told.items() if what.startswith("160,000 to")]
    assert growth == (1.25, False)


def test_what_has_no_value_is_blank(tmp_path: Path) -> None:
    report = tables.Report(Console(file=io.StringIO(), width=100))
    nothing = Accuracy(records=4, registered=4, linked=0, right=0, review=4)
    report.add("Nothing linked", tables.accuracy_rows({"a": nothing}, {"a": (0.9, 1.0)}))
    ((row,),) = report.tables.values()
    assert (row["recall"], row["precision"], row["wrong/1000"], row["reached"]) == (0.0, None, None, False)

    document.write(tmp_path / "page.md", report.tables, tmp_path / "pictures" / "plot.svg")
    page = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert "## Nothing linked" in page
    assert "| a | 0.0000 |  |  | 1.0000 | 0.9000 | 1.0000 | FAIL |" in page
    assert "(pictures/plot.svg)" in page


def test_bars_of_accuracy() -> None:
    rows = tables.accuracy_rows(
        {"a": Accuracy(100, 100, 100, 99, 0), "b": Accuracy(100, 100, 99, 99, 1)},
        {"a": (0.98, 5.0), "b": (0.98, 5.0)},
    )
    assert [row["reached"] for row in rows] == [False, True]


def test_calibration_of_forty_records() -> None:
    p = np.repeat([0.2, 0.6, 0.92, 0.98], 10)
    is_right = np.concatenate([np.arange(10) < right for right in (2, 5, 9, 10)])

    highest = calibration.top_deciles(p, is_right)
    assert [(one.count, one.mean_p, one.right) for one in highest] == [
        (4, pytest.approx(0.98), 1.0),
        (4, pytest.approx(0.98), 1.0),
        (4, pytest.approx(0.95), 0.75),  # two of .98, and the last two of .92, of which one is wrong
    ]
    bins = calibration.fixed_bins(p, is_right)
    assert [(one.name, one.count, round(one.difference, 2)) for one in bins] == [
        ("0.2-0.3", 10, 0.0),
        ("0.6-0.7", 10, -0.1),
        ("0.9-0.95", 10, -0.02),
        ("0.95-0.99", 10, 0.02),
    ]
    below, above = bins[0].error  # Wilson's interval of 2 out of 10 is .057 to .510
    assert (0.2 - below, 0.2 + above) == (pytest.approx(0.057, abs=1e-3), pytest.approx(0.510, abs=1e-3))


def test_the_plot_is_the_same_twice(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    rng = np.random.default_rng(4)
    p = rng.random(2_000)
    bins = {"sigma 4 m": calibration.fixed_bins(p, rng.random(2_000) < p)}
    for name in ("one.svg", "other.svg"):
        calibration.plot(bins, tmp_path / name)
    one, other = ((tmp_path / name).read_bytes() for name in ("one.svg", "other.svg"))
    assert one == other
    assert b"<svg" in one


def test_the_command_prints_and_writes_its_tables(tmp_path: Path) -> None:
    asked = ["--sizes", "1000", "--seeds", "1", "2", "--rounds", "1", "--accuracy-size", "1000"]
    asked += ["--only", "peers", "accuracy", "calibration"]
    asked += ["--json", str(tmp_path / "tables.json")]
    asked += ["--peers", "this matcher", "scipy cKDTree k=1, raw (the unit)", "id, then nearest"]
    done = subprocess.run(
        [sys.executable, "scripts/bench_matching.py", *asked],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    written = json.loads((tmp_path / "tables.json").read_text(encoding="utf-8"))
    for title, rows in written.items():
        assert title in done.stdout
        assert rows
    peers, *_ = [rows for title, rows in written.items() if title.startswith("1,000 records")]
    figures = {row["matcher"]: row for row in peers}
    assert figures["this matcher, p >= .95"]["wrong/1000"] < figures["id, then nearest"]["wrong/1000"]
    assert figures["this matcher, p >= .95"]["recall"] > 0.95
