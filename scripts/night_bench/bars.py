"""What has to be reached, computed from what was measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median

from scripts.night_bench import lines
from scripts.night_bench.apart import Taken
from scripts.night_bench.loads import Load, times
from scripts.night_bench.nights import EVERY, FULL, NEXT_DAY, NOTHING, TENTH

BARS_HOLD_AT = 1_000_000
GROWTH_FROM = 160_000
TO_WEIGH = ("read", "validate", "geocode", "match", "publish")
"""The stages that the bar of the whole night is about; the others stand beside them."""


@dataclass
class Figures:
    """What was measured on one store in a world of one size.

    Attributes:
        rows: of all uploads together.
        stages, idle: a night stage by stage on an empty store, and once more with nothing new.
        nights, new_rows: nights as one command, and how many rows were new in each.
        loads: ways to load.
        stored: rows of each table after the night by stages.
    """

    rows: int
    stages: dict[str, Taken] = field(default_factory=dict)
    idle: dict[str, Taken] = field(default_factory=dict)
    nights: dict[str, Taken] = field(default_factory=dict)
    new_rows: dict[str, int] = field(default_factory=dict)
    loads: dict[str, Load] = field(default_factory=dict)
    stored: dict[str, int] = field(default_factory=dict)

    @property
    def weighed_s(self) -> float:
        """Seconds of the stages that the bar of the whole night is about."""
        return sum(self.stages[name].seconds for name in TO_WEIGH)


@dataclass(frozen=True)
class Bar:
    """One bar.

    Attributes:
        size: that was asked for.
        is_at_most: whether less is better.
    """

    size: int
    what: str
    measured: float
    is_at_most: bool
    bar: float

    @property
    def is_judged(self) -> bool:
        """Whether the bar is about this size; at others the figure is there to compare."""
        return self.size >= BARS_HOLD_AT

    @property
    def is_met(self) -> bool:
        """Whether what was measured is on the right side of the bar."""
        return self.measured <= self.bar if self.is_at_most else self.measured >= self.bar


def bars(by_size: Mapping[int, Figures], floor: Mapping[int, Load]) -> list[Bar]:
    """The bars of one store, size by size, as far as there are figures.

    Args:
        by_size: figures by the size that was asked for.
        floor: the plain COPY of the raw rows, measured on PostgreSQL in the same run.
    """
    found: list[Bar] = []
    for size, figures in by_size.items():

        def add(what: str, measured: float, sign: str, bar: float, size: int = size) -> None:
            found.append(Bar(size, what, measured, sign == "<=", bar))

        _add_loads(figures.loads, add)
        if figures.stages:
            if size in floor:
                copied_s = _per_row(floor[size]) * figures.rows
                add("read to publish / COPY floor", figures.weighed_s / copied_s, "<=", 20.0)
                if figures.nights:
                    whole_s = figures.nights[FULL].seconds
                    add("the whole command / COPY floor", whole_s / copied_s, "<=", 20.0)
            highest = max(taken.peak_mb for taken in figures.stages.values())
            add("peak memory, stage by stage, GB", highest / 1000, "<=", 2.0)
        if figures.nights:
            _add_nights(figures, add)
        start = by_size.get(GROWTH_FROM)
        if start is not None and size > GROWTH_FROM:
            _add_growth(start, figures, add)
    return found


def _add_loads(loads: Mapping[str, Load], add: Callable[..., None]) -> None:
    def both(one: str, other: str) -> bool:
        return one in loads and other in loads

    if both(lines.OURS, lines.PLAIN):
        add("load with geometry / plain COPY", times(loads[lines.OURS], loads[lines.PLAIN]), "<=", 1.5)
    if both(lines.OURS, lines.TO_POSTGIS):
        faster = times(loads[lines.TO_POSTGIS], loads[lines.OURS])
        add("load with geometry: times faster than to_postgis", faster, ">=", 7.0)
    if both(lines.REPLACE, lines.UPSERT):
        faster = times(loads[lines.UPSERT], loads[lines.REPLACE])
        add("re-load: times faster than a blind upsert", faster, ">=", 3.5)


def _add_nights(figures: Figures, add: Callable[..., None]) -> None:
    full = figures.nights[FULL]
    add("peak memory, the whole command, GB", full.peak_mb / 1000, "<=", 2.0)
    for name in (TENTH, NEXT_DAY, EVERY):
        add(f"{name} / a full night", figures.nights[name].seconds / full.seconds, "<=", 1 / 3)
    add("nothing new, s", figures.nights[NOTHING].seconds, "<=", 5.0)


def _add_growth(start: Figures, figures: Figures, add: Callable[..., None]) -> None:
    if start.stages and figures.stages:
        grown = (figures.weighed_s / figures.rows) / (start.weighed_s / start.rows)
        add("seconds per row, read to publish, / those at 160,000", grown, "<=", 1.2)
        if start.idle and figures.idle:
            grown = _worked_per_row(figures) / _worked_per_row(start)
            add("the same less what each stage takes with nothing new", grown, "<=", 1.2)
    if start.nights and figures.nights:
        per_row = [one.nights[FULL].seconds / one.rows for one in (figures, start)]
        add("seconds per row, the whole command, / those at 160,000", per_row[0] / per_row[1], "<=", 1.2)


def _worked_per_row(figures: Figures) -> float:
    idle_s = sum(figures.idle[name].seconds for name in TO_WEIGH)
    return (figures.weighed_s - idle_s) / figures.rows


def _per_row(load: Load) -> float:
    return median(load.seconds) / load.rows
