"""The matcher where it is hardest: many rows on one place, numbers like the neighbour's, no noise at all."""

from __future__ import annotations

import numpy as np
import pytest

from hydrants.matching import link
from hydrants.matching.explaining import explanations
from hydrants.matching.parameters import Parameters
from hydrants.matching.sketch import drawn
from tests.matching_world import at, hydrants_at, record_frame, street_world

STREET = [(0.0, 0.0), (10.0, 0.0), (40.0, 0.0)]
NUMBERS = ["1234567", "7654321", "5550001"]
EVERY_60_M = [(60.0 * number, 0.0) for number in range(60)]
THEIR_NUMBERS = [str(2000 + number) for number in range(60)]


def test_positions_copied_from_the_register() -> None:
    rows = [{**at(x), "ref": ref} for (x, _), ref in zip(EVERY_60_M, THEIR_NUMBERS, strict=True)]
    linked = link(record_frame(rows), hydrants_at(EVERY_60_M, THEIR_NUMBERS))
    assert linked.parameters.sigma_m >= 1
    assert set(linked.verdicts["verdict"]) == {"linked"}


@pytest.mark.parametrize(("rows", "days"), [(120, 2), (200, 4), (2000, 300)])
@pytest.mark.filterwarnings("error")
def test_many_records_of_one_hydrant_have_probabilities(rows: int, days: int) -> None:
    records = [{**at(0.1 * (i % 7)), "ref": "1234567", "day": i % days} for i in range(rows)]
    linked = link(record_frame(records), hydrants_at(STREET, NUMBERS), Parameters())
    total = np.bincount(linked.scores.pairs.record, linked.chances.pair, rows)
    assert total + linked.chances.other + linked.chances.unregistered == pytest.approx(np.ones(rows))
    assert set(linked.verdicts["best_hydrant_id"]) == {"H0"}


def test_one_position_on_many_rows_is_no_witness() -> None:
    default = [{**at(6), "day": number} for number in range(100)]
    sound = [
        {**at(x, 3.0 * (-1) ** int(x / 60)), "ref": ref}
        for (x, _), ref in zip(EVERY_60_M, THEIR_NUMBERS, strict=True)
    ]
    linked = link(record_frame(default + sound), hydrants_at(EVERY_60_M, THEIR_NUMBERS)).verdicts
    assert set(linked["verdict"][:100]) == {"review"}
    assert (linked["verdict"][100:] == "linked").mean() > 0.95


def test_three_visits_of_one_place_are_no_default() -> None:
    visits = record_frame([{**at(1), "day": 100 * number} for number in range(3)])
    assert set(link(visits, hydrants_at(STREET), Parameters()).verdicts["best_hydrant_id"]) == {"H0"}


@pytest.mark.parametrize("at_m", [18.0, 14.0, 11.0])
def test_a_number_like_the_neighbours_does_not_outweigh_the_place(at_m: float) -> None:
    # as streets are numbered: it stands at ..02, or towards it, and bears the number of ..01, 18 m away
    hydrants = hydrants_at([(0, 0), (18, 0), (400, 0)], ["5550001", "5550002", "9990000"])
    found = link(record_frame([{"ref": "5550001", **at(at_m)}]), hydrants, Parameters()).verdicts.iloc[0]
    assert found["runner_up_score"] > 0.001  # the neighbour was looked at
    if at_m == 18.0:
        assert found["best_hydrant_id"] == "H1"


def test_two_candidates_that_are_both_sure_keep_their_ratio() -> None:
    hydrants = hydrants_at([(0, 0), (8, 0), (400, 0)], ["5550001", "5550022", "9990000"])
    hydrants["street_keys"] = [frozenset({"a"})] * 3
    place = {"address_x": at(4)["x"], "address_y": at(4)["y"], "address_accuracy_m": 15.0, "street_key": "a"}
    linked = link(record_frame([{"ref": "5550011", **at(4), **place}]), hydrants, Parameters())
    weight = np.exp(linked.scores.pair - linked.scores.pair.max())
    assert linked.chances.pair == pytest.approx(weight / weight.sum(), abs=1e-3)
    assert linked.chances.pair.max() > 0.99


def test_the_order_of_hydrants_changes_nothing() -> None:
    records, hydrants, _ = street_world(200, 3, 8.0)
    order = np.random.default_rng(1).permutation(len(hydrants))
    straight = link(records, hydrants).verdicts["score"]
    shuffled = link(records, hydrants.iloc[order].reset_index(drop=True)).verdicts["score"]
    assert shuffled.to_numpy() == pytest.approx(straight.to_numpy(), abs=1e-6, nan_ok=True)


@pytest.mark.parametrize("decided", [None, "H5", ""])
def test_the_terms_of_a_row_explain_its_probability(decided: str | None) -> None:
    records, hydrants, _ = street_world(60, 1)
    records.loc[3, "decided"] = decided
    linked = link(records, hydrants)
    for row in range(len(records)):
        found = explanations(records, hydrants, linked, row)
        score, chance = (np.array([getattr(one, name) for one in found]) for name in ("score", "probability"))
        assert np.exp(score - np.logaddexp.reduce(score)) == pytest.approx(chance, abs=1e-6)


def test_a_sketch_is_xml_whatever_its_title() -> None:
    from xml.etree import ElementTree

    root = ElementTree.fromstring(drawn("a\x08<b>&.csv", (0.0, 0.0), None, 4.0, []))
    assert root.findtext("{http://www.w3.org/2000/svg}title") == "a<b>&.csv"
