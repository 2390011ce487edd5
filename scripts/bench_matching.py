"""The matcher beside what people would use instead: time, how right it is, and how well it knows.

All matchers get the same cleaned records and register, loaded and indexed before their time starts (this
matcher builds its own indexes within its time). Times are medians of rounds, warm; each ratio is to a raw
single-thread `cKDTree` query, k=1, run just before in the same round (the median of three). A matcher that
takes longer than the cap is not repeated: its one run is then its one round. What counts as recall and as
wrong is said in `scripts/matching_bench/accuracy.py`, what is in the worlds in `scripts/matching_worlds.py`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console

from scripts.matching_bench import calibration, databases, document, ours, peers
from scripts.matching_bench.accuracy import Accuracy, accuracy
from scripts.matching_bench.degraded import degraded_rows
from scripts.matching_bench.tables import (
    GEOPANDAS,
    LARGEST,
    MIDDLE,
    OURS,
    POSTGIS,
    Report,
    accuracy_rows,
    calibration_rows,
    peers_rows,
    time_rows,
)
from scripts.matching_bench.timing import Measured, measure
from scripts.matching_worlds import World, world

PEERS: dict[str, peers.Peer] = {
    OURS: ours.whole,
    f"{OURS}, a call per gemeente": ours.by_gemeente,
    "scipy cKDTree k=1, raw (the unit)": peers.raw_tree,
    "scipy cKDTree k=1, sorted queries": peers.sorted_tree,
    "shapely STRtree.query_nearest": peers.shapely_nearest,
    GEOPANDAS: peers.geopandas_nearest,
    "pandas merge on id": peers.merge_on_id,
    "id, then nearest": peers.id_then_nearest,
    POSTGIS: databases.postgis_nearest,
    "Splink 4, m and u by hand": databases.splink,
}
WORLDS: dict[str, Callable[[int, int], World]] = {
    "sigma 4 m": lambda n, seed: world(n, seed, 4.0),
    "sigma 8 m": lambda n, seed: world(n, seed, 8.0),
    "sigma 15 m": lambda n, seed: world(n, seed, 15.0),
    "sigma 4 m, lognormal spacing": lambda n, seed: world(n, seed, 4.0, dense=True),
    "sigma 15 m, lognormal spacing": lambda n, seed: world(n, seed, 15.0, dense=True),
}
CALIBRATED = ("sigma 4 m", "sigma 8 m", "sigma 15 m")
BARS = {
    "sigma 4 m, no threshold": (0.993, 1.0),
    "sigma 4 m, p >= .95": (0.985, 0.4),
    "sigma 8 m, p >= .95": (0.97, 1.3),
    "sigma 15 m, p >= .95": (0.93, 3.5),
}
TABLES = ("peers", "accuracy", "calibration", "degraded")
_SMALL = 50_000  # a larger world alone holds enough records to count by


def main() -> None:
    """Measure, print the tables, and write what was asked for."""
    asked = _arguments()
    report = Report(Console(width=None if sys.stdout.isatty() else 150))
    progress, started = Console(stderr=True), time.perf_counter()

    def say(text: str) -> None:
        if progress.is_terminal:
            progress.print(f"{time.perf_counter() - started:5.0f} s  {text}")

    if "peers" in asked.only:
        by_size = {size: _beside_peers(size, asked, report, say) for size in asked.sizes}
        bars = time_rows(by_size)
        if bars:
            report.add("Time, against its bars", bars)
    if {"accuracy", "calibration"} & set(asked.only):
        _how_right(asked, report, say)
    if "degraded" in asked.only:
        seeds = ", ".join(map(str, asked.seeds))
        rows = degraded_rows(asked.accuracy_size, asked.seeds, say)
        report.add(
            f"Degraded worlds: {asked.accuracy_size:,} records, seeds {seeds}, a call per contractor", rows
        )
    if asked.markdown:
        document.write(asked.markdown, report.tables, asked.plot)
    if asked.json:
        asked.json.write_text(json.dumps(report.tables, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[16_000, MIDDLE, LARGEST], help="records")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5], help="one world of each")
    parser.add_argument("--rounds", type=int, default=3, help="to take the median of")
    parser.add_argument("--cap", type=float, default=120.0, help="seconds; what takes longer is run once")
    of_tables, of_peers = f"these tables: {', '.join(TABLES)}", f"these matchers: {'; '.join(PEERS)}"
    parser.add_argument("--only", nargs="+", choices=TABLES, default=TABLES, metavar="TABLE", help=of_tables)
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=PEERS, metavar="PEER", help=of_peers)
    parser.add_argument(
        "--accuracy-size", type=int, default=16_000, help="records, of all tables without times"
    )
    parser.add_argument("--plot", type=Path, help="write the reliability plot to this file")
    parser.add_argument("--markdown", type=Path, help="write a page of every table to this file")
    parser.add_argument("--json", type=Path, help="write every table to this file")
    return parser.parse_args()


def _beside_peers(
    size: int, asked: argparse.Namespace, report: Report, say: Callable[[str], None]
) -> dict[str, Measured]:
    seeds = asked.seeds if size <= _SMALL else asked.seeds[:1]
    worlds = [world(size, seed) for seed in seeds]
    results = measure({name: PEERS[name] for name in asked.peers}, worlds, asked.rounds, asked.cap, say)
    share = worlds[0].mistyped_valid_share
    title = f"{size:,} records, seeds {', '.join(map(str, seeds))} (times of the first);"
    report.add(f"{title} {share:.0%} of the mistyped numbers are another hydrant's", peers_rows(results))
    return results


def _how_right(asked: argparse.Namespace, report: Report, say: Callable[[str], None]) -> None:
    counts: dict[str, Accuracy] = {}
    deciles, bins = {}, {}
    for what, draw in WORLDS.items():
        probability, is_right = [], []
        for seed in asked.seeds:
            say(f"{what}: seed {seed}")
            one = draw(asked.accuracy_size, seed)
            rows = ours.matched(one.records, one.hydrants).rows
            for name, here in (
                (f"{what}, no threshold", accuracy(rows["best"].to_numpy(), one.target)),
                (
                    f"{what}, p >= .95",
                    accuracy(rows["linked"].to_numpy(), one.target, rows["is_review"].to_numpy()),
                ),
            ):
                counts[name] = counts[name] + here if name in counts else here
            candidate = rows["candidate"].to_numpy()
            probability.append(rows["probability"].to_numpy(float)[candidate >= 0])
            is_right.append((candidate == one.target)[candidate >= 0])
        p, right = np.concatenate(probability), np.concatenate(is_right)
        if what in CALIBRATED:
            deciles[what] = calibration.top_deciles(p, right)
            bins[what] = calibration.fixed_bins(p, right)

    where = f"{asked.accuracy_size:,} records, seeds {', '.join(map(str, asked.seeds))}"
    if "accuracy" in asked.only:
        report.add(f"How right: {where}", accuracy_rows(counts, BARS))
    if "calibration" in asked.only:
        report.add(f"Calibration, top three deciles: {where}", calibration_rows(deciles, is_judged=True))
        report.add(f"Calibration, fixed bins: {where}", calibration_rows(bins, is_judged=False))
    if asked.plot:
        calibration.plot(bins, asked.plot)


if __name__ == "__main__":
    main()
