"""Time the matchers on the same data, each beside the unit of all ratios in the same round."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from scripts.matching_bench.accuracy import Accuracy, accuracy
from scripts.matching_bench.peers import Found, Peer, Prepared, raw_tree
from scripts.matching_worlds import World

_UNIT_RUNS = 3  # one alone is short enough to be disturbed


@dataclass
class Measured:
    """One matcher at one size.

    Attributes:
        seconds: of each round.
        ratios: to the unit, timed just before it in the same round (median of three).
        accuracy, without_threshold: over all worlds; the latter None where the matcher knows no threshold.
        is_capped: whether it was so slow that it was not repeated.
    """

    seconds: list[float] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)
    accuracy: Accuracy | None = None
    without_threshold: Accuracy | None = None
    is_capped: bool = False

    @property
    def median_s(self) -> float:
        """Median of the rounds."""
        return median(self.seconds)

    @property
    def median_ratio(self) -> float:
        """Median of the ratios of the rounds."""
        return median(self.ratios)

    def add(self, found: Found, world: World) -> None:
        """Count what was found in one world."""
        linked = accuracy(found.linked, world.target, found.is_review)
        self.accuracy = linked if self.accuracy is None else self.accuracy + linked
        if found.best is not None:
            best = accuracy(found.best, world.target)
            before = self.without_threshold
            self.without_threshold = best if before is None else before + best


def measure(
    peers: Mapping[str, Peer],
    worlds: Sequence[World],
    rounds: int,
    cap_s: float,
    say: Callable[[str], None] = lambda text: None,
) -> dict[str, Measured]:
    """Time every matcher on the first world; count how right it is on all of them.

    Each runs once to warm up. One that then takes longer than `cap_s` is not repeated: that run counts.

    Args:
        peers: by name.
        worlds: of the same size.
        rounds: to take the median of.
        say: told what is under way.
    """
    results = {name: Measured() for name in peers}
    with ExitStack() as stack:
        unit = stack.enter_context(raw_tree(worlds[0]))
        _timed(unit)
        prepared = {}
        for name, peer in peers.items():
            say(f"{name}: warming up")
            prepared[name] = stack.enter_context(peer(worlds[0]))
            unit_s = _unit_s(unit)
            seconds, result = _timed(prepared[name])
            results[name].add(prepared[name].read(result), worlds[0])
            if seconds > cap_s:
                results[name].is_capped = True
                results[name].seconds.append(seconds)
                results[name].ratios.append(seconds / unit_s)
            del result
        for number in range(rounds):
            for name, one in prepared.items():
                if results[name].is_capped:
                    continue
                say(f"{name}: round {number + 1}")
                unit_s = _unit_s(unit)
                seconds, _ = _timed(one)
                results[name].seconds.append(seconds)
                results[name].ratios.append(seconds / unit_s)
    for world in worlds[1:]:
        for name, peer in peers.items():
            say(f"{name}: another world")
            results[name].add(found_by(peer, world), world)
    return results


def found_by(peer: Peer, world: World) -> Found:
    """What a matcher finds in a world, untimed."""
    with peer(world) as one:
        one.before()
        return one.read(one.run())


def _unit_s(unit: Prepared) -> float:
    return median(_timed(unit)[0] for _ in range(_UNIT_RUNS))


def _timed(one: Prepared) -> tuple[float, Any]:
    one.before()
    gc.collect()
    started = time.perf_counter()
    result = one.run()
    return time.perf_counter() - started, result
