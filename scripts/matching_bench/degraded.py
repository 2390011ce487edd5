"""Worlds in which something is wrong as a whole, and what the matcher makes of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from scripts.matching_bench import databases, ours, peers
from scripts.matching_bench.accuracy import Accuracy, accuracy
from scripts.matching_bench.peers import Found
from scripts.matching_bench.timing import found_by
from scripts.matching_worlds import CONTRACTORS, World, world

BoolArray = npt.NDArray[np.bool_]

SHIFT_M = 104.0  # what leaving out the shift of the datum does in Flanders
WORSE = 3.0


def with_files(plain: World) -> World:
    """Each contractor and gemeente's records as a file of its own, which says which of them lie outside it.

    A position is outside its gemeente when the nearest hydrant is another gemeente's.
    """
    at, nis = plain.hydrants[["x", "y"]].to_numpy(float), plain.hydrants["nis"].to_numpy(object)
    nearest = cKDTree(at).query(plain.records[["x", "y"]].to_numpy(float))[1]
    stated = plain.records["nis"].to_numpy(object)
    records = plain.records.assign(
        source=plain.contractor + ":" + stated,
        is_outside=nis[nearest] != stated,
    )
    return replace(plain, records=records)


def without_numbers(n: int, seed: int) -> World:
    """No record has a number."""
    return with_files(world(n, seed, clean_share=0.0, mistyped_share=0.0))


def many_gross_errors(n: int, seed: int) -> World:
    """A tenth of the positions are 30-300 m off."""
    return with_files(world(n, seed, gross_share=0.10))


def shifted_register(n: int, seed: int) -> World:
    """The whole register lies beside its place."""
    plain = with_files(world(n, seed))
    bearing = np.random.default_rng(seed).uniform(0, 2 * np.pi)
    hydrants = plain.hydrants.assign(
        x=plain.hydrants["x"] + SHIFT_M * np.cos(bearing),
        y=plain.hydrants["y"] + SHIFT_M * np.sin(bearing),
    )
    return replace(plain, hydrants=hydrants)


def swapped_gemeenten(n: int, seed: int) -> World:
    """The records of two gemeenten were handed in as each other's."""
    plain = world(n, seed)
    nis = plain.records["nis"].astype("str")
    one, other = nis.min(), nis.max()
    exchanged = nis.replace({one: other, other: one})
    contractor = plain.contractor.copy()
    # whoever hands in the files of a gemeente hands in these
    first, second = (contractor[(nis == which).to_numpy()][0] for which in (one, other))
    contractor[(exchanged == one).to_numpy()], contractor[(exchanged == other).to_numpy()] = first, second
    return with_files(replace(plain, records=plain.records.assign(nis=exchanged), contractor=contractor))


def one_worse_gps(n: int, seed: int) -> World:
    """The second contractor's positions scatter three times as far as the first's."""
    return with_files(world(n, seed, sigma_of_second_m=WORSE * 4.0))


WORLDS: dict[str, Callable[[int, int], World]] = {
    "as it should be": lambda n, seed: with_files(world(n, seed)),
    "no numbers at all": without_numbers,
    "10 % gross errors": many_gross_errors,
    f"register shifted by {SHIFT_M:g} m": shifted_register,
    "two gemeenten swapped": swapped_gemeenten,
    "one contractor's GPS 3 x worse": one_worse_gps,
}

BESIDE: dict[str, peers.Peer] = {
    "nearest": peers.raw_tree,
    "id, then nearest": peers.id_then_nearest,
    "Splink 4, m and u by hand": databases.splink,
}


def degraded_rows(
    n: int, seeds: Sequence[int], say: Callable[[str], None] = lambda text: None
) -> list[dict[str, Any]]:
    """What becomes of each degraded world, all seeds together: this matcher, and what people would use."""
    return [row for name in WORLDS for row in _rows(name, n, seeds, say)]


def _rows(name: str, n: int, seeds: Sequence[int], say: Callable[[str], None]) -> list[dict[str, Any]]:
    counts: dict[tuple[str, str], Accuracy] = {}
    new, sigma_m, noticed, files = Counter[str](), dict[str, list[float]](), Counter[str](), 0

    def count(part: str, matcher: str, found: Found, target: npt.NDArray[np.int64], rows: BoolArray) -> None:
        is_review = None if found.is_review is None else found.is_review[rows]
        here = accuracy(found.linked[rows], target[rows], is_review)
        key = (part, matcher)
        counts[key] = counts[key] + here if key in counts else here

    for seed in seeds:
        say(f"{name}: seed {seed}")
        degraded = WORLDS[name](n, seed)
        outcome = ours.by_contractor(degraded)
        noticed.update(outcome.findings)
        files += degraded.records["source"].nunique()
        for part, rows in _parts(name, degraded).items():
            count(part, "this matcher, p >= .95", outcome.found, degraded.target, rows)
            new[part] += int(outcome.rows["is_new"][rows].sum())
            sigma_m.setdefault(part, []).append(float(outcome.rows["sigma_m"][rows].mean()))
        everything = np.ones(n, bool)
        for matcher, peer in BESIDE.items():
            count(name, matcher, found_by(peer, degraded), degraded.target, everything)
    told = "; ".join(f"{what} in {of} of {files} files" for what, of in sorted(noticed.items()))
    return [
        {
            "world": part,
            "matcher": matcher,
            "recall": one.recall,
            "precision": one.precision,
            "wrong/1000": one.wrong_per_1000,
            "review": one.review_share,
            "new": new[part] / one.records if matcher.startswith("this") else None,
            "sigma m": float(np.mean(sigma_m[part])) if matcher.startswith("this") else None,
            "noticed": (told or "nothing") if matcher.startswith("this") and part == name else "",
        }
        for (part, matcher), one in counts.items()
    ]


def _parts(name: str, degraded: World) -> dict[str, BoolArray]:
    """The whole, and the records that the fault is about apart from the others."""
    parts = {name: np.ones(len(degraded.records), bool)}
    if WORLDS[name] is one_worse_gps:
        parts |= {f"  of which {contractor}": degraded.contractor == contractor for contractor in CONTRACTORS}
    if WORLDS[name] is swapped_gemeenten:
        nis = degraded.records["nis"].astype("str")
        parts["  of which swapped"] = nis.isin([nis.min(), nis.max()]).to_numpy(bool)
    return parts
