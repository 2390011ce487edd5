"""Numbers as the matcher keeps them: side by side, as keys, looked up; and what is counted around a place."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydrants.matching import link
from hydrants.matching.claims import entangled
from hydrants.matching.density import beside, counts_around
from hydrants.matching.frames import Numbers, as_arrays, length_m
from hydrants.matching.identifiers import UNLIKE, slips_between
from hydrants.matching.keys import NumberIndex, keys
from hydrants.matching.parameters import Parameters
from tests.matching_world import at, hydrants_at, record_frame, street_world

STREET = [(0.0, 0.0), (10.0, 0.0), (40.0, 0.0)]
REFS = ["1234567", "7654321", "5550001"]


def column(values: list[object]) -> pd.Series:
    return pd.Series(values, dtype=object)


@pytest.mark.parametrize("missing", [None, np.nan, float("nan"), pd.NA])
@pytest.mark.parametrize("count", [0, 1, 16_383, 16_384, 40_001])
def test_every_number_is_kept_with_its_row(count: int, missing: object) -> None:
    values = [missing if i % 3 == 1 else str(i) for i in range(count)]
    numbers = Numbers(column(values))
    assert numbers.known.tolist() == [i % 3 != 1 for i in range(count)]
    assert numbers.texts.tolist() == [b"" if i % 3 == 1 else str(i).encode() for i in range(count)]


def test_numbers_of_a_text_column() -> None:
    numbers = Numbers(pd.Series(["12A", None, "7"], dtype="str"))
    assert numbers.known.tolist() == [True, False, True]
    assert numbers.texts.tolist() == [b"12A", b"", b"7"]


@given(st.text("012", min_size=1, max_size=12), st.text("012", min_size=1, max_size=4))
def test_a_number_cut_short_is_as_unlike_as_a_whole_one(written: str, registered: str) -> None:
    cut = Numbers(column([written]), len(registered)).texts
    whole, register = np.array([written], np.bytes_), np.array([registered], np.bytes_)
    assert slips_between(cut, register).tolist() == slips_between(whole, register).tolist()
    assert (keys(cut) == keys(register)).all() == (written == registered)


def test_a_number_much_longer_than_any_registered_is_like_none() -> None:
    rows = [{"ref": "5550001" + end, **at(39)} for end in ("", "1", "11", "111", "0" * 500)]
    linked = link(record_frame(rows), hydrants_at(STREET, list(REFS)), Parameters())
    pairs = linked.scores.pairs
    slips = [pairs.slips[(pairs.record == row) & (pairs.hydrant == 2)].tolist() for row in range(5)]
    assert slips == [[0], [1], [2], [UNLIKE], [UNLIKE]]


def test_different_numbers_have_different_keys() -> None:
    short = ["".join(signs) for length in (1, 2, 3) for signs in product("0123456789ABZ", repeat=length)]
    long = [str(number) for number in range(1_000_000, 1_100_000)]
    many = np.array(short + long, np.bytes_)
    assert len(np.unique(keys(many))) == len(many)


def test_a_key_does_not_depend_on_the_width() -> None:
    assert keys(np.array([b"12"], "S2")) == keys(np.array([b"12"], "S9"))


def test_numbers_that_occur_twice_are_found_twice() -> None:
    index = NumberIndex(np.array([b"7", b"12", b"7", b"3"]))
    written, registered = index.pairs(keys(np.array([b"12", b"7", b"9", b"7"])))
    assert written.tolist() == [0, 1, 1, 3, 3]
    assert registered.tolist() == [1, 0, 2, 0, 2]
    assert (index.longest, index.alphabet.tolist()) == (2, [ord(sign) for sign in "1237"])


@pytest.mark.parametrize("wide_m", [5_000.0, 60_000.0])
def test_counts_around_are_whole_and_right_to_a_cell(wide_m: float) -> None:
    rng = np.random.default_rng(3)
    counted, place = rng.uniform(0, 5_000, (4_000, 2)), rng.uniform(-200, 5_200, (300, 2))
    counted[0], place[:3] = wide_m, wide_m + np.array([[0], [100], [1_000]])
    radius_m, cell_m = 250.0, 2 * 250.0 / 7
    found = counts_around(place, counted, radius_m)
    apart_m = np.abs(place[:, None] - counted[None]).max(axis=2)
    least, most = ((apart_m <= radius_m + sign * cell_m).sum(axis=1) for sign in (-1, 1))
    assert (found == np.rint(found)).all()
    assert ((least <= found) & (found <= most)).all()


def test_counts_are_the_same_whether_most_cells_are_empty_or_not() -> None:
    rng = np.random.default_rng(3)
    counted, place = rng.uniform(0, 2_000, (500, 2)), rng.uniform(-1_000, 3_000, (800, 2))
    alone = counts_around(place, counted, 250.0)
    with_far = counts_around(place, np.vstack([counted, [[90_000.0, 90_000.0]]]), 250.0)
    assert alone.max() > 10
    assert with_far.tolist() == alone.tolist()


def test_density_beside_a_hydrant_is_that_of_the_noisy_distances() -> None:
    records, frame, _ = street_world(600, 4)
    _, hydrants = as_arrays(records, frame)
    rings_m = np.arange(1.5, 120, 3.0)
    found = beside(rings_m, np.full(len(rings_m), 1e-9), hydrants, 4.0)

    apart = hydrants.place[:, None] - hydrants.place[None]
    distance_m = np.hypot(*np.moveaxis(apart, -1, 0))
    nearest = np.argsort(distance_m, axis=1)[:, 1:9]
    noise = np.random.default_rng(0).normal(0.0, 4.0, (32, 2))
    seen = []
    for hydrant, near in enumerate(nearest):
        for other in near[distance_m[hydrant, near] < 120]:
            seen += np.hypot(*(apart[other, hydrant] + noise).T).tolist()
    edges_m = np.arange(0.0, 123.0, 3.0)
    expected = np.histogram(seen, edges_m)[0] / (32 * len(frame)) / (np.pi * np.diff(edges_m**2))
    assert found == pytest.approx(np.maximum(expected, 1e-7), rel=1e-9)
    assert beside(np.array([121.0, np.inf]), np.array([0.5, 0.7]), hydrants, 4.0).tolist() == [0.5, 0.7]


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 4)), min_size=1, max_size=12, unique=True))
def test_entangled_records_are_those_that_reach_each_other(pairs: list[tuple[int, int]]) -> None:
    pairs.sort(key=lambda pair: pair[1])
    names = sorted({hydrant for _, hydrant in pairs})
    record = np.array([record for record, _ in pairs])
    hydrant = np.array([names.index(hydrant) for _, hydrant in pairs])
    group = entangled(record, hydrant, 7).tolist()

    reached = {record: {record} for record in range(7)}
    for _ in range(7):
        for (one, wanted), (other, also) in product(pairs, repeat=2):
            if wanted == also:
                reached[one] = reached[other] = reached[one] | reached[other]
    for one, other in product(range(7), repeat=2):
        assert (group[one] == group[other]) == (other in reached[one])


def test_length() -> None:
    assert length_m(np.array([3.0, 0.0]), np.array([4.0, 0.0])).tolist() == [5.0, 0.0]
    assert np.isnan(length_m(np.array([np.nan]), np.array([1.0]))).all()
