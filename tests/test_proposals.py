"""Hydrants that no register has: which sightings are one, which places are proposed, and the workbook."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from datetime import date, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from hydrants import night, proposals, reference, register, store
from hydrants.errors import ReferenceMissing
from hydrants.proposals.same_hydrant import same_hydrant
from hydrants.settings import Settings
from hydrants.store import tables
from tests.batches import as_csv, send
from tests.command_line import called
from tests.test_by_hand import HYDRANTS as FOUR
from tests.test_by_hand import SQUARES, here, seen

__all__ = ["here"]  # a fixture

NAN = float("nan")
Sighting = tuple[float, float, float, str | None]


def grouped(sightings: Iterable[Sighting], nis: str = "33021") -> list[int]:
    """The group of each (x, y, accuracy, number), all in metres from a corner of Poperinge."""
    rows = [(30_000 + x, 170_000 + y, accuracy, nis, number) for x, y, accuracy, number in sightings]
    frame = pd.DataFrame(rows, columns=["x_l72", "y_l72", "accuracy_m", "nis", "number"])
    return same_hydrant(frame.astype({"number": object})).tolist()


@pytest.mark.parametrize(
    ("sightings", "groups"),
    [
        ([], []),
        ([(0, 0, 4, None)], [0]),
        # 3 x hypot(4, 4) = 16.97 m
        ([(0, 0, 4, None), (16.9, 0, 4, None), (17.1, 100, 4, None)], [0, 0, 1]),
        ([(0, 0, 4, None), (17.1, 0, 4, None)], [0, 1]),
        # of positions to the centimetre 10 m is still one hydrant
        ([(0, 0, 0.01, None), (9.9, 0, 0.01, None)], [0, 0]),
        ([(0, 0, 0.01, None), (10.1, 0, 0.01, None)], [0, 1]),
        # a house number, 3 x hypot(4, 15) = 46.6 m, reaches 20 m at most; a street alone tells nothing
        ([(0, 0, 4, None), (19.9, 0, 15, None)], [0, 0]),
        ([(0, 0, 4, None), (20.1, 0, 15, None)], [0, 1]),
        ([(0, 0, 30, None), (0, 0, 30, None)], [0, 1]),
        # no chains: every two of a place are near; the closest pair comes first
        ([(0, 0, 4, None), (29, 0, 4, None), (15, 0, 4, None)], [0, 1, 1]),
        ([(60 * n, 0, 15, None) for n in range(8)], list(range(8))),
        # two numbers are two hydrants, however close, and what has none is of the nearest
        ([(0, 0, 4, "777"), (0, 0, 4, "778")], [0, 1]),
        ([(0, 0, 4, "777"), (12, 0, 4, "778"), (7, 0, 4, None)], [0, 1, 1]),
        # one number
        ([(0, 0, 4, "777"), (299, 0, 4, "777")], [0, 0]),
        ([(0, 0, 4, "777"), (301, 0, 4, "777")], [0, 1]),
        ([(0, 0, 4, "777"), (200, 0, 4, "778")], [0, 1]),
        ([(0, 0, 4, "777"), (100, 0, 60, "777"), (NAN, NAN, NAN, "777")], [0, 0, 0]),
        # written at places far apart, a number is of neither
        ([(0, 0, 4, "777"), (100, 0, 4, "777"), (5_000, 0, 4, "777"), (NAN, NAN, NAN, "777")], [0, 1, 2, 3]),
        # nor does one that most of those around contradict lead anywhere: 777 at 290 is a slip
        (
            [(0, 0, 4, "777"), (1, 0, 4, "777"), (290, 0, 4, "778"), (290, 1, 4, "778"), (290, 0, 4, "777")],
            [0, 0, 1, 1, 2],
        ),
        (
            [(0, 0, 4, "777"), (100, 0, 4, "777"), *[(5_000, 0, 4, None)] * 2, (5_000, 9, 4, "777")],
            [0, 0, 1, 1, 1],
        ),
        ([(0, 0, 4, "777"), (290, 0, 4, "778"), (290, 0, 4, "777")], [0, 1, 0]),  # half of them is enough
        # no place and no number
        ([(NAN, NAN, NAN, None), (NAN, NAN, NAN, None)], [0, 1]),
        # many at exactly one spot
        ([(1, 1, 4, None)] * 5 + [(1, 9, 4, None)], [0] * 6),
    ],
)
def test_which_sightings_are_one(sightings: list[Sighting], groups: list[int]) -> None:
    assert grouped(sightings) == groups


def test_a_number_is_of_one_gemeente() -> None:
    rows = [(0.0, 0.0, 4.0, nis, "777") for nis in ("33021", "33029")]
    frame = pd.DataFrame(rows, columns=["x_l72", "y_l72", "accuracy_m", "nis", "number"])
    frame["x_l72"] = [30_000.0, 30_100.0]
    assert same_hydrant(frame).tolist() == [0, 1]


COORDINATE = st.integers(0, 40).map(lambda steps: steps * 7.0)
PLACED = st.tuples(
    COORDINATE,
    COORDINATE,
    st.sampled_from([1.0, 4.0, 15.0, 30.0]),
    st.sampled_from([None, None, "777", "778"]),
)
LOST = st.sampled_from(["777", "778", None]).map(lambda number: (NAN, NAN, NAN, number))


@given(st.lists(st.one_of(PLACED, LOST), max_size=10), st.randoms())
def test_groups_are_those_of_a_pair_by_pair_search_in_any_order(
    sightings: list[Sighting], random: Any
) -> None:
    expected = _by_hand(sightings)
    assert grouped(sightings) == expected
    order = list(range(len(sightings)))
    random.shuffle(order)
    shuffled = grouped([sightings[at] for at in order])
    for (i, a), (j, b) in itertools.combinations(enumerate(order), 2):
        assert (shuffled[i] == shuffled[j]) == (expected[a] == expected[b])


def _by_hand(sightings: list[Sighting]) -> list[int]:
    """Places out of single spots: all that can be compared is compared."""

    spots = sorted({(s[0], s[1], s[3] or "") for s in sightings if s[2] <= 15})
    least_sure = {k: max(s[2] for s in sightings if s[2] <= 15 and (*s[:2], s[3] or "") == k) for k in spots}

    def nearness(a: tuple[float, float, str], b: tuple[float, float, str]) -> float:
        allowed_m = 3 * np.hypot(least_sure[a], least_sure[b])
        return float(np.hypot(a[0] - b[0], a[1] - b[1]) / min(20.0, max(10.0, float(allowed_m))))

    def may_be_one(a: tuple[float, float, str], b: tuple[float, float, str]) -> bool:
        return nearness(a, b) <= 1 and (a[2] == b[2] or "" in (a[2], b[2]))

    places = [{spot} for spot in spots]
    for a, b in sorted(itertools.combinations(spots, 2), key=lambda pair: (nearness(*pair), *pair)):
        here, there = (next(place for place in places if spot in place) for spot in (a, b))
        if here is not there and all(may_be_one(one, other) for one in here for other in there):
            here |= there
            places = [place for place in places if place is not there]

    def place_of(at: int) -> Any:
        s = sightings[at]
        key = (s[0], s[1], s[3] or "")
        return at if s[2] > 15 or s[0] != s[0] else min(next(place for place in places if key in place))

    def is_slip(s: Sighting) -> bool:
        if not s[2] <= 15:
            return False
        around = [
            o for o in sightings if o[2] <= 15 and nearness((*s[:2], s[3] or ""), (*o[:2], o[3] or "")) <= 1
        ]
        return 2 * sum(o[3] == s[3] for o in around) < len(around)

    group: list[Any] = [place_of(at) for at in range(len(sightings))]
    for number in {s[3] for s in sightings} - {None}:
        telling = [at for at, s in enumerate(sightings) if s[3] == number and not is_slip(s)]
        points = np.array([sightings[at][:2] for at in telling if sightings[at][0] == sightings[at][0]])
        if len(points) and np.hypot(*(points.max(axis=0) - points.min(axis=0))) > 300:
            continue
        for at in telling[1:]:
            old, new = group[at], group[telling[0]]
            group = [new if one == old else one for one in group]
    return pd.factorize(pd.Series([str(one) for one in group], dtype=object))[0].tolist()


MAART_5 = "V-5af9245636"
"""Of row 5 of maart.xlsx: `printf 'maart.xlsx|5' | b2sum -l 128`."""


# -- on both stores ----------------------------------------------------------------------------


class Crews:
    """Rows as matching leaves them, one file per firm and gemeente unless said otherwise."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection
        self.files: dict[str, int] = {}

    def put(self, table: sa.Table, **values: Any) -> None:
        store.insert_rows(self.connection, table, [values])

    def hydrant(self, hydrant_id: str, x: float, y: float, operator: str = "dewatergroep") -> None:
        state = {"from_version_id": 1, "row_number": 2, "nis": "33021", "x_l72": x, "y_l72": y}
        self.put(tables.hydrant, hydrant_id=hydrant_id, operator=operator, supplier_id=None)
        self.put(tables.hydrant_state, hydrant_id=hydrant_id, **state)

    def file(self, name: str, contractor: str, nis: str) -> int:
        if name not in self.files:
            upload_id = self.files[name] = len(self.files) + 1
            of_file = {"upload_id": upload_id, "sha256": name.encode().hex().ljust(64, "0")}
            of_file |= {"contractor": contractor, "nis": nis, "file_name": name, "size_bytes": 1}
            self.put(tables.upload, **of_file, landed_at=store.utc_now())
            self.put(
                tables.raw_sheet,
                upload_id=upload_id,
                sheet_number=1,
                format="xlsx",
                sheet="Controle",
                blank_rows=0,
            )
        return self.files[name]

    def saw(
        self,
        name: str,
        row: int,
        at: tuple[float, float] | None,
        on: str,
        *,
        contractor: str = "westlandia",
        nis: str = "33021",
        verdict: str = "new",
        match_method: str | None = None,
        disposition: str = "accepted",
        accuracy_m: float = 4.0,
        street: str | None = None,
        is_outside: bool = False,
        says: str | None = None,
        **record: Any,
    ) -> int:
        """A row of a file; `at` in metres from a corner of Poperinge."""
        upload_id = self.file(name, contractor, nis)
        row_id = upload_id * tables.ROWS_PER_UPLOAD + row
        key = {"row_id": row_id, "upload_id": upload_id}
        self.put(tables.raw_row, **key, sheet_number=1, row_number=row, cells=[])
        content_hash = blake2b((says or f"{name}|{row}").encode(), digest_size=16).digest()
        self.put(tables.ledger, **key, disposition=disposition, reasons=[], content_hash=content_hash)
        usual = {
            "outcome": "ok",
            "is_reinspection": False,
            "is_withdrawn": False,
            "photos": [],
            "defects": [],
        }
        of_record = {"contractor": contractor, "nis": nis, "inspected_on": date.fromisoformat(on)}
        self.put(tables.record, **key, **of_record, **usual | record)
        place = (30_000.0 + at[0], 170_000.0 + at[1]) if at else (None, None)
        self.put(
            tables.location,
            **key,
            x_l72=place[0],
            y_l72=place[1],
            location_method="given_l72" if at else "none",
            location_accuracy_m=accuracy_m if at else None,
            corrections=[],
            is_outside_gemeente=is_outside,
            street=street,
        )
        found = {"verdict": verdict, "match_method": match_method, "is_other_contractor": False}
        self.put(tables.match, **key, **found)
        return row_id


