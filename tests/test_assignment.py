"""Letting records compete, against the sums and the maxima that a brute force finds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydrants.matching.assignment import best_together, largest_of_each, optimal, posteriors
from hydrants.matching.blocking import Pairs
from hydrants.matching.parameters import Parameters
from hydrants.matching.scoring import Scores

P = Parameters(again_rate=0.05, again_same_day_rate=0.01)
NONE = -1


@dataclass(frozen=True)
class Small:
    """A few records and hydrants: the odds of each pair against "none of them"."""

    odds: dict[tuple[int, int], float]
    days: tuple[int, ...]
    competes: tuple[bool, ...]
    inspected: tuple[float, ...] = (0.8,) * 4

    @property
    def scores(self) -> Scores:
        pairs = sorted(self.odds)
        record, hydrant = (np.array([pair[side] for pair in pairs], np.int64) for side in (0, 1))
        nothing = np.zeros(len(pairs))
        n = len(self.days)
        return Scores(
            Pairs(record, hydrant, nothing, nothing.astype(np.int64)),
            np.log([self.odds[pair] for pair in pairs]),
            np.full(n, np.log(0.25)),
            np.full(n, np.log(0.75)),
        )

    def answers(self) -> Iterator[tuple[tuple[int, ...], float]]:
        """Every way to give each record one of its hydrants or none, and the weight of it."""
        choices = [
            [NONE, *(h for r, h in sorted(self.odds) if r == record)] for record in range(len(self.days))
        ]
        hydrants = {hydrant for _, hydrant in self.odds}
        for answer in product(*choices):
            weight = prod(self.odds[pair] for pair in enumerate(answer) if pair[1] != NONE)
            for hydrant in hydrants:
                claims = Counter(
                    self.days[record]
                    for record, chosen in enumerate(answer)
                    if chosen == hydrant and self.competes[record]
                )
                if not claims:
                    weight *= (1 - self.inspected[hydrant]) / self.inspected[hydrant]
                else:
                    weight *= P.again_rate ** (len(claims) - 1)
                    weight *= prod(P.again_same_day_rate ** (count - 1) for count in claims.values())
            yield answer, weight

    def marginals(self) -> dict[tuple[int, int], float]:
        """The exact probability of each pair."""
        total, of_pair = 0.0, dict.fromkeys(self.odds, 0.0)
        for answer, weight in self.answers():
            total += weight
            for pair in enumerate(answer):
                if pair in of_pair:
                    of_pair[pair] += weight
        return {pair: weight / total for pair, weight in of_pair.items()}


ODDS = st.floats(-6, 8).map(lambda exponent: float(np.exp(exponent)))


@st.composite
def worlds(draw: st.DrawFn, is_tree: bool) -> Small:
    n_records, n_hydrants = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    every = list(product(range(n_records), range(n_hydrants)))
    odds: dict[tuple[int, int], float] = {}
    group = {("r", r): ("r", r) for r in range(n_records)} | {("h", h): ("h", h) for h in range(n_hydrants)}

    def root(node: tuple[str, int]) -> tuple[str, int]:
        while group[node] != node:
            node = group[node]
        return node

    for record, hydrant in draw(st.permutations(every)):
        ends = root(("r", record)), root(("h", hydrant))
        if (is_tree and ends[0] == ends[1]) or not draw(st.booleans()):
            continue
        group[ends[0]] = ends[1]
        odds[record, hydrant] = draw(ODDS)
    days = tuple(draw(st.lists(st.integers(0, 2), min_size=n_records, max_size=n_records)))
    competes = tuple(draw(st.lists(st.booleans(), min_size=n_records, max_size=n_records)))
    inspected = tuple(draw(st.lists(st.sampled_from([0.05, 0.5, 0.9]), min_size=4, max_size=4)))
    return Small(odds, days, competes, inspected)


def claimed(world: Small) -> dict[tuple[int, int], float]:
    scores = world.scores
    found = posteriors(scores, np.array(world.days), np.array(world.competes), np.array(world.inspected), P)
    total = np.bincount(scores.pairs.record, found.pair, len(world.days)) + found.other + found.unregistered
    assert total == pytest.approx(np.ones(len(world.days)))
    assert found.unregistered == pytest.approx(3 * found.other)
    return dict(zip(sorted(world.odds), found.pair.tolist(), strict=True))


@given(worlds(is_tree=True))
def test_posteriors_are_exact_where_claims_form_no_ring(world: Small) -> None:
    assert claimed(world) == pytest.approx(world.marginals(), abs=2e-3)


@given(worlds(is_tree=False))
def test_posteriors_are_close_where_they_do(world: Small) -> None:
    found, exact = claimed(world), world.marginals()
    assert all(abs(found[pair] - exact[pair]) < 0.25 for pair in exact)


def test_posteriors_of_many_rings_are_right_on_average() -> None:
    rng = np.random.default_rng(5)
    apart = []
    for _ in range(300):
        odds = {pair: float(np.exp(rng.uniform(-3, 6))) for pair in product(range(4), range(3))}
        world = Small(odds, tuple(rng.integers(0, 3, 4).tolist()), (True,) * 4)
        found, exact = claimed(world), world.marginals()
        apart += [abs(found[pair] - exact[pair]) for pair in exact]
    assert np.mean(apart) < 0.02
    assert np.quantile(apart, 0.99) < 0.15


def test_two_records_and_two_hydrants_alike_stay_undecided() -> None:
    world = Small(dict.fromkeys(product(range(2), range(2)), 50.0), (1, 2), (True, True))
    assert list(claimed(world).values()) == pytest.approx([0.5] * 4, abs=0.02)


def test_a_sure_claim_leaves_the_neighbour_to_the_other() -> None:
    world = Small({(0, 0): 1e6, (1, 0): 60.0, (1, 1): 40.0}, (1, 2), (True, True))
    found = claimed(world)
    assert found[1, 1] > 0.9
    declared = Small(world.odds, world.days, (True, False))
    assert claimed(declared)[1, 0] == pytest.approx(0.6, abs=0.02)  # a declared re-inspection is no rival


GAINS = st.floats(-8, 8)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), GAINS), min_size=1, max_size=10), st.data())
def test_the_joint_answer_gains_as_much_as_any(
    listed: list[tuple[int, int, float]], data: st.DataObject
) -> None:
    pairs = sorted({(record, hydrant): gain for record, hydrant, gain in listed}.items())
    of_hydrant = np.array(data.draw(st.lists(st.floats(0, 3), min_size=4, max_size=4)))
    again = data.draw(st.floats(-6, -0.1))
    record, hydrant = (np.array([key[side] for key, _ in pairs], np.int64) for side in (0, 1))
    gain = np.array([gain for _, gain in pairs])
    first = of_hydrant[hydrant]

    def worth(chosen: list[int]) -> float:
        uses = Counter(hydrant[chosen].tolist())
        return float(gain[chosen].sum()) + sum(
            of_hydrant[used] + again * (count - 1) for used, count in uses.items()
        )

    choices = [[None, *np.flatnonzero(record == one).tolist()] for one in set(record.tolist())]
    answers = [[pair for pair in answer if pair is not None] for answer in product(*choices)]
    most = max(worth(a) for a in answers if max(Counter(hydrant[a].tolist()).values(), default=0) <= 3)
    chosen = optimal(record, hydrant, gain, first, again).tolist()
    assert len(set(record[chosen].tolist())) == len(chosen)
    assert worth(chosen) == pytest.approx(most)


def test_best_together_gives_the_second_his_own() -> None:
    # both want hydrant 0 most; together it is likelier that the one who has a choice takes the other
    world = Small({(0, 0): 900.0, (1, 0): 1000.0, (1, 1): 700.0}, (1, 2), (True, True))
    scores = world.scores
    days, competes, inspected = map(np.array, (world.days, world.competes, world.inspected))
    chances = posteriors(scores, days, competes, inspected, P)
    together = best_together(scores, chances, competes, inspected, P)
    assert scores.pairs.hydrant[together].tolist() == [0, 1]


def test_largest_of_each_takes_the_first_of_equals() -> None:
    value, record = np.array([0.2, 0.7, 0.7, 0.1]), np.array([0, 2, 2, 0])
    assert largest_of_each(value, record, 4).tolist() == [0, -1, 1, -1]
