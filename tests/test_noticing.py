"""What is wrong with a whole file is noticed, reported, and not matched."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyproj
import pytest

from hydrants.matching import link
from hydrants.matching.noticing import Amiss
from tests.matching_world import at, hydrants_at, record_frame, street_world

SIZE = 1_500


def moved(frame: pd.DataFrame, east_m: float, north_m: float) -> pd.DataFrame:
    return frame.assign(x=frame["x"] + east_m, y=frame["y"] + north_m)


@pytest.mark.parametrize("has_numbers", [True, False])
@pytest.mark.parametrize(("east_m", "north_m"), [(60.0, -85.0), (-21.0, 15.0), (0.0, 200.0)])
def test_a_shift_is_noticed_and_nothing_is_linked(has_numbers: bool, east_m: float, north_m: float) -> None:
    records, hydrants, _ = street_world(SIZE, 4)
    if not has_numbers:
        records = records.assign(ref=None)
    linked = link(moved(records, east_m, north_m), hydrants)
    (finding,) = linked.findings
    assert finding.what is Amiss.SHIFTED
    assert (finding.east_m, finding.north_m) == (pytest.approx(east_m, abs=2), pytest.approx(north_m, abs=2))
    assert (finding.source, finding.records, finding.share > 0.8) == (0, len(records), True)
    assert set(linked.verdicts["verdict"]) == {"review"}


def test_a_register_in_the_wrong_datum_is_noticed() -> None:
    # Lambert 72 read as if its datum were that of WGS84: the classic 104 m
    records, hydrants, _ = street_world(SIZE, 4)
    to_degrees = pyproj.Transformer.from_crs("EPSG:31370", "EPSG:4313", always_xy=True)  # its own datum
    to_metres = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:31370", always_xy=True)
    x, y = to_metres.transform(*to_degrees.transform(hydrants["x"].to_numpy(), hydrants["y"].to_numpy()))
    linked = link(records, hydrants.assign(x=x, y=y))
    (finding,) = linked.findings
    assert np.hypot(finding.east_m, finding.north_m) == pytest.approx(104, abs=6)
    assert not (linked.verdicts["verdict"] == "linked").any()


@pytest.mark.parametrize("has_numbers", [True, False])
@pytest.mark.parametrize("sigma_m", [4.0, 15.0])
def test_a_sound_batch_has_no_findings(has_numbers: bool, sigma_m: float) -> None:
    records, hydrants, _ = street_world(SIZE, 4, sigma_m)
    assert link(records if has_numbers else records.assign(ref=None), hydrants).findings == ()


def test_only_the_file_that_is_shifted_is_left_to_a_person() -> None:
    records, hydrants, truth = street_world(SIZE, 4)
    is_bad = np.arange(len(records)) % 5 == 0
    files = records.assign(source=np.where(is_bad, 77, 12))
    shifted = files.assign(x=files["x"] + np.where(is_bad, 104.0, 0.0))
    linked = link(shifted, hydrants)
    assert [(finding.source, finding.records) for finding in linked.findings] == [(0, int(is_bad.sum()))]
    is_linked = (linked.verdicts["verdict"] == "linked").to_numpy()
    assert not is_linked[is_bad].any()
    assert is_linked[~is_bad].mean() > 0.9
    assert linked.parameters.sigma_m == pytest.approx(4.0, rel=0.1)  # not learned from the bad file
    right = linked.verdicts["best_hydrant_id"].to_numpy() == truth
    assert right[is_linked].mean() > 0.998


def test_a_decision_holds_in_a_file_that_is_amiss() -> None:
    records, hydrants, _ = street_world(SIZE, 4)
    shifted = moved(records, 104.0, 0.0)
    shifted.loc[7, "decided"] = "H3"
    found = link(shifted, hydrants).verdicts.loc[7]
    assert (found["verdict"], found["best_hydrant_id"]) == ("linked", "H3")


def test_a_file_of_another_gemeente_is_noticed_and_gives_no_new_hydrants() -> None:
    records, hydrants, _ = street_world(SIZE, 4)
    far = moved(records, 0.0, 9_000.0).assign(ref=None, is_outside=True)
    linked = link(far, hydrants)
    assert [finding.what for finding in linked.findings] == [Amiss.ELSEWHERE]
    assert set(linked.verdicts["verdict"]) == {"review"}


def test_a_stray_record_outside_its_gemeente_is_no_new_hydrant() -> None:
    records, hydrants, _ = street_world(SIZE, 4)
    stray = moved(records[:1], 0.0, 9_000.0).assign(ref=None, is_outside=True)
    both = pd.concat([records.assign(is_outside=False), stray], ignore_index=True)
    linked = link(both, hydrants)
    assert linked.findings == ()
    assert linked.verdicts["verdict"].iloc[-1] == "review"
    inside = link(both.assign(is_outside=False), hydrants)
    assert inside.verdicts["verdict"].iloc[-1] == "new"


@pytest.mark.parametrize("spacing_m", [17.5, 22.5, 27.5, 47.5, 52.5, 100.0])
def test_even_spacing_without_numbers_is_no_shift(spacing_m: float) -> None:
    rng = np.random.default_rng(1)
    along = [(number * spacing_m, 0.0) for number in range(120)]
    records = record_frame([at(x + rng.normal(0, 4), rng.normal(0, 4)) for x, _ in along])
    assert link(records, hydrants_at(along)).findings == ()


def test_the_share_of_a_finding_is_of_records_though_hydrants_stand_in_twos() -> None:
    rng = np.random.default_rng(5)
    points = rng.uniform(0, 3000, (200, 2))
    twins = [(float(x), float(y)) for x, y in np.vstack([points, points + 1])]
    records = record_frame([at(x + 104 + rng.normal(0, 4), y + rng.normal(0, 4)) for x, y in points])
    (finding,) = link(records, hydrants_at(twins)).findings
    assert 0.9 < finding.share <= 1


@pytest.mark.parametrize("shift_m", [104.0, 30.0])
def test_a_shift_is_noticed_in_files_of_a_few_rows(shift_m: float) -> None:
    records, hydrants, _ = street_world(SIZE, 4)
    small = moved(records, shift_m, 0.0).assign(source=np.arange(len(records)) // 8)
    linked = link(small, hydrants)
    assert sum(finding.records for finding in linked.findings) > 0.95 * len(records)
    assert (linked.verdicts["verdict"] == "linked").mean() < 0.05


def test_small_sound_files_have_no_findings() -> None:
    records, hydrants, _ = street_world(SIZE, 4)
    assert link(records.assign(source=np.arange(len(records)) // 8), hydrants).findings == ()


def test_a_shift_is_noticed_though_numbers_occur_twice() -> None:
    rng = np.random.default_rng(5)
    here, far = rng.uniform(0, 3000, (200, 2)), rng.uniform(8000, 11000, (200, 2))
    points = [(float(x), float(y)) for x, y in np.vstack([here, far])]
    hydrants = hydrants_at(points, [str(number + 1) for number in range(200)] * 2)
    rows = [at(x + 104 + rng.normal(0, 4), y + rng.normal(0, 4)) for x, y in here]
    records = record_frame([{**row, "ref": str(number + 1)} for number, row in enumerate(rows)])
    assert len(link(records, hydrants).findings) == 1


def test_a_file_that_would_be_mostly_new_is_left_to_a_person() -> None:
    records, hydrants, _ = street_world(SIZE, 4)
    far = moved(records, 0.0, 9_000.0).assign(ref=None)[:40]
    both = pd.concat([records.assign(source=1), far.assign(source=2)], ignore_index=True)
    assert set(link(both, hydrants).verdicts["verdict"][-40:]) == {"review"}
