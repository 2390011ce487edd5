"""The worlds of the benchmark: each holds what it says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from rapidfuzz.distance import DamerauLevenshtein
from scipy.spatial import cKDTree

from scripts.matching_bench import degraded
from scripts.matching_slips import with_slips
from scripts.matching_worlds import World, world

N = 20_000
WITHIN = 4.0  # standard errors: one seed in many thousands would miss


@pytest.fixture(scope="module")
def drawn() -> World:
    return world(N, seed=11)


def assert_share(observed: float, expected: float, of: int) -> None:
    assert observed == pytest.approx(expected, abs=WITHIN * np.sqrt(expected * (1 - expected) / of))


def assert_one_contractor_each(one: World) -> None:
    contractors = pd.Series(one.contractor).groupby(one.records["nis"]).agg(set)
    assert set(contractors.map(len)) == {1}
    assert len(set.union(*contractors)) == 2


def test_a_world_has_the_shares_it_says(drawn: World) -> None:
    records, hydrants = drawn.records, drawn.hydrants
    registered = drawn.target >= 0
    again = ~records["competes"].to_numpy()

    assert len(records) == N
    assert len(hydrants) == 0.96 * N
    assert (~registered).sum() == 0.01 * N
    assert again.sum() == 0.03 * N
    assert (records["day"][again] >= 250).all()
    assert (records["day"][~again] < 250).all()
    once = np.bincount(drawn.target[registered & ~again], minlength=len(hydrants))
    assert (once == 1).all()
    assert drawn.truth[registered].tolist() == hydrants["hydrant_id"].iloc[drawn.target[registered]].tolist()
    assert [one for one in drawn.truth[~registered] if one is not None] == []

    own = hydrants["ref"].to_numpy(object)[drawn.target]
    written, n = records["ref"].to_numpy(object), int(registered.sum())
    assert_share((written == own)[registered & ~drawn.is_mistyped].sum() / n, 0.70, n)
    assert_share(drawn.is_mistyped.sum() / n, 0.10, n)
    assert_share(records["ref"][registered].isna().mean(), 0.20, n)
    assert records["ref"][~registered].isna().all()
    assert hydrants["ref"].is_unique
    assert hydrants["ref"].str.fullmatch(r"\d{7}").all()
    assert_share(drawn.mistyped_valid_share, 0.18, int(drawn.is_mistyped.sum()))
    assert_share(drawn.is_gross.mean(), 0.02, N)


@pytest.mark.parametrize("n", [2_000, 100_000])
def test_mistyped_numbers_are_as_often_anothers_at_every_size(n: int) -> None:
    one = world(n, seed=3)
    assert_share(one.mistyped_valid_share, 0.18, int(one.is_mistyped.sum()))


def test_positions_scatter_as_they_should(drawn: World) -> None:
    known = drawn.target >= 0
    place = drawn.hydrants[["x", "y"]].to_numpy()[drawn.target[known]]
    offset_m = drawn.records[["x", "y"]].to_numpy()[known] - place
    gross = drawn.is_gross[known]

    noise = offset_m[~gross]
    assert noise.std(axis=0) == pytest.approx([4.0, 4.0], rel=0.03)
    assert noise.mean(axis=0) == pytest.approx([0.0, 0.0], abs=0.15)
    thrown_m = np.hypot(*offset_m[gross].T)
    assert thrown_m.min() >= 30
    assert thrown_m.max() <= 300
    assert thrown_m.mean() == pytest.approx(165.0, abs=WITHIN * 78 / np.sqrt(len(thrown_m)))


@pytest.mark.parametrize("dense", [False, True])
def test_hydrants_stand_8_to_120_m_apart_along_streets(dense: bool) -> None:
    place = world(N, seed=2, dense=dense).hydrants[["x", "y"]].to_numpy()
    nearest_m = cKDTree(place).query(place, k=2)[0][:, 1]
    along_m = np.hypot(*np.diff(place, axis=0).T)
    same_street = along_m <= 120

    assert nearest_m.min() >= 7.99
    assert same_street.mean() > 0.8
    low, middle = np.quantile(along_m[same_street], [0.01, 0.5])
    assert 8 <= low < 12
    assert middle == pytest.approx(37 if dense else 64, rel=0.06)


def test_gemeenten_are_of_a_size(drawn: World) -> None:
    sizes = drawn.hydrants["nis"].value_counts()
    assert len(sizes) > 10
    assert sizes.between(700, 1_200).all()
    known = drawn.target >= 0
    own = drawn.hydrants["nis"].to_numpy(object)[drawn.target[known]]
    assert (drawn.records["nis"].to_numpy(object)[known] == own).all()
    assert_one_contractor_each(drawn)


def test_a_seed_gives_one_world() -> None:
    one, same, other = world(1_000, 1), world(1_000, 1), world(1_000, 2)
    pd.testing.assert_frame_equal(one.records, same.records)
    pd.testing.assert_frame_equal(one.hydrants, same.hydrants)
    assert not one.records["x"].equals(other.records["x"])


def test_slips_are_one_or_two() -> None:
    rng = np.random.default_rng(8)
    numbers = rng.integers(1_000_000, 10_000_000, 5_000)
    slipped = with_slips(numbers, rng)
    slips = np.array(
        [
            # leading zeros go unwritten
            min(DamerauLevenshtein.distance(str(number), text.zfill(width)) for width in range(5, 10))
            for number, text in zip(numbers, slipped, strict=True)
        ]
    )
    assert slips.max() == 2
    assert (slips == 1).mean() == pytest.approx(0.8, abs=0.03)  # two slips can come to one
    assert (slips == 0).mean() < 0.01  # or undo each other
    assert not any(text.startswith("0") for text in slipped)
    assert {len(text) for text in slipped} >= {6, 7, 8}


def test_degraded_worlds_are_degraded_as_they_say() -> None:
    plain = degraded.with_files(world(4_000, 5))
    assert plain.records["source"].nunique() == plain.records["nis"].nunique()
    assert 0 < plain.records["is_outside"].mean() < 0.1

    shifted = degraded.shifted_register(4_000, 5)
    moved_m = shifted.hydrants[["x", "y"]].to_numpy() - plain.hydrants[["x", "y"]].to_numpy()
    assert np.hypot(*moved_m.T) == pytest.approx(104.0)
    pd.testing.assert_frame_equal(shifted.records, plain.records)

    swapped = degraded.swapped_gemeenten(4_000, 5)
    changed = (swapped.records["nis"] != plain.records["nis"]).to_numpy()
    first, last = plain.records["nis"].min(), plain.records["nis"].max()
    assert set(plain.records["nis"][changed]) == {first, last}
    assert changed.sum() == plain.records["nis"].isin([first, last]).sum()
    assert swapped.records["is_outside"][changed].mean() > 0.9
    assert_one_contractor_each(swapped)

    assert degraded.without_numbers(4_000, 5).records["ref"].isna().all()
    assert_share(degraded.many_gross_errors(4_000, 5).is_gross.mean(), 0.10, 4_000)
    worse = degraded.one_worse_gps(4_000, 5)
    fine = (worse.target >= 0) & ~worse.is_gross
    offset_m = worse.records["x"].to_numpy() - worse.hydrants["x"].to_numpy()[worse.target]
    for contractor, sigma_m in (("westlandia", 4.0), ("interwest", 12.0)):
        assert offset_m[fine & (worse.contractor == contractor)].std() == pytest.approx(sigma_m, rel=0.1)
