"""The pages as written: the nearest that works, the burn-down drawn, the overview of some gemeenten."""

from __future__ import annotations

import gzip
import json
import random
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from hydrants import publishing, reference, store
from hydrants.publishing import labels, pages
from hydrants.publishing.content import Content, Places, Told
from hydrants.publishing.frame import Tiles
from hydrants.publishing.pages import burndown, zone
from hydrants.publishing.schedule import Schedule
from hydrants.reference.profile import defects
from hydrants.settings import Settings
from tests.judged_world import World, square_gemeenten

POPERINGE, IEPER, MESEN = "33021", "33011", "33016"
ONE_STORE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""Written from rows that both stores hold alike."""

Place = tuple[str, str, float, float]


def hydrants(*places: Place) -> pd.DataFrame:
    """hydrant_id, status, x and y, as `content.hydrants` gives them, as far as distances need."""
    frame = pd.DataFrame(places, columns=["hydrant_id", "status", "x_l72", "y_l72"], dtype=object)
    return frame.assign(street_names=None)


def nearest(given: dict[str, pd.DataFrame]) -> dict[str, zone.Alternative | None]:
    """For each failing hydrant of some gemeenten the nearest that works, as `zone.nearest` tells it."""
    rows = [(nis, row) for nis in sorted(given) for row in given[nis].to_dict("records")]
    working = [(nis, row) for nis, row in rows if row["status"] == "ok"]
    failing = [row for _nis, row in rows if row["status"] == "failed"]
    places = Places(
        [(nis, row["hydrant_id"], row["street_names"]) for nis, row in working],
        np.array([(row["x_l72"], row["y_l72"]) for _nis, row in working], dtype="float64").reshape(-1, 2),
    )
    starts = np.array([(row["x_l72"], row["y_l72"]) for row in failing], dtype="float64").reshape(-1, 2)
    return dict(zip((row["hydrant_id"] for row in failing), zone.nearest(starts, places), strict=True))


# -- the nearest that works -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("east_m", "north_m", "said"),
    [
        (0, 100, (100, "N")),
        (30, 40, (50, "NO")),
        (100, 0, (100, "O")),
        (50, -50, (71, "ZO")),
        (0, -7, (7, "Z")),
        (-50, -50, (71, "ZW")),
        (-100, 1, (100, "W")),
        (-50, 50, (71, "NW")),
        (41, 100, (108, "N")),  # 22.3 degrees: still more north than north-east
        (42, 100, (108, "NO")),  # 22.8
        (-41, 100, (108, "N")),
        (0, 0, (0, "N")),
    ],
)
def test_distance_and_direction(east_m: float, north_m: float, said: tuple[int, str]) -> None:
    places = hydrants(("A", "failed", 40_000, 180_000), ("B", "ok", 40_000 + east_m, 180_000 + north_m))
    found = nearest({POPERINGE: places})
    assert found == {"A": zone.Alternative("B", POPERINGE, "", *said)}


def test_the_nearest_may_lie_in_another_gemeente_and_must_work() -> None:
    here = hydrants(
        ("A", "failed", 0, 0), ("B", "remaining", 1, 0), ("C", "failed", 2, 0), ("D", "ok", 90, 0)
    )
    there = hydrants(("E", "ok", 0, 60))
    found = nearest({POPERINGE: here, IEPER: there})
    assert {key: one and (one.hydrant_id, one.nis, one.distance_m) for key, one in found.items()} == {
        "A": ("E", IEPER, 60),
        "C": ("E", IEPER, 60),
    }


def test_nothing_works() -> None:
    assert nearest({POPERINGE: hydrants(("A", "failed", 0, 0), ("B", "remaining", 1, 0))}) == {"A": None}
    assert nearest({POPERINGE: hydrants(("A", "ok", 0, 0))}) == {}
    assert nearest({}) == {}


def test_as_one_by_one() -> None:
    """On a coarse grid, where many are as near: the first by gemeente and number."""
    seed = random.randrange(10**6)
    rng = random.Random(seed)
    count = 0
    for _ in range(30):
        given = {
            nis: hydrants(
                *(
                    (
                        f"{nis}-{n:02}",
                        rng.choice(["ok", "failed"]),
                        10.0 * rng.randrange(8),
                        10.0 * rng.randrange(8),
                    )
                    for n in range(20)
                )
            )
            for nis in (IEPER, POPERINGE)
        }
        every = [(nis, row) for nis in (IEPER, POPERINGE) for row in given[nis].to_dict("records")]
        working = [(nis, row) for nis, row in every if row["status"] == "ok"]
        found = nearest(given)
        for _nis, row in every:
            if row["status"] != "failed" or not working:
                continue
            best = min(
                working,
                key=lambda one: (
                    (one[1]["x_l72"] - row["x_l72"]) ** 2 + (one[1]["y_l72"] - row["y_l72"]) ** 2,
                    one[0],
                    one[1]["hydrant_id"],
                ),
            )
            told = found[row["hydrant_id"]]
            assert told is not None
            assert (told.nis, told.hydrant_id) == (best[0], best[1]["hydrant_id"]), f"seed {seed}"
            count += 1
    assert count > 100


# -- the burn-down --------------------------------------------------------------------------------


def schedule(**other: Any) -> Schedule:
    """1 000 hydrants in ten weeks, after five."""
    given = {
        "start": date(2019, 3, 4),
        "end": date(2019, 5, 12),
        "as_of": date(2019, 4, 7),
        "registered": 1_000,
        "by_week": (100, 200, 300, 300, 450),
        "recent": 350,
    }
    return Schedule(**{**given, **other})


def test_the_drawing() -> None:
    """The plan falls from corner to corner; half-way in time and 550 left lie where they should."""
    chart = burndown.chart(schedule())
    assert chart.plan == f"52,14 {chart.right},{chart.bottom}"
    assert [label.text for label in chart.numbers] == ["0", "200", "400", "600", "800", "1.000"]
    assert [label.text for label in chart.days] == ["apr 2019", "mei"]
    assert chart.actual.startswith("52,14 93.4,")
    assert chart.now == pytest.approx((52 + (chart.right - 52) / 2, 14 + (chart.bottom - 14) * 0.45))
    assert chart.area.split()[0] == f"52,{chart.bottom}"


@pytest.mark.parametrize(
    ("most", "ticks"),
    [
        (0, [0, 1]),
        (1, [0, 1]),
        (3, [0, 1, 2, 3]),
        (11, [0, 5, 10, 15]),
        (60, [0, 20, 40, 60]),
        (107, [0, 25, 50, 75, 100, 125]),
        (15_916, [0, 5_000, 10_000, 15_000, 20_000]),
    ],
)
def test_round_numbers_beside_it(most: int, ticks: list[int]) -> None:
    chart = burndown.chart(schedule(registered=most, by_week=(0, 0, 0, 0, 0), recent=0))
    assert [int(label.text.replace(".", "")) for label in chart.numbers] == ticks


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        ((2019, 1, 1), (2019, 12, 31), ["jan 2019", "mrt", "mei", "jul", "sep", "nov"]),
        ((2019, 11, 1), (2020, 3, 31), ["nov 2019", "dec", "jan 2020", "feb", "mrt"]),
        ((2019, 3, 4), (2019, 3, 20), ["04/03/2019", "20/03/2019"]),
        ((2019, 3, 4), (2019, 3, 4), ["04/03/2019"]),
        ((2018, 5, 1), (2026, 4, 30), ["jan 2020", "jan 2022", "jan 2024", "jan 2026"]),
    ],
)
def test_days_below_it(start: tuple[int, ...], end: tuple[int, ...], said: list[str]) -> None:
    first, last = date(*start), date(*end)
    chart = burndown.chart(schedule(start=first, end=last, as_of=first, by_week=(0,), recent=0))
    assert [label.text for label in chart.days] == said


def test_the_drawing_in_words() -> None:
    rows = burndown.rows(schedule())
    assert [(row.day.isoformat(), row.remaining, row.planned) for row in rows] == [
        ("2019-03-03", 1000, 1000),
        ("2019-03-10", 900, 900),
        ("2019-03-17", 800, 800),
        ("2019-03-24", 700, 700),
        ("2019-03-31", 700, 600),
        ("2019-04-07", 550, 500),
    ]


# -- how heavy ------------------------------------------------------------------------------------


def test_the_page_of_a_large_gemeente_is_light(tmp_path: Path) -> None:
    """4 000 hydrants, a quarter more than any gemeente has: map, list and all, as sent compressed."""
    rng = random.Random(2019)
    count = 4_000
    streets = [f"{rng.choice('ABCDEFGHKLMNOPRSTVW')}{rng.randrange(10**6)}straat" for _ in range(900)]
    codes = sorted(defects())
    outcomes = [rng.choice(["ok", "ok", "failed", None]) for _ in range(count)]
    found = [rng.sample(codes, rng.randrange(1, 3)) if outcome == "failed" else [] for outcome in outcomes]
    days = [date(2019, 1, 1) + timedelta(rng.randrange(340)) if outcome else None for outcome in outcomes]
    hydrants = pd.DataFrame(
        {
            "hydrant_id": [
                f"DWG-{number}" for number in sorted(rng.sample(range(2_000_000, 3_000_000), count))
            ],
            "lat": [50.8 + rng.random() / 10 for _ in range(count)],
            "lon": [2.7 + rng.random() / 10 for _ in range(count)],
            "status": ["remaining" if outcome is None else outcome for outcome in outcomes],
            "inspected_on": days,
            "tried_on": None,
            "diameter_mm": [rng.choice([80, 100]) for _ in range(count)],
            "finding_nl": [labels.finding(*pair) for pair in zip(outcomes, found, strict=True)],
            "remark_nl": "",
            "street_names": [rng.choice(streets) for _ in range(count)],
            "type_nl": [rng.choice(["ondergronds", "bovengronds"]) for _ in range(count)],
            "operator_nl": "De Watergroep",
            "defects": found,
        },
        dtype=object,
    )
    figures = dict.fromkeys(("registered", "checked", "ok", "failed", "remaining"), count)
    names = {"nis": IEPER, "gemeente": "Ieper", "operator": "dewatergroep", "contractor": "westlandia"}
    first, last = date(2019, 1, 1), date(2019, 12, 31)
    content = Content(
        1,
        last,
        first,
        last,
        {IEPER: Told("", last)},
        [{**names, **figures, "last_checked_on": last}],
        "",
        Tiles("", ""),
        {
            ("dewatergroep", IEPER): schedule(
                by_week=tuple(range(0, 1_060, 20)), start=first, end=last, as_of=last
            )
        },
    )
    pages.copy_assets(tmp_path)
    own = tmp_path / IEPER
    own.mkdir()
    pages.gemeente.write_data(own, content, IEPER, hydrants, None)
    pages.gemeente.write(own, content, IEPER, pages.gemeente.Repairs.of(hydrants))
    html = (own / "index.html").read_text(encoding="utf-8")
    sent = {own / "index.html"} | {
        own / target
        for target in re.findall(r'(?:src|href)="([^"#]+\.(?:js|css|svg))"', html)
        if "state.js" not in target
    }
    assert len(sent) == 9
    weight = {path.name: len(gzip.compress(path.read_bytes(), 6)) for path in sent}
    assert 40_000 < weight["hydrants.js"] < 90_000
    assert sum(weight.values()) < 160_000, weight


# -- the files ------------------------------------------------------------------------------------


@pytest.fixture
def site(engine: sa.Engine, settings: Settings) -> Path:
    """Two gemeenten with something in them, as published."""
    codes = sorted(reference.gemeenten())
    square_gemeenten(settings.boundaries, codes)
    west = {nis: 30_000.0 + 1_000 * codes.index(nis) for nis in codes}
    day = date(2019, 5, 1)
    with store.write(engine) as connection:
        world = World(connection)
        world.register()
        world.upload(1, "a")
        for number, outcome in enumerate(("ok", "failed", "not_found", None)):
            world.hydrant(
                f"P-{number}", POPERINGE, x=west[POPERINGE] + 100 * number, street_names="Ooststraat"
            )
            if outcome:
                world.row(f"P-{number}", outcome, day, defects=["leak"] if outcome == "failed" else [])
        world.row("P-2", "repaired", date(2019, 6, 1))
        world.hydrant("I-0", IEPER, x=west[IEPER] + 5)
        world.row("I-0", "failed", day)
        world.row("I-0", "ok", day)
    publishing.run(engine, settings, date(2019, 12, 31))
    return settings.site / "current"


def plain(html: str) -> str:
    """The text of a piece of a page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).strip()


