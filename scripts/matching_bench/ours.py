"""The matcher of this project, as the benchmark calls it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hydrants.matching.linking import Linked, link
from scripts.matching_bench.accuracy import positions
from scripts.matching_bench.peers import Found, IntArray, Prepared
from scripts.matching_worlds import CONTRACTORS, World

_MARGIN_M = 500.0  # around a gemeente, as the stage of the night takes it


@dataclass(frozen=True)
class Outcome:
    """What the matcher says of the records of a call.

    Attributes:
        rows: one per record; `linked` and `best`, the position of its hydrant with and without a threshold
            (-1 for none), `is_review`, `is_new` (held not to be in the register), `candidate` (the position
            of the hydrant that `probability` is of), `sigma_m` (the position noise that the call learned).
        findings: what it noticed of each file as a whole.
    """

    rows: pd.DataFrame
    findings: tuple[str, ...]

    @property
    def found(self) -> Found:
        """The links, in the form that all matchers are compared in."""
        linked, best = (self.rows[name].to_numpy(np.int64) for name in ("linked", "best"))
        return Found(linked, self.rows["is_review"].to_numpy(bool), best)


def matched(records: pd.DataFrame, hydrants: pd.DataFrame) -> Outcome:
    """Call the matcher on these records."""
    return read(link(records, hydrants), hydrants)


def read(given: Linked, hydrants: pd.DataFrame) -> Outcome:
    """What `link` returned: only this function knows its form."""
    verdict = given.verdicts["verdict"].to_numpy(object)
    candidate = positions(given.verdicts["best_hydrant_id"], hydrants)
    rows = {
        "linked": np.where(verdict == "linked", candidate, -1),
        "best": np.append(given.scores.pairs.hydrant, -1)[given.together],
        "is_review": verdict == "review",
        "is_new": verdict == "new",
        "candidate": candidate,
        "probability": given.verdicts["score"].to_numpy(float),
        "sigma_m": given.parameters.sigma_m,
    }
    return Outcome(pd.DataFrame(rows), tuple(str(finding.what) for finding in given.findings))


def by_contractor(world: World) -> Outcome:
    """Call the matcher once per contractor, each time with the whole register."""
    parts: list[pd.DataFrame] = []
    findings: list[str] = []
    for contractor in CONTRACTORS:
        at = np.flatnonzero(world.contractor == contractor)
        outcome = matched(world.records.iloc[at].reset_index(drop=True), world.hydrants)
        parts.append(outcome.rows.set_index(at))
        findings.extend(outcome.findings)
    return Outcome(pd.concat(parts).sort_index(), tuple(findings))


@contextmanager
def whole(world: World) -> Iterator[Prepared]:
    """All records in one call."""
    yield Prepared(
        lambda: link(world.records, world.hydrants), lambda given: read(given, world.hydrants).found
    )


@contextmanager
def by_gemeente(world: World) -> Iterator[Prepared]:
    """A call per contractor and gemeente, with the hydrants around it and those that its records number.

    So the night cuts them; cutting is not timed, since there the database does it.
    """
    batches = [(at, near, *_cut(world, at, near)) for at, near in _batches(world)]

    def run() -> list[Linked]:
        return [link(records, hydrants) for _, _, records, hydrants in batches]

    def gathered(results: list[Linked]) -> Found:
        parts = []
        for (at, near, _, hydrants), result in zip(batches, results, strict=True):
            rows, in_register = read(result, hydrants).rows, np.append(near, -1)
            rows = rows.assign(linked=in_register[rows["linked"]], best=in_register[rows["best"]])
            parts.append(rows.set_index(at))
        return Outcome(pd.concat(parts).sort_index(), ()).found

    yield Prepared(run, gathered)


def _batches(world: World) -> Iterator[tuple[IntArray, IntArray]]:
    """Positions of the records of each batch, and of the hydrants that could be theirs."""
    number = pd.Index(world.hydrants["ref"]).get_indexer(world.records["ref"])
    place = world.hydrants[["x", "y"]].to_numpy(float)
    gemeente = world.hydrants.groupby("nis").indices
    stated = world.records["nis"].to_numpy(object)
    for batch in world.records.groupby(world.contractor + ":" + stated).indices.values():
        at = np.asarray(batch, np.int64)
        own = place[gemeente[stated[at[0]]]]
        is_near = (place >= own.min(axis=0) - _MARGIN_M) & (place <= own.max(axis=0) + _MARGIN_M)
        is_wanted = is_near.all(axis=1)
        is_wanted[number[at][number[at] >= 0]] = True
        yield at, np.flatnonzero(is_wanted)


def _cut(world: World, at: IntArray, near: IntArray) -> tuple[pd.DataFrame, pd.DataFrame]:
    records = world.records.iloc[at].reset_index(drop=True)
    return records, world.hydrants.iloc[near].reset_index(drop=True)