def register_of_two(crews: Crews) -> None:
    version = {"register_version_id": 1, "operator": "dewatergroep", "sha256": "0" * 64, "file_name": "b.csv"}
    version |= {"exported_on": date(2019, 1, 1), "scope": [], "loaded_at": store.utc_now(), "counts": {}}
    crews.put(tables.register_version, **version)
    crews.hydrant("DWG-1", 30_040.0, 170_030.0)
    crews.hydrant("AQD-2", 40_000.0, 170_000.0, operator="aquaduin")


def confirmed(connection: sa.Connection, **only: str) -> pd.DataFrame:
    places = proposals.places(connection, **only)
    return places[places["is_confirmed"].astype(bool)]


def listed(engine: sa.Engine, **only: str) -> list[dict[str, Any]]:
    with store.read(engine) as connection:
        return proposals.as_lines(confirmed(connection, **only))


def seen_once(engine: sa.Engine) -> int:
    with store.read(engine) as connection:
        places = proposals.places(connection)
    return len(places) - int(places["is_confirmed"].sum())


def test_a_place_that_two_visits_saw_is_proposed(engine: sa.Engine) -> None:
    with store.write(engine) as connection:
        crews = Crews(connection)
        register_of_two(crews)
        crews.saw(
            "april.xlsx",
            7,
            (6, 8),
            "2019-04-02",
            hydrant_ref="nr. 0777",
            hydrant_type="underground",
            diameter_mm=80,
        )
        crews.saw(
            "maart.xlsx", 5, (0, 0), "2019-03-01", street="Dorpsstraat", hydrant_ref="777", diameter_mm=80
        )
        crews.saw(
            "april.xlsx", 8, (60, 80), "2019-04-02", accuracy_m=60.0, hydrant_ref="777", diameter_mm=100
        )
        crews.saw("maart.xlsx", 6, (3_000, 0), "2019-03-01")
        crews.saw("maart.xlsx", 9, (3_003, 0), "2019-03-01")
    (line,) = listed(engine)
    told = line.pop("rows")
    assert line == {
        "proposal_key": MAART_5,
        "operator": "dewatergroep",
        "nis": "33021",
        "gemeente": "Poperinge",
        "street": "Dorpsstraat",
        "x_l72": 30_003.0,
        "y_l72": 170_004.0,
        "spread_m": 95.0,
        "visits": 2,
        "first_inspected_on": date(2019, 3, 1),
        "last_inspected_on": date(2019, 4, 2),
        "contractors": ["westlandia"],
        "numbers": ["777", "nr. 0777"],
        "numbers_beside": [],
        "hydrant_type": "underground",
        "diameter_mm": 80,
        "is_decided": False,
        "is_confirmed": True,
        "is_outside_gemeente": False,
        "nearest_hydrant_id": "DWG-1",
        "distance_m": 45.2,
    }
    assert [(row["file"], row["sheet"], row["row"], row["inspected_on"]) for row in told] == [
        ("westlandia/33021/maart.xlsx", "Controle", 5, date(2019, 3, 1)),
        ("westlandia/33021/april.xlsx", "Controle", 7, date(2019, 4, 2)),
        ("westlandia/33021/april.xlsx", "Controle", 8, date(2019, 4, 2)),
    ]
    assert seen_once(engine) == 1


