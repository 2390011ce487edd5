"""The tables of the benchmark as a page of the documentation."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from scripts.matching_bench.tables import shown

_LIBRARIES = ("numpy", "scipy", "pandas", "shapely", "geopandas", "splink", "duckdb")
_PREFACE = """\
# The matcher, measured

Written by `scripts/bench_matching.py`: change that, not this page.

**The world.** Streets with hydrants 8-120 m apart, uniformly; four streets beside each other and one
across them per neighbourhood, so that some cross; no two hydrants nearer than 8 m. Each hydrant was
inspected once, in random order; 3 % of the records are declared re-inspections on another day; 1 % are of
hydrants that stand there like the others but are not in the register. Of the records of registered
hydrants 70 % bear the right number, 10 % one with one or two slips, 20 % none; the numbers lie so densely
that a slip makes another hydrant's number 18 % of the time. Positions scatter with a standard deviation
of 4 m per axis, unless said otherwise; 2 % are gross errors of 30-300 m. There are no addresses and no
attributes to help.

**What counts.** *Recall* is the records rightly linked over the records whose hydrant is registered.
*Precision* is the records rightly linked over those linked, and *wrong/1000* are the wrongly linked per
thousand linked: a link of a record whose hydrant is not in the register is wrong. *Review* is the share
of all records left to a person. *No threshold* is the likeliest joint answer, in which a record may also
be about none of its candidates; *p >= .95* is what is linked without review.

**The others.** Every matcher gets the same cleaned records and register, in the form it likes best;
theirs are loaded and indexed before their time starts, while this matcher builds its indexes within its
time. Nearest hydrants farther than 30 m are no match, which spares them the gross errors. Splink gets the
world's own rates as m and u, and cells that hold every pair within 30 m; what it gives between .5 and .95
counts as its review. It and PostGIS use both processors if they like. Times are medians of the rounds;
each *ratio* is to a single-threaded `scipy.spatial.cKDTree` query, k=1, in the order of the records,
which is random, over a register in the order of its streets, run just before in the same round. What
takes longer than the cap is run once, and says so.
"""


def write(path: Path, tables: Mapping[str, Sequence[Mapping[str, Any]]], plot: Path | None) -> None:
    """Write the page: what was measured and how, each table, and the plot if it was drawn."""
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES if find_spec(name))
    machine = (
        f"{os.cpu_count()} processors, {platform.machine()}, Python {platform.python_version()}; {libraries}."
    )
    parts = [_PREFACE, f"**The machine.** {machine}\n"]
    parts += [f"## {title}\n\n{_table(rows)}" for title, rows in tables.items()]
    if plot is not None:
        picture = os.path.relpath(plot, path.parent)
        parts.append(f"## Reliability\n\n![Posterior against the share that is right]({picture})\n")
    path.write_text("\n".join(parts), encoding="utf-8")


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    columns = list(rows[0])
    lines = [columns, ["---" if isinstance(rows[0][name], str) else "---:" for name in columns]]
    lines += [[shown(name, row[name]) for name in columns] for row in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
