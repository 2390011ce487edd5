"""A small world, published twice on each store, and a portal over it with accounts of every kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import NamedTuple

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher

from hydrants import publishing, receipts, reference, store
from hydrants.portal import accounts, app, passwords, reading, tables
from hydrants.portal.house import House
from hydrants.portal.scope import Role
from hydrants.receipts import places
from hydrants.settings import Settings
from tests import conftest as shared
from tests.judged_world import World, square_gemeenten
from tests.portal.browser import HOST, Browser, running

POPERINGE, IEPER, DIKSMUIDE, KOKSIJDE = "33021", "33011", "32003", "38014"
MAY, JUNE = date(2019, 5, 1), date(2019, 6, 1)
SECRET_STREET = "Geheimestraat"
"""In Ieper only."""
FORMULA = '=HYPERLINK("http://example.invalid","klik")'
SCRIPT = "<img src=x onerror=\"document.title='geraakt'\">"
SQL = "'; DROP TABLE snapshot_hydrant; --"
PHOTO = "ab" * 32
PASSWORD = "vier gele emmers water"

ACCOUNTS = {
    "ieper": (Role.gemeente, IEPER),
    "poperinge": (Role.gemeente, POPERINGE),
    "brandweer": (Role.zone, "westhoek"),
    "westlandia": (Role.contractor, "westlandia"),
    "interwest": (Role.contractor, "interwest"),
    "planner": (Role.planner, ""),
    "beheer": (Role.admin, ""),
}


class Published(NamedTuple):
    """A store with two snapshots, and its site: the second one has one row more."""

    settings: Settings
    engine: sa.Engine


def _place(nis: str, east_m: float) -> dict[str, float]:
    return {"x": 30_000.0 + 1_000 * sorted(reference.gemeenten()).index(nis) + east_m, "y": 170_500.0}


def _fill(connection: sa.Connection) -> None:
    world = World(connection)
    world.register()
    world.upload(1, "a", file_name=f"{SCRIPT}.xlsx", sheet=FORMULA)
    for nis in reference.gemeenten():
        operator, firm = ("aquaduin", "AQD") if nis.startswith("38") else ("dewatergroep", "DWG")
        for number in (1, 2):
            world.hydrant(f"{firm}-{nis}-{number}", nis, operator, **_place(nis, 100.0 * number))
        world.row(f"{firm}-{nis}-1", "failed" if nis in (IEPER, POPERINGE) else "ok", MAY, defects=["leak"])
    world.hydrant("DWG-7", IEPER, **_place(IEPER, 700), street_names=SECRET_STREET)
    for number, text in enumerate((FORMULA, SCRIPT, SQL)):
        hydrant_id = world.hydrant(
            f"DWG-X{number}", POPERINGE, **_place(POPERINGE, 300.0 + number), street_names=text
        )
        world.row(hydrant_id, "failed", JUNE, defects=[text], photos=[f"{text}.jpg"])
    world.photo(1, f"{SCRIPT}.jpg", PHOTO)


@pytest.fixture(scope="session", params=["sqlite", pytest.param("postgis", marks=pytest.mark.postgis)])
def published(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Published]:
    """Published on each store; no test writes into it."""
    folder = tmp_path_factory.mktemp(f"published-{request.param}")
    url = f"sqlite:///{folder}/hydrants.sqlite"
    if request.param == "postgis":
        url = shared._new_postgis_database(request.getfixturevalue("postgis_url"))
    settings = Settings(
        _env_file=None,
        database_url=url,
        **{name: folder / name for name in ("uploads", "registers", "landing", "photos", "site")},
        boundaries=folder / "boundaries.geojson",
        addresses=folder / "addresses.csv",
        portal_url=f"https://{HOST}",
    )
    square_gemeenten(settings.boundaries, sorted(reference.gemeenten()), "verzonnen")
    picture = settings.photos / PHOTO[:2] / PHOTO
    picture.parent.mkdir(parents=True)
    picture.write_bytes(b"\xff\xd8\xff\xe0 a picture")
    engine = store.create_engine(url)
    store.migrate(engine)
    with store.write(engine) as connection:
        reference.sync(connection)
        _fill(connection)
    assert publishing.run(engine, settings, date(2019, 12, 30))["snapshot_id"] == 1
    with store.write(engine) as connection:
        late = World(connection)
        late.upload(2, "b", file_name="laat.csv")
        late.row("DWG-7", "ok", JUNE, upload_id=2)
    assert publishing.run(engine, settings, date(2019, 12, 31))["snapshot_id"] == 2
    receipts.run(engine, settings, "westlandia", POPERINGE)
    answer = places.receipt_path("westlandia", POPERINGE, f"{SCRIPT}.xlsx", "c" * 64)
    for suffix in places.SUFFIXES:
        file = places.receipt_file(settings.site, answer, suffix)
        places.make_folder(settings.site, file.parent)
        file.write_text("an answer", encoding="utf-8")
    if request.param == "postgis":
        reading.make_reader_role(engine)
    yield Published(settings, engine)
    engine.dispose()


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """argon2 as it is, but with little memory and time."""
    hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", hasher)
    monkeypatch.setattr(passwords, "_NOBODYS", hasher.hash("nobody has this password"))


@pytest.fixture
def people(tmp_path: Path) -> Iterator[sa.Engine]:
    """The accounts, each with the same password."""
    with tables.opened(f"sqlite:///{tmp_path}/accounts.sqlite") as engine:
        fill_accounts(engine)
        yield engine


def fill_accounts(engine: sa.Engine) -> None:
    known = passwords.hashed(PASSWORD)
    with store.write(engine) as connection:
        for name, (role, subject) in ACCOUNTS.items():
            account = accounts.add(connection, name, role, subject)
            accounts.set_password(connection, account.account_id, known)


@pytest.fixture
def house(published: Published, people: sa.Engine) -> Iterator[House]:
    house = House(published.settings, people)
    yield house
    house.close()


@pytest.fixture
def port(house: House) -> Iterator[int]:
    with running(app.create(house)) as port:
        yield port


Enter = Callable[..., Browser]


@pytest.fixture
def browser(port: int) -> Browser:
    """Nobody's yet."""
    return Browser(port)


@pytest.fixture
def enter(port: int, house: House) -> Enter:
    """A browser with the session of an account."""

    def entered(name: str, **options: str) -> Browser:
        browser = Browser(port, **options)
        with store.write(house.engine) as connection:
            token = house.sessions.start(connection, accounts.named(connection, name))
        prefix = "__Host-" if browser.scheme == "https" else ""
        browser.cookies[f"{prefix}hydrants_session"] = token
        return browser

    return entered