FIRST = {"on": "2019-03-01"}
LATER = {"on": "2019-04-01"}


@pytest.mark.parametrize(
    ("one", "other", "proposed", "once"),
    [
        (FIRST, LATER, 1, 0),
        (FIRST, FIRST, 0, 1),
        (FIRST, FIRST | {"contractor": "interwest"}, 1, 0),
        (FIRST, LATER | {"outcome": "failed"}, 1, 0),
        (FIRST, LATER | {"outcome": "not_testable"}, 1, 0),
        (FIRST, LATER | {"outcome": "not_found"}, 0, 1),
        (FIRST, LATER | {"is_withdrawn": True}, 0, 1),
        (FIRST, LATER | {"disposition": "duplicate"}, 0, 1),
        (FIRST, LATER | {"verdict": "review"}, 0, 1),
        (FIRST, LATER | {"verdict": "linked"}, 0, 1),
        (FIRST, LATER | {"verdict": "unlocated"}, 0, 1),
        (FIRST, FIRST | {"match_method": "decision"}, 1, 0),
        (FIRST, FIRST | {"match_method": "decision", "at": (5_000, 0)}, 1, 1),
        (FIRST, FIRST | {"match_method": "decision", "at": None}, 1, 1),
        (FIRST | {"outcome": "not_found", "match_method": "decision"}, FIRST, 0, 1),
        (FIRST, LATER | {"at": (0, 18)}, 0, 2),
        (FIRST | {"hydrant_ref": "777"}, LATER | {"at": (0, 18), "hydrant_ref": "DWG 0777"}, 1, 0),
        (FIRST | {"hydrant_ref": "12"}, LATER | {"at": (0, 18), "hydrant_ref": "12"}, 0, 2),
        (FIRST | {"hydrant_ref": "nieuw"}, LATER | {"at": (0, 18), "hydrant_ref": "nieuw"}, 0, 2),
    ],
)
def test_what_confirms_a_place(
    engine: sa.Engine, one: dict[str, Any], other: dict[str, Any], proposed: int, once: int
) -> None:
    with store.write(engine) as connection:
        crews = Crews(connection)
        register_of_two(crews)
        for row, said in enumerate((one, other), start=2):
            firm = said.get("contractor", "westlandia")
            crews.saw(f"{firm}.xlsx", row, **{"at": (0, 0), **said})
    assert (len(listed(engine)), seen_once(engine)) == (proposed, once)


