"""What is wrong with a whole file is noticed, reported, and not matched."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyproj
import pytest

from hydrants.matching import link
from hydrants.matching.noticing import Amiss
from tests.matching_world import street_world

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
