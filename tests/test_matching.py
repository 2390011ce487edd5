"""The matcher, on cases a person can check and on worlds whose truth is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydrants.matching import link
from hydrants.matching.identifiers import fold, pairs_with_equal_number, pairs_within_one_slip, slips_between
from hydrants.matching.keys import NumberIndex, Texts
from hydrants.matching.parameters import Parameters
from tests.matching_world import hydrant_frame, record_frame, street_world

# A street with hydrants at 0, 10, 40 and 140 m, and one 3 km away.
STREET = np.add([[0, 0], [10, 0], [40, 0], [140, 0], [3000, 0]], [30_000.0, 160_000.0])
REFS = ["1234567", "7654321", "5550001", "5559999", "1234576"]


def at(x_m: float, y_m: float = 0.0) -> dict[str, float]:
    """A position in metres from the first hydrant of the street."""
    return {"x": 30_000.0 + x_m, "y": 160_000.0 + y_m}


def address_at(x_m: float, y_m: float = 0.0) -> dict[str, float]:
    """An address in metres from the first hydrant of the street."""
    return {"address_x": 30_000.0 + x_m, "address_y": 160_000.0 + y_m, "address_accuracy_m": 15.0}


def verdicts(
    records: pd.DataFrame, hydrants: pd.DataFrame, parameters: Parameters | None = None
) -> pd.DataFrame:
    """What `link` says of each record."""
    return link(records, hydrants, parameters).verdicts


CASES = [
    ("exact number at its place", {"ref": "1234567", **at(3)}, "linked", "H0", "id"),
    ("exact number, no place at all", {"ref": "5559999"}, "linked", "H3", "id"),
    ("exact number, an address 2 km off", {"ref": "5559999", **address_at(2000)}, "linked", "H3", "id"),
    ("a slip, and an address 2 km off", {"ref": "5559989", **address_at(2000)}, "review", None, None),
    ("exact number, gross error of 90 m", {"ref": "5559999", **at(45, 80)}, "linked", "H3", "id"),
    ("one wrong digit", {"ref": "5550091", **at(38)}, "linked", "H2", "repaired_id"),
    ("two digits swapped", {"ref": "5505001", **at(38)}, "linked", "H2", "repaired_id"),
    ("a digit left out", {"ref": "555001", **at(38)}, "linked", "H2", "repaired_id"),
    (
        "a slip that makes the number of a hydrant far away",
        {"ref": "1234576", **at(1)},
        "linked",
        "H0",
        "repaired_id",
    ),
    ("no number, alone at its place", {**at(141)}, "linked", "H3", "position"),
    ("no number, midway between two", {**at(5)}, "review", None, None),
    ("no number, nothing near", {**at(1500, 900)}, "new", None, None),
    ("only an address, one hydrant there", {**address_at(145)}, "linked", "H3", "address"),
    ("only an address, two hydrants there", {**address_at(5)}, "review", None, None),
    ("gross error, but the address tells", {**at(1500), **address_at(141)}, "linked", "H3", "position"),
    ("exact number, but 5 km off", {"ref": "5559999", **at(140, 5_000)}, "review", None, None),
    (
        "a slip that makes the number of one 3 km off",
        {"ref": "1234567", **at(3010)},
        "linked",
        "H4",
        "repaired_id",
    ),
    ("nothing to go on", {}, "unlocated", None, None),
    ("an unknown number and no place", {"ref": "9"}, "unlocated", None, None),
]


@pytest.mark.parametrize(
    ("row", "verdict", "hydrant", "method"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_single_records(
    row: dict[str, object], verdict: str, hydrant: str | None, method: str | None
) -> None:
    linked = verdicts(record_frame([row]), hydrant_frame(STREET, list(REFS)), Parameters())
    found = linked.iloc[0]
    assert (found["verdict"], found["match_method"]) == (verdict, method)
    if hydrant:
        assert found["best_hydrant_id"] == hydrant


def test_attributes_tell_close_neighbours_apart() -> None:
    hydrants = hydrant_frame(STREET, [None] * 5)
    hydrants["hydrant_type"] = ["aboveground", "underground", "underground", "underground", "underground"]
    linked = verdicts(record_frame([{**at(3.5), "hydrant_type": "underground"}]), hydrants, Parameters())
    assert linked.iloc[0]["best_hydrant_id"] == "H1"


def test_a_neighbour_with_its_number_leaves_the_other_hydrant_to_the_record_without() -> None:
    hydrants = hydrant_frame(STREET, list(REFS))
    doubtful = {**at(4.6), "day": 7}
    alone = verdicts(record_frame([doubtful]), hydrants, Parameters())
    with_neighbour = verdicts(
        record_frame([doubtful, {"ref": "1234567", **at(0), "day": 7}]), hydrants, Parameters()
    )
    assert alone.iloc[0]["verdict"] == "review"
    assert with_neighbour.iloc[0]["verdict"] == "linked"
    assert with_neighbour["best_hydrant_id"].tolist() == ["H1", "H0"]


def test_contradicting_rows_of_one_day_both_keep_their_number() -> None:
    rows = [{"ref": "1234567", **at(1), "day": 7}, {"ref": "1234567", **at(-2), "day": 7}]
    linked = verdicts(record_frame(rows), hydrant_frame(STREET, list(REFS)), Parameters())
    assert linked["verdict"].tolist() == ["linked", "linked"]
    assert linked["best_hydrant_id"].tolist() == ["H0", "H0"]


def test_a_decision_outranks_the_evidence_and_claims_its_hydrant() -> None:
    hydrants = hydrant_frame(STREET, list(REFS))
    rows = [
        {"ref": "1234567", **at(0), "decided": "H1"},
        {**at(5)},
        {"ref": "5559999", **at(141), "decided": ""},
    ]
    linked = verdicts(record_frame(rows), hydrants, Parameters())
    assert linked["verdict"].tolist() == ["linked", "linked", "new"]
    assert linked["best_hydrant_id"].tolist()[:2] == ["H1", "H0"]
    assert linked["match_method"].tolist() == ["decision", "position", "decision"]


def test_decided_to_be_new_holds_for_a_row_without_place_or_number() -> None:
    linked = verdicts(record_frame([{"ref": "9", "decided": ""}]), hydrant_frame(STREET, list(REFS)))
    assert (linked.iloc[0]["verdict"], linked.iloc[0]["match_method"]) == ("new", "decision")


def test_no_hydrants_at_all() -> None:
    linked = verdicts(record_frame([{**at(0)}, {}]), hydrant_frame(np.empty((0, 2)), []))
    assert linked["verdict"].tolist() == ["new", "unlocated"]


def test_no_records_at_all() -> None:
    linked = verdicts(record_frame([]), hydrant_frame(STREET, list(REFS)))
    assert len(linked) == 0


@pytest.mark.parametrize("seed", [1, 2])
def test_street_world_is_linked_rightly(seed: int) -> None:
    records, hydrants, truth = street_world(4_000, seed)
    found = link(records, hydrants)
    linked, parameters = found.verdicts, found.parameters
    is_linked = (linked["verdict"] == "linked").to_numpy()
    is_right = is_linked & (linked["best_hydrant_id"].to_numpy() == truth)
    registered = pd.notna(truth)
    assert parameters.sigma_m == pytest.approx(4.0, rel=0.05)
    assert is_right.sum() / registered.sum() >= 0.985
    assert 1000 * (is_linked & ~is_right).sum() / is_linked.sum() <= 1.0
    assert (linked["verdict"][~registered] == "new").mean() > 0.5


def test_a_posterior_is_a_share_that_is_right() -> None:
    chance, is_right = [], []
    for seed in (5, 6, 7, 8, 9):
        records, hydrants, truth = street_world(6_000, seed, sigma_m=8.0)
        linked = verdicts(records, hydrants)
        chance.append(linked["score"].fillna(0).to_numpy())
        is_right.append(linked["best_hydrant_id"].to_numpy() == truth)
    shares, right = np.concatenate(chance), np.concatenate(is_right)
    for low, high, tolerance in (
        (0.5, 0.8, 0.12),
        (0.8, 0.95, 0.12),
        (0.95, 0.995, 0.05),
        (0.995, 1.0, 0.02),
    ):
        within = (shares >= low) & (shares <= high)
        assert within.sum() > 60
        assert right[within].mean() == pytest.approx(shares[within].mean(), abs=tolerance)


@given(st.integers(0, 2**32 - 1))
def test_the_order_of_records_changes_nothing(seed: int) -> None:
    records, hydrants, _ = street_world(60, seed=3)
    order = np.random.default_rng(seed).permutation(len(records))
    straight = verdicts(records, hydrants)
    shuffled = verdicts(records.iloc[order], hydrants)
    expected = straight.iloc[order].reset_index(drop=True)
    pd.testing.assert_frame_equal(shuffled, expected, check_exact=False, atol=1e-9)


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        (" 123 4567 ", "1234567"),
        ("DWG-0123456", "123456"),
        ("nr. 1234567", "1234567"),
        ("007", "7"),
        ("99a", "99A"),
        ("-", None),
        ("", None),
        (None, None),
        ("000", None),
    ],
)
def test_fold(written: str | None, folded: str | None) -> None:
    assert fold(written) == folded


def _slips_by_hand(a: str, b: str) -> int:
    """Optimal string alignment by the textbook table."""
    d = [[max(i, j) if 0 in (i, j) else 0 for j in range(len(b) + 1)] for i in range(len(a) + 1)]
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            cost = a[i - 1] != b[j - 1]
            d[i][j] = min(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + cost)
            if i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
                d[i][j] = min(d[i][j], d[i - 2][j - 2] + 1)
    return d[-1][-1]


NUMBERS = st.lists(st.text("012", min_size=1, max_size=5), min_size=1, max_size=12)


def texts(numbers: list[str]) -> Texts:
    return np.array(numbers, np.bytes_)


@given(NUMBERS, NUMBERS)
def test_every_pair_one_slip_apart_is_found(written: list[str], registered: list[str]) -> None:
    record, hydrant = pairs_within_one_slip(texts(written), NumberIndex(texts(registered)))
    pairs = set(zip(record.tolist(), hydrant.tolist(), strict=True))
    meant = {
        (i, j) for i, a in enumerate(written) for j, b in enumerate(registered) if _slips_by_hand(a, b) <= 1
    }
    assert meant <= pairs
    assert len(pairs) == len(record)


@given(NUMBERS)
def test_slips_agree_with_the_textbook(numbers: list[str]) -> None:
    expected = [min(3, _slips_by_hand(a, b)) for a, b in zip(numbers, numbers[::-1], strict=True)]
    assert slips_between(texts(numbers), texts(numbers[::-1])).tolist() == expected


def _learned(records: pd.DataFrame, hydrants: pd.DataFrame) -> Parameters:
    return link(records, hydrants).parameters


@pytest.mark.parametrize("sigma_m", [2.0, 4.0, 8.0, 15.0])
def test_noise_is_learned_from_numbers_despite_gross_errors(sigma_m: float) -> None:
    records, hydrants, _ = street_world(4_000, 8, sigma_m)
    learned = _learned(records, hydrants)
    assert learned.sigma_m == pytest.approx(sigma_m, rel=0.04)
    assert learned.gross_rate == pytest.approx(0.02, abs=0.006)
    assert learned.id_given_rate == pytest.approx(0.8, abs=0.02)


@pytest.mark.parametrize("sigma_m", [3.0, 6.0])
def test_noise_is_learned_from_the_neighbours_without_numbers(sigma_m: float) -> None:
    records, hydrants, _ = street_world(4_000, 8, sigma_m)
    learned = _learned(records.assign(ref=None), hydrants)
    assert learned.sigma_m == pytest.approx(sigma_m, rel=0.15)


def test_too_few_records_teach_nothing() -> None:
    records, hydrants, _ = street_world(4_000, 8, 15.0)
    learned = _learned(records[:20], hydrants)
    assert learned.sigma_m == Parameters().sigma_m


def test_what_is_repeated_and_skipped_is_learned() -> None:
    records, hydrants, _ = street_world(4_000, 8)
    half = records[records.index % 2 == 0]
    again = pd.concat([records, half.assign(day=half["day"] + 400)], ignore_index=True)
    assert _learned(records, hydrants).again_rate < 0.05
    assert _learned(again, hydrants).again_rate > 0.2
    assert _learned(records, hydrants).inspected_rate == pytest.approx(
        0.9, abs=0.04
    )  # never believed to be all
    assert _learned(half, hydrants).inspected_rate == pytest.approx(0.5, abs=0.08)


@given(NUMBERS, NUMBERS)
def test_every_equal_number_is_found_once(written: list[str], registered: list[str]) -> None:
    record, hydrant = pairs_with_equal_number(texts(written), NumberIndex(texts(registered)))
    meant = [(i, j) for i, a in enumerate(written) for j, b in enumerate(registered) if a == b]
    assert sorted(zip(record.tolist(), hydrant.tolist(), strict=True)) == meant