def test_a_street_of_new_hydrants_is_not_one_place(engine: sa.Engine) -> None:
    with store.write(engine) as connection:
        crews = Crews(connection)
        register_of_two(crews)
        for n in range(8):
            crews.saw("a.xlsx", n + 2, (60.0 * n, 0.0), f"2019-03-{n + 1:02}", accuracy_m=15.0)
    assert (listed(engine), seen_once(engine)) == ([], 8)


@pytest.mark.parametrize(("apart_m", "slips"), [(0, 0), (14, 0), (290, 1)])
def test_two_hydrants_of_two_numbers_are_two_proposals(engine: sa.Engine, apart_m: float, slips: int) -> None:
    visits = [
        ((x, 0.0), on, number)
        for x, number in ((0.0, "900001"), (apart_m, "900002"))
        for on in ("2019-03-01", "2019-04-01", "2019-05-01")
    ]
    visits += [((apart_m, 0.0), "2019-06-01", "900001")] * slips
    with store.write(engine) as connection:
        crews = Crews(connection)
        register_of_two(crews)
        for row, (at, on, number) in enumerate(visits, start=2):
            crews.saw("a.xlsx", row, at, on, hydrant_ref=number)
    found = listed(engine)
    assert sorted((line["x_l72"], line["visits"], *line["numbers"]) for line in found) == [
        (30_000.0, 3, "900001"),
        (30_000.0 + apart_m, 3, "900002"),
    ]
    assert {tuple(line["numbers_beside"]) for line in found} == (
        {("900001",), ("900002",)} if apart_m < 20 else {(), ("900001",)}
    )
    assert seen_once(engine) == slips


