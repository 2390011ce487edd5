"""The tables of the benchmark: rows of plain values, printed by rich and written as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from scripts.matching_bench.accuracy import Accuracy
from scripts.matching_bench.calibration import Bin
from scripts.matching_bench.timing import Measured

LARGEST, MIDDLE = 1_000_000, 160_000
OURS, GEOPANDAS, POSTGIS = "this matcher", "geopandas sjoin_nearest", "PostGIS KNN lateral"
CALIBRATION_BAR = 0.02


@dataclass
class Report:
    """Every table that was printed, by title."""

    console: Console
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, title: str, rows: Sequence[dict[str, Any]]) -> None:
        """Print rows that have the same columns, and keep them; what has no value is None, never NaN."""
        rows = [{name: None if value != value else value for name, value in row.items()} for row in rows]
        self.tables[title] = rows
        table = Table(title=title, box=None, title_justify="left", header_style="bold")
        for column in rows[0]:
            table.add_column(column, justify="left" if isinstance(rows[0][column], str) else "right")
        for row in rows:
            table.add_row(*(shown(column, value) for column, value in row.items()))
        self.console.print(table)
        self.console.print()


def shown(column: str, value: object) -> str:
    """A value as it is printed in its column."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "pass" if value else "FAIL"
    if isinstance(value, float):
        digits = {"seconds": 3, "wrong/1000": 2, "ratio": 2, "measured": 3, "bar": 3, "sigma m": 1}.get(
            column, 4
        )
        return f"{value:.{digits}f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _figures(counts: Accuracy) -> dict[str, Any]:
    return {
        "recall": counts.recall,
        "precision": counts.precision,
        "wrong/1000": counts.wrong_per_1000,
        "review": counts.review_share,
    }


def peers_rows(results: Mapping[str, Measured]) -> list[dict[str, Any]]:
    """Time, ratio to the unit and accuracy of each matcher; a matcher with a threshold also without it."""
    rows = []
    for name, one in results.items():
        if one.accuracy is None:
            continue
        rounds = f"{len(one.seconds)}{', capped' if one.is_capped else ''}"
        timed = {"seconds": one.median_s, "ratio": one.median_ratio, "rounds": rounds}
        if one.without_threshold is None:
            rows.append({"matcher": name, **timed, **_figures(one.accuracy)})
            continue
        rows.append({"matcher": f"{name}, p >= .95", **timed, **_figures(one.accuracy)})
        rows.append({"matcher": f"{name}, no threshold", **timed, **_figures(one.without_threshold)})
    return rows


def accuracy_rows(
    counts: Mapping[str, Accuracy], bars: Mapping[str, tuple[float, float]]
) -> list[dict[str, Any]]:
    """Recall and wrong links of this matcher in each kind of world, beside the bars it has to reach."""
    rows = []
    for what, one in counts.items():
        least, most = bars.get(what, (None, None))
        is_reached = (
            None if least is None or most is None else one.recall >= least and one.wrong_per_1000 <= most
        )
        rows.append(
            {"what": what, **_figures(one), "recall >=": least, "wrong <=": most, "reached": is_reached}
        )
    return rows


def calibration_rows(bins: Mapping[str, Sequence[Bin]], *, is_judged: bool) -> list[dict[str, Any]]:
    """Mean posterior and share right of each bin of each world."""
    return [
        {
            "what": what,
            "bin": one.name,
            "records": one.count,
            "mean p": one.mean_p,
            "right": one.right,
            "difference": one.difference,
            **({"within .02": abs(one.difference) <= CALIBRATION_BAR} if is_judged else {}),
        }
        for what, line in bins.items()
        for one in line
    ]


def time_rows(by_size: Mapping[int, Mapping[str, Measured]]) -> list[dict[str, Any]]:
    """The bars of time, which are those of the largest size; of the others, what was measured."""
    rows: list[dict[str, Any]] = []

    def row(what: str, measured: float, sign: str, bar: float | None) -> None:
        is_reached = None if bar is None else (measured >= bar if sign == ">=" else measured <= bar)
        rows.append(
            {
                "what": what,
                "measured": measured,
                "": "" if bar is None else sign,
                "bar": bar,
                "reached": is_reached,
            }
        )

    for size, results in by_size.items():
        if OURS not in results:
            continue
        ours, is_judged = results[OURS], size == LARGEST
        row(f"{size:,} records: / raw k-d tree query", ours.median_ratio, "<=", 3.0 if is_judged else None)
        for peer, bar in ((GEOPANDAS, 2.0), (POSTGIS, 12.0)):
            if peer in results:
                faster = _times_faster(ours, results[peer])
                row(f"{size:,} records: times faster than {peer}", faster, ">=", bar if is_judged else None)
    if all(OURS in by_size.get(size, {}) for size in (MIDDLE, LARGEST)):
        growth = by_size[LARGEST][OURS].median_ratio / by_size[MIDDLE][OURS].median_ratio
        row(
            f"{MIDDLE:,} to {LARGEST:,}: cost per record grows / the raw query's own growth",
            growth,
            "<=",
            1.0,
        )
    return rows


def _times_faster(ours: Measured, peer: Measured) -> float:
    """Round by round where both have as many rounds, else of the medians."""
    if len(ours.ratios) != len(peer.ratios):
        return peer.median_ratio / ours.median_ratio
    return median(theirs / mine for mine, theirs in zip(ours.ratios, peer.ratios, strict=True))