@ONE_STORE
def test_what_does_not_work(site: Path) -> None:
    html = (site / "zones" / "westhoek" / "index.html").read_text(encoding="utf-8")
    rows = [plain(row) for row in re.findall(r"<tr><th scope=\"row\">.*?</tr>", html)]
    assert rows == [
        "I-0 niet in orde tegenstrijdig: zelfde dag ook in orde 01/05/2019 1.995 m O P-0 "
        "Ooststraat (Poperinge)",
        "P-1 Ooststraat lek 01/05/2019 100 m W P-0",
        "P-2 Ooststraat niet gevonden hersteld, te hercontroleren 01/05/2019 200 m W P-0",
    ]
    assert 'href="../../33021/hydrant.html#id=P-1"' in html
    figures = dict(re.findall(r'id="headline-([\w-]+)"><data value="(\d+)"', html))
    assert figures == {"failed": "3", "not-found": "1", "repaired": "1", "remaining": "1"}


@ONE_STORE
def test_the_overview_of_one_gemeente_says_nothing_of_another(site: Path) -> None:
    whole = (site / "overview.json").read_bytes()
    assert pages.overview_html(whole) == (site / "index.html").read_text(encoding="utf-8")
    own = pages.overview_html(whole, [POPERINGE])
    names = {line["gemeente"] for line in json.loads(whole)["lines"]}
    assert len(names) == 18
    assert {name for name in names if name in own} == {"Poperinge"}
    assert not [nis for nis in reference.gemeenten() if nis != POPERINGE and nis in own]
    figures = dict(re.findall(r'id="headline-([\w-]+)"><data value="(\d+)"', own))
    assert figures == {"registered": "4", "checked": "3", "failed": "2", "remaining": "1"}
    assert "progress.json" not in own
    assert "zones/westhoek" not in own
    assert "zones/westhoek" in pages.overview_html(whole, reference.gemeenten())
    nothing = pages.overview_html(whole, [])
    assert not [name for name in names if name in nothing]


@ONE_STORE
def test_every_page_stands_alone_and_obeys_the_strictest_policy(site: Path) -> None:
    """Nothing from elsewhere, no script or style in the page itself, and what it names is there."""
    found = sorted(site.rglob("*.html"))
    assert len(found) == 1 + 2 * 18 + 1
    for page in found:
        html = page.read_text(encoding="utf-8")
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", html), page
        assert re.findall(r"<script(?! src=)[^>]*>", html) in (
            [],
            ['<script type="application/json" id="data">'],
        )
        for target in re.findall(r'(?:src|href)="([^"#]+)', html):
            assert not re.match(r"\w+:|//", target), f"{page}: {target}"
            if target != "../../state.js" and not target.endswith("state.js"):
                assert (page.parent / target).is_file(), f"{page}: {target}"