def test_a_key_is_of_what_the_row_says_whatever_file_it_is_in(engine: sa.Engine) -> None:
    keys = []
    for name in ("b.xlsx", "a.xlsx"):
        with engine.connect() as connection, connection.begin() as transaction:
            crews = Crews(connection)
            register_of_two(crews)
            crews.saw(name, 2, (0, 0), "2019-03-01", says="this")
            crews.saw("z.xlsx", 3, (1, 0), "2019-03-01", says="that", match_method="decision")
            keys += confirmed(connection)["proposal_key"].tolist()
            transaction.rollback()
    assert len(keys) == 2
    assert keys[0] == keys[1]


def test_a_proposal_of_no_water_company_has_a_sheet(
    engine: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reference, "contracts", list)
    monkeypatch.setattr(reference, "contracted", lambda contractor, nis: ())
    with store.write(engine) as connection:
        crews = Crews(connection)
        register_of_two(crews)
        crews.saw("a.xlsx", 2, None, "2019-03-01", match_method="decision", address_text="bij de kerk")
        found = confirmed(connection)
    assert found["operator"].tolist() == [None]
    proposals.write(tmp_path / "v.xlsx", found, 0, ["dewatergroep"])
    assert openpyxl.load_workbook(tmp_path / "v.xlsx").sheetnames == [
        "De Watergroep",
        "Zonder waterbedrijf",
        "Uitleg",
    ]
    (line,) = sheet_lines(tmp_path / "v.xlsx", "Zonder waterbedrijf")
    assert line["Straat of plaats"] == "bij de kerk"


