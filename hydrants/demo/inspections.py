"""What really happened in 2019: who inspected which hydrant when, and what was found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.spatial import cKDTree

from hydrants.demo.registers import proportional
from hydrants.demo.world import Floats, Ints, stream

Bools = npt.NDArray[np.bool_]

OUTCOMES = ("ok", "failed", "not_found", "not_testable", "repaired")
OK, FAILED, NOT_FOUND, NOT_TESTABLE, REPAIRED = range(5)
FIRM = {"dewatergroep": "westlandia", "aquaduin": "interwest"}

FIRST_DAY, LAST_DAY = np.datetime64("2019-01-07"), np.datetime64("2019-12-13")

DEWATERGROEP_TOTALS = {"registered": 15_916, "checked": 11_515, "failed": 2_889, "remaining": 4_401}
"""At scale 1, on 31-12-2019."""
_AQUADUIN_CHECKED, _AQUADUIN_FAILED = 0.68, 0.22
"""Made up: share of its register that was checked, and share of those that failed."""

ALONE_M, WELL_ALONE_M = 15.0, 30.0
"""Without numbers a hydrant is told from its neighbours by its place alone: crews can only speak of one
that stands this far from the next, and come back to it if it stands farther off still."""


@dataclass(frozen=True)
class History:
    """A sequence of visits to one hydrant. `share` is of the hydrants that end the same way."""

    ends: str
    share: float
    steps: tuple[int, ...]
    is_same_day: bool = False


HISTORIES = (
    History("ok", 0.016, (FAILED, REPAIRED, OK)),
    History("ok", 0.008, (FAILED, OK)),
    History("ok", 0.012, (NOT_TESTABLE, OK)),
    History("ok", 0.008, (OK, OK)),
    History("failed", 0.100, (NOT_FOUND,)),
    History("failed", 0.060, (FAILED, REPAIRED)),
    History("failed", 0.012, (FAILED, REPAIRED, FAILED)),
    History("failed", 0.020, (OK, FAILED)),
    History("failed", 0.020, (NOT_TESTABLE, FAILED)),
    History("failed", 0.015, (FAILED, NOT_FOUND)),
    History("failed", 0.006, (OK, FAILED), is_same_day=True),
    History("remaining", 0.025, (NOT_TESTABLE,)),
)
_PLAIN = {"ok": History("ok", 1.0, (OK,)), "failed": History("failed", 1.0, (FAILED,))}


def targets(hydrants: pd.DataFrame, scale: float) -> dict[str, tuple[int, int]]:
    """How many hydrants of each company end up checked, and failed."""
    counts = hydrants["operator"].value_counts()
    can = int(((hydrants["operator"] == "aquaduin") & (hydrants["alone_m"] >= ALONE_M)).sum())
    checked = min(round(_AQUADUIN_CHECKED * int(counts.get("aquaduin", 0))), round(0.95 * can))
    return {
        "dewatergroep": (
            round(DEWATERGROEP_TOTALS["checked"] * scale),
            round(DEWATERGROEP_TOTALS["failed"] * scale),
        ),
        "aquaduin": (checked, round(_AQUADUIN_FAILED * checked)),
    }


def plan(hydrants: pd.DataFrame, scale: float, seed: int) -> pd.DataFrame:
    """Every visit of the year.

    Args:
        hydrants: what `registers.describe` returns, with alone_m (metres to the nearest other hydrant).

    Returns:
        One row per visit, ordered by hydrant and step: hydrant (its position in the frame), firm, nis,
        day, outcome (index into OUTCOMES), step (0 for the first), is_declared (said to be a second look),
        is_contradiction (another result of the same day).
    """
    parts = []
    for operator, (checked, failed) in targets(hydrants, scale).items():
        mine = np.flatnonzero((hydrants["operator"] == operator).to_numpy())
        rng = stream(seed, "inspections", operator)
        can = (
            np.ones(len(mine), bool)
            if operator == "dewatergroep"
            else hydrants["alone_m"].to_numpy()[mine] >= ALONE_M
        )
        visited, base_day = _rounds(hydrants.iloc[mine], can, checked, rng)
        ends = np.full(len(mine), "remaining", dtype=object)
        ends[visited] = "ok"
        ends[rng.choice(np.flatnonzero(visited), size=failed, replace=False)] = "failed"
        eligible = can if operator == "dewatergroep" else hydrants["alone_m"].to_numpy()[mine] >= WELL_ALONE_M
        parts.append(_visits(mine, ends, base_day, eligible, can, rng).assign(firm=FIRM[operator]))
    events = pd.concat(parts, ignore_index=True).sort_values(
        ["hydrant", "step"], kind="stable", ignore_index=True
    )
    events["nis"] = hydrants["nis"].to_numpy()[events["hydrant"]]
    return events


def borrow(events: pd.DataFrame, hydrants: pd.DataFrame, scale: float, seed: int) -> pd.DataFrame:
    """Where two companies share a gemeente, each firm now and then inspects a hydrant of the other's.

    Interwest confirms what Westlandia found on another day, so that no total moves; Westlandia finds hydrants
    of Aquaduin that nobody else looked at.

    Returns:
        Further visits, columns as in `plan`.
    """
    rng = stream(seed, "borrow")
    wanted = max(2, round(8 * scale))
    operators = hydrants["operator"].to_numpy()
    shared = {nis for nis, part in hydrants.groupby("nis") if len(set(part["operator"])) > 1}
    visits = events.groupby("hydrant")["day"].transform("size")
    plain = events[(visits == 1) & events["outcome"].isin([OK, FAILED]) & events["nis"].isin(shared)]
    confirmed = plain[operators[plain["hydrant"]] == "dewatergroep"]
    confirmed = confirmed.iloc[rng.permutation(len(confirmed))[:wanted]].assign(firm="interwest")
    days = confirmed["day"].to_numpy().astype("datetime64[D]")
    shift = np.where(days > np.datetime64("2019-03-01"), -1, 1) * rng.integers(3, 20, size=len(days))
    confirmed["day"] = np.busday_offset(days, shift, roll="forward")
    untouched = ~np.isin(np.arange(len(hydrants)), events["hydrant"])
    found = np.flatnonzero(
        untouched
        & (operators == "aquaduin")
        & hydrants["nis"].isin(shared).to_numpy()
        & (hydrants["alone_m"].to_numpy() >= WELL_ALONE_M)
    )
    found = rng.permutation(found)[:wanted]
    offsets = rng.integers(0, int(np.busday_count(FIRST_DAY, LAST_DAY)), size=len(found))
    others = pd.DataFrame(
        {
            "hydrant": found,
            "step": 0,
            "outcome": np.where(rng.random(len(found)) < 0.8, OK, FAILED),
            "day": np.busday_offset(FIRST_DAY, offsets, roll="forward"),
            "is_contradiction": False,
            "is_declared": False,
            "firm": "westlandia",
            "nis": hydrants["nis"].to_numpy()[found],
        }
    )
    return pd.concat([confirmed, others], ignore_index=True)


def _rounds(hydrants: pd.DataFrame, can: Bools, checked: int, rng: np.random.Generator) -> tuple[Bools, Ints]:
    """Who is visited, and on which working day: street after street, some gemeenten farther than others."""
    nis = hydrants["nis"].to_numpy()
    codes = sorted(set(nis))
    able = np.array([int((can & (nis == code)).sum()) for code in codes])
    pace = rng.uniform(0.6, 1.0, len(codes))
    wanted = np.minimum(proportional(np.maximum(1, (able * pace * 1000).astype(np.int64)), checked), able)
    while (missing := checked - int(wanted.sum())) > 0:
        room = able - wanted
        wanted += np.minimum(proportional(room, min(missing, int(room.sum()))), room)
    days = int(np.busday_count(FIRST_DAY, LAST_DAY))
    visited = np.zeros(len(hydrants), dtype=bool)
    base_day = rng.integers(
        0, days, size=len(hydrants)
    )  # of those never visited only a few failed tries tell
    line = hydrants["line"].to_numpy()
    for code, count in zip(codes, wanted, strict=True):
        here = np.flatnonzero(nis == code)
        lines, number = np.unique(line[here], return_inverse=True)
        round_of = rng.permutation(len(lines))[number].astype(np.float64)
        is_skipped = rng.random(len(here)) < 0.04  # left for the end: gate closed, forgotten
        order = here[np.argsort(round_of + is_skipped * len(lines), kind="stable")]
        able_in_order = order[can[order]]
        visited[able_in_order[:count]] = True
        base_day[able_in_order[:count]] = days * np.arange(count) // max(1, count)
    return visited, base_day


def _visits(
    mine: Ints,
    ends: npt.NDArray[np.object_],
    base_day: Ints,
    eligible: Bools,
    can: Bools,
    rng: np.random.Generator,
) -> pd.DataFrame:
    kind = np.full(len(mine), -1)
    for end in ("ok", "failed", "remaining"):
        pool = rng.permutation(np.flatnonzero((ends == end) & can))
        size = len(pool)
        for number, history in enumerate(HISTORIES):
            if history.ends != end:
                continue
            usable = pool if len(history.steps) == 1 else pool[eligible[pool]]
            chosen = usable[: min(len(usable), max(round(history.share * size), 1 if size > 50 else 0))]
            kind[chosen] = number
            pool = pool[~np.isin(pool, chosen)]
    columns: dict[str, list[npt.NDArray[np.generic]]] = {
        "hydrant": [],
        "step": [],
        "outcome": [],
        "day": [],
        "same": [],
    }
    for number, history in [(-1, _PLAIN["ok"]), (-1, _PLAIN["failed"]), *enumerate(HISTORIES)]:
        who = np.flatnonzero((kind == number) & (ends == history.ends))
        gaps = rng.integers(7, 50, size=(len(who), len(history.steps)))  # working days
        gaps[:, 0] = 0
        if history.is_same_day:
            gaps[:] = 0
        offsets = np.cumsum(gaps, axis=1)
        last = int(np.busday_count(FIRST_DAY, LAST_DAY))
        first = np.minimum(base_day[who], last - offsets[:, -1]) if len(who) else base_day[who]
        for step, outcome in enumerate(history.steps):
            columns["hydrant"].append(mine[who])
            columns["step"].append(np.full(len(who), step))
            columns["outcome"].append(np.full(len(who), outcome))
            columns["day"].append(np.busday_offset(FIRST_DAY, first + offsets[:, step], roll="forward"))
            columns["same"].append(np.full(len(who), history.is_same_day))
    frame = pd.DataFrame({name: np.concatenate(values) for name, values in columns.items()})
    is_second = (frame["step"] > 0) & frame["outcome"].isin([OK, FAILED, NOT_FOUND]) & ~frame["same"]
    frame["is_declared"] = is_second & (rng.random(len(frame)) < 0.85)
    return frame.rename(columns={"same": "is_contradiction"})


def totals(events: pd.DataFrame, operators: npt.NDArray[np.object_]) -> dict[str, dict[str, int]]:
    """Count the campaign as its rule says, from what really happened.

    Per hydrant the last day with a conclusive outcome decides; it failed if anything but ok was found
    that day. Not found counts as failed; not testable and repaired decide nothing.

    Args:
        events: hydrant, day, outcome.
        operators: the company of every registered hydrant.

    Returns:
        registered, checked, failed, remaining by operator.
    """
    conclusive = events[events["outcome"].isin([OK, FAILED, NOT_FOUND])]
    last_day = conclusive.groupby("hydrant")["day"].transform("max")
    deciding = conclusive[conclusive["day"] == last_day]
    has_failed = (deciding["outcome"] != OK).groupby(deciding["hydrant"]).any()
    owner = operators[has_failed.index.to_numpy()]
    result = {}
    for operator in FIRM:
        registered, checked = int((operators == operator).sum()), int((owner == operator).sum())
        failed = int(has_failed.to_numpy()[owner == operator].sum())
        result[operator] = {
            "registered": registered,
            "checked": checked,
            "failed": failed,
            "remaining": registered - checked,
        }
    return result


def alone_m(xy: Floats) -> Floats:
    """Metres from each hydrant to the nearest other one."""
    distance: Floats = cKDTree(xy).query(xy, k=min(2, len(xy)))[0][:, -1]
    return distance