def test_an_older_version_of_a_record_is_no_second_visit(engine: sa.Engine) -> None:
    with store.write(engine) as connection:
        crews = Crews(connection)
        register_of_two(crews)
        newer = crews.saw("a.xlsx", 3, (0, 0), "2019-04-01")
        crews.saw("a.xlsx", 2, (0, 0), "2019-03-01", superseded_by_row_id=newer)
    assert (listed(engine), seen_once(engine)) == ([], 1)


@pytest.mark.parametrize(
    ("nis", "contractor", "at", "operator"),
    [
        ("33021", "westlandia", (0, 0), "dewatergroep"),
        ("33021", "interwest", (0, 0), "dewatergroep"),  # no contract there: whose gemeente it is
        ("32003", "westlandia", (10_000, 0), "dewatergroep"),  # a gemeente of both: the firm's contract
        ("32003", "interwest", (0, 0), "aquaduin"),
        ("38014", "interwest", (0, 0), "aquaduin"),
    ],
)
def test_whose_hydrant_it_would_be(
    engine: sa.Engine, nis: str, contractor: str, at: tuple[float, float], operator: str
) -> None:
    with store.write(engine) as connection:
        crews = Crews(connection)
        register_of_two(crews)
        crews.saw("a.xlsx", 2, at, "2019-03-01", contractor=contractor, nis=nis)
        crews.saw("a.xlsx", 3, at, "2019-04-01", contractor=contractor, nis=nis)
    assert [(line["operator"], line["nis"]) for line in listed(engine)] == [(operator, nis)]


@pytest.mark.parametrize(("at", "operator"), [((0, 0), "dewatergroep"), ((9_990, 0), "aquaduin")])
def test_what_both_firms_saw_is_of_the_nearest_hydrants_owner(
    engine: sa.Engine, at: tuple[float, float], operator: str
) -> None:
    with store.write(engine) as connection:
        crews = Crews(connection)
        register_of_two(crews)
        for contractor in ("interwest", "westlandia"):
            crews.saw(f"{contractor}.xlsx", 2, at, "2019-03-01", contractor=contractor, nis="32003")
    assert [line["operator"] for line in listed(engine)] == [operator]


def test_only_of_one_company_or_gemeente(engine: sa.Engine) -> None:
    with store.write(engine) as connection:
        crews = Crews(connection)
        register_of_two(crews)
        for nis, contractor, x in (
            ("33021", "westlandia", 0),
            ("33011", "westlandia", 500),
            ("38014", "interwest", 900),
        ):
            for row, on in ((2, "2019-03-01"), (3, "2019-04-01")):
                crews.saw(f"{nis}.xlsx", row, (x, 0), on, contractor=contractor, nis=nis)

    def found(**only: str) -> list[str]:
        return [line["gemeente"] for line in listed(engine, **only)]

    assert found() == ["Ieper", "Poperinge", "Koksijde"]
    assert found(operator="aquaduin") == ["Koksijde"]
    assert found(operator="dewatergroep", nis="33021") == ["Poperinge"]
    assert found(operator="aquaduin", nis="33021") == []


def test_the_order_of_arrival_changes_nothing(engine: sa.Engine) -> None:
    rng = np.random.default_rng(20190301)
    rows = [
        (f"{name}.xlsx", row, tuple(rng.uniform(0, 120, 2)), f"2019-0{rng.integers(3, 6)}-01")
        for name in "abcd"
        for row in range(2, 12)
    ]
    found = []
    for order in (rows, rows[::-1], [rows[at] for at in rng.permutation(len(rows))]):
        with engine.connect() as connection, connection.begin() as transaction:
            crews = Crews(connection)
            register_of_two(crews)
            for name, row, at, on in order:
                crews.saw(name, row, at, on)
            found.append(proposals.as_lines(proposals.places(connection)))
            transaction.rollback()
    assert len(found[0]) > 3
    assert any(line["is_confirmed"] for line in found[0])
    assert found[0] == found[1] == found[2]


def test_nothing_seen_and_no_register(engine: sa.Engine) -> None:
    with store.read(engine) as connection, pytest.raises(ReferenceMissing, match="no hydrant register"):
        proposals.places(connection)
    with store.write(engine) as connection:
        register_of_two(Crews(connection))
    assert (listed(engine), seen_once(engine)) == ([], 0)


# -- the workbook and the command --------------------------------------------------------------


@pytest.fixture
def world(engine: sa.Engine) -> sa.Engine:
    """Two proposals in Poperinge, of which one without a place, and two places seen once."""
    with store.write(engine) as connection:
        crews = Crews(connection)
        register_of_two(crews)
        crews.saw(
            "maart.xlsx", 5, (0, 0), "2019-03-01", street='=HYPERLINK("http://x.invalid")', hydrant_ref="@777"
        )
        crews.saw(
            "april.xlsx",
            7,
            (6, 8),
            "2019-04-02",
            hydrant_type="underground",
            is_outside=True,
        )
        crews.saw("april.xlsx", 6, (12, 0), "2019-04-02", hydrant_ref="888")
        crews.saw(*("april.xlsx", 8, None, "2019-04-02"), match_method="decision", address_text="bij de kerk")
        crews.saw("april.xlsx", 9, (900, 900), "2019-04-02")
    return engine


def sheet_lines(path: Path, sheet: str) -> list[dict[str, Any]]:
    rows = openpyxl.load_workbook(path)[sheet].iter_rows(values_only=True)
    header = next(rows)
    return [dict(zip(header, row, strict=True)) for row in rows]


def test_the_workbook_of_the_water_company(world: sa.Engine, tmp_path: Path) -> None:
    path = tmp_path / "uit" / "voorstellen.xlsx"
    with store.read(world) as connection:
        proposals.write(path, confirmed(connection), 1, ["dewatergroep", "aquaduin"])
    assert list(path.parent.iterdir()) == [path]  # nothing half-written is left
    workbook = openpyxl.load_workbook(path)
    assert workbook.sheetnames == ["De Watergroep", "Aquaduin", "Uitleg"]
    assert sheet_lines(path, "Aquaduin") == []
    formula, church = sheet_lines(path, "De Watergroep")
    assert formula == {
        "Voorstel": MAART_5,
        "Gemeente": "Poperinge",
        "NIS-code": "33021",
        "Straat of plaats": '=HYPERLINK("http://x.invalid")',
        "X (Lambert 72, m)": 30_003,
        "Y (Lambert 72, m)": 170_004,
        "Spreiding (m)": 5,
        "Bezoeken": 2,
        "Eerste controle": datetime(2019, 3, 1),  # noqa: DTZ001 - Excel knows no time zones
        "Laatste controle": datetime(2019, 4, 2),  # noqa: DTZ001
        "Gezien door": "westlandia",
        "Genoteerde nummers": "@777",
        "Type": "ondergronds",
        "Diameter (mm)": None,
        "Dichtstbijzijnde brandkraan in het register": "DWG-1",
        "Afstand daartoe (m)": 45.2,
        "Bevestigd door": "meer bezoeken",
        "Let op": "ligt buiten de opgegeven gemeente; binnen 20 m werd ook genoteerd: 888",
        "Bronnen": "westlandia/33021/maart.xlsx, blad Controle, rij 5 (01/03/2019)\n"
        "westlandia/33021/april.xlsx, blad Controle, rij 7 (02/04/2019)",
        "Antwoord": None,
        "Nummer in het register": None,
        "Toelichting": None,
    }
    assert (church["Straat of plaats"], church["X (Lambert 72, m)"], church["Let op"]) == (
        *("bij de kerk", None),
        "geen plaats bekend",
    )
    assert (church["Bevestigd door"], church["Afstand daartoe (m)"]) == ("een beslissing", None)
    sheet = workbook["De Watergroep"]
    assert {cell.data_type for cell in sheet["D"]} == {"s"}  # text, not a formula
    choices = {str(v.sqref): v.formula1 for v in sheet.data_validations.dataValidation}
    assert choices == {"T2:T3": '"wordt opgenomen,staat er al in,geen brandkraan,niet van ons"'}
    told = [row[0] for row in workbook["Uitleg"].iter_rows(values_only=True)]
    assert told[-1] == "Daarnaast zag één bezoek nog 1 plaatsen; die wachten op een tweede bezoek."


def test_a_proposal_beside_a_registered_hydrant_says_so(engine: sa.Engine, tmp_path: Path) -> None:
    with store.write(engine) as connection:
        crews = Crews(connection)
        register_of_two(crews)
        crews.saw("a.xlsx", 2, (40, 39.9), "2019-03-01", match_method="decision")
        crews.saw("a.xlsx", 3, (40, 130), "2019-03-01", match_method="decision")
        proposals.write(tmp_path / "v.xlsx", confirmed(connection), 0, ["dewatergroep"])
    told = {
        line["Afstand daartoe (m)"]: line["Let op"]
        for line in sheet_lines(tmp_path / "v.xlsx", "De Watergroep")
    }
    assert told == {9.9: "minder dan 10 m van een brandkraan in het register", 100: None}


def test_equal_proposals_make_an_equal_file(world: sa.Engine, tmp_path: Path) -> None:
    paths = [tmp_path / "een.xlsx", tmp_path / "twee.xlsx"]
    for path in paths:
        with store.read(world) as connection:
            proposals.write(path, confirmed(connection), 1, ["dewatergroep"])
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_the_command_writes_the_list_and_counts_what_waits(world: sa.Engine, tmp_path: Path) -> None:
    told = called(world, tmp_path, "review", "proposals", "v.xlsx")
    assert (told.returncode, told.stdout.splitlines()) == (
        0,
        ["2 voorstellen in v.xlsx", "nog 2 plaatsen die één bezoek zag"],
    )
    assert openpyxl.load_workbook(tmp_path / "v.xlsx").sheetnames == ["De Watergroep", "Aquaduin", "Uitleg"]
    answered = json.loads(
        called(
            world, tmp_path, "review", "proposals", "v.xlsx", "--operator", "dewatergroep", "--json"
        ).stdout
    )
    assert answered["seen_once"] == 2
    assert [(line["visits"], line["x_l72"], line["distance_m"]) for line in answered["proposals"]] == [
        (2, 30_003.0, 45.2),
        (1, None, None),
    ]
    assert answered["proposals"][0]["rows"][0]["inspected_on"] == "2019-03-01"
    assert openpyxl.load_workbook(tmp_path / "v.xlsx").sheetnames == ["De Watergroep", "Uitleg"]
    assert json.loads(
        called(world, tmp_path, "review", "proposals", "v.xlsx", "--nis", "33011", "--json").stdout
    ) == {
        "proposals": [],
        "seen_once": 0,
    }
    refused = called(world, tmp_path, "review", "proposals", "v.xlsx", "--operator", "niemand")
    assert refused.returncode == 1
    assert "niemand is not known; known are dewatergroep, aquaduin" in refused.stderr


def test_from_upload_to_proposal_until_the_register_has_it(engine: sa.Engine, here: Settings) -> None:
    somewhere = (33_500.0, 173_500.0)
    send(here, "a.csv", as_csv([seen(1, "", somewhere), seen(2, "1111111", FOUR["1111111"])]))
    night.whole_night(engine, here)
    assert (listed(engine), seen_once(engine)) == ([], 1)
    send(here, "b.csv", as_csv([seen(3, "", (33_504.0, 173_503.0), Datum="02/05/2019")]))
    for _ in range(2):
        night.whole_night(engine, here)
        (line,) = listed(engine)
        assert (line["x_l72"], line["y_l72"], line["visits"]) == (33_502.0, 173_501.5, 2)
        assert seen_once(engine) == 0
    lines = ["G3E_FID;NOMINALE_D;SOORT;X;Y;STR_NAMEN;LEIDING_D;CREATE_DAT"]
    places = FOUR | {"9999991": (33_502.0, 173_502.0)}
    lines += [f"{number};80;Ondergronds;{x};{y};;100;01/01/2000" for number, (x, y) in places.items()]
    newer = here.registers.parent / "nieuwer.csv"
    newer.write_text("\n".join(lines) + "\n", encoding="utf-8")
    register.load(engine, here, "dewatergroep", newer, exported_on=date(2019, 6, 1), scope=list(SQUARES))
    night.whole_night(engine, here)
    assert (listed(engine), seen_once(engine)) == ([], 0)
