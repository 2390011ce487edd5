"""Accounts on both stores, what each kind of them may see, and the commands that make them."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa

from hydrants import reference, store
from hydrants.errors import NotFound, UnusableSetting
from hydrants.portal import accounts, limits, passwords, scope, tables
from hydrants.portal.accounts import Kind
from hydrants.portal.house import House
from hydrants.portal.scope import Role
from hydrants.settings import Settings
from tests.portal.conftest import PASSWORD, fill_accounts


@pytest.fixture
def kept(database_url: str, tmp_path: Path) -> Iterator[sa.Engine]:
    """The accounts in a database of each kind."""
    url = database_url.replace("hydrants.sqlite", "people.sqlite")
    with tables.opened(url) as engine:
        fill_accounts(engine)
        yield engine


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.5", "203.0.113.5"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.5", "203.0.113.5"),
        ("testclient", "testclient"),
        ("x" * 500, "x" * 64),
    ],
)
def test_what_counts_as_one_address(address: str, counted: str) -> None:
    assert limits.counted(address) == counted


def test_an_account_from_its_link_to_its_end(kept: sa.Engine, settings: Settings) -> None:
    with store.write(kept) as connection:
        made = accounts.add(connection, "Mesen", Role.gemeente, "33016", "Iemand@Example.org ")
        token = accounts.link(connection, made, Kind.password)
    assert (made.name, made.email, made.password_hash) == ("mesen", "iemand@example.org", None)
    assert made.scope().gemeenten == {"33016"}
    with store.write(kept) as connection:
        assert accounts.behind(connection, token) == (made, Kind.password)
        assert [accounts.use(connection, token), accounts.use(connection, token)] == [True, False]
        assert accounts.behind(connection, token) is None
        accounts.set_password(connection, made.account_id, passwords.hashed(PASSWORD))
        house = House(settings, kept)
        house.sessions.start(connection, made)
        limits.wait_s(connection, "mesen", "203.0.113.5")
        limits.succeeded(connection, made.account_id, "mesen", "203.0.113.5")
        accounts.link(connection, made, Kind.login)
    with store.write(kept) as connection:
        accounts.remove(connection, "MESEN")
        with pytest.raises(NotFound, match="no account 'mesen'"):
            accounts.named(connection, "mesen")
        for table in (tables.session, tables.ticket, tables.known_address):
            assert connection.execute(sa.select(table)).all() == []


@pytest.mark.parametrize(
    ("name", "role", "subject", "email", "why"),
    [
        ("ieper", Role.gemeente, "33011", None, "there is an account 'ieper' already"),
        ("<b>", Role.gemeente, "33011", None, "is no name of letters"),
        ("", Role.gemeente, "33011", None, "is no name of letters"),
        ("a" * 65, Role.gemeente, "33011", None, "is no name of letters"),
        ("naam", Role.gemeente, "44021", None, "there is no gemeente '44021'"),
        ("naam", Role.gemeente, "", None, "there is no gemeente ''"),
        ("naam", Role.zone, "elders", None, "there is no zone 'elders'"),
        ("naam", Role.contractor, "westhoek", None, "there is no contractor 'westhoek'"),
        ("naam", Role.planner, "33011", None, "a planner sees everything"),
        ("naam", Role.admin, "", "geen adres", "is no mail address"),
        ("naam", Role.admin, "", "a@example.org", "belongs to another account already"),
    ],
)
def test_what_can_be_no_account(
    kept: sa.Engine, name: str, role: Role, subject: str, email: str | None, why: str
) -> None:
    with store.write(kept) as connection:
        accounts.add(connection, "eerste", Role.planner, "", "A@example.org")
    with store.write(kept) as connection, pytest.raises(UnusableSetting, match=re.escape(why)):
        accounts.add(connection, name, role, subject, email)


def test_who_is_vouched_for_finds_his_account(kept: sa.Engine) -> None:
    with store.write(kept) as connection:
        accounts.add(connection, "mesen", Role.gemeente, "33016", "iemand@example.org")

    def found(subject: str, email: str | None) -> str | None:
        with store.write(kept) as connection:
            account = accounts.by_identity(connection, f"https://id.example.org {subject}", email)
        return account and account.name

    assert found("7", None) is None
    assert found("7", "ander@example.org") is None
    assert found("7", "Iemand@example.org") == "mesen"
    assert found("7", None) == "mesen"  # from now on by the subject
    assert found("8", "iemand@example.org") is None  # the address was given to somebody else
    with store.write(kept) as connection:
        accounts.enable(connection, "mesen", is_enabled=False)
    assert found("7", "iemand@example.org") is None


def test_tries_at_once_are_all_counted(kept: sa.Engine) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def tried(_number: int) -> int:
        with store.write(kept, turn=limits.TURN) as connection:
            return limits.wait_s(connection, "ieper", "203.0.113.5")

    with ThreadPoolExecutor(8) as threads:
        waits = list(threads.map(tried, range(30)))
    assert sum(wait == 0 for wait in waits) == limits.OF_NAME_FROM_ADDRESS
    assert max(waits) <= limits.PERIOD_S


# -- what may be seen --------------------------------------------------------------------------


def test_contracts_and_zones_change_with_the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    begins, ends = date(2019, 1, 1), date(2019, 6, 30)
    row = reference.Contract("dewatergroep", "33011", "westlandia", begins, ends)
    monkeypatch.setattr(reference, "contracts", lambda: (row,))
    seen = {
        day: scope.of(Role.contractor, "westlandia", day).gemeenten
        for day in (date(2018, 12, 31), begins, ends, date(2019, 7, 1))
    }
    assert list(seen.values()) == [frozenset(), {"33011"}, {"33011"}, frozenset()]
    assert scope.of(Role.contractor, "westlandia", date(2019, 7, 1)).firms == {"westlandia"}
    zone = reference.Zone("noord", "Noord", frozenset({"32003"}))
    monkeypatch.setattr(reference, "zones", lambda day: {"noord": zone} if day >= ends else {})
    assert scope.of(Role.zone, "noord", ends).gemeenten == {"32003"}
    with pytest.raises(UnusableSetting, match="there is no zone 'noord'"):
        scope.of(Role.zone, "noord", begins)


def test_an_account_of_what_is_no_more_sees_nothing(kept: sa.Engine) -> None:
    with store.read(kept) as connection:
        account = accounts.named(connection, "brandweer")
    assert len(account.scope().gemeenten) == 18
    assert account._replace(subject="opgeheven").scope() == scope.NOTHING


# -- commands ----------------------------------------------------------------------------------


def _called(url: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hydrants.cli", "accounts", *arguments],
        env={
            "PATH": os.environ["PATH"],
            "HYDRANTS_ACCOUNTS_URL": url,
            "HYDRANTS_PORTAL_URL": "https://brandkranen.example.org",
        },
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_commands(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/apart/people.sqlite"
    added = _called(url, tmp_path, "add", "Ieper", "--role", "gemeente", "--scope", "33011")
    link = re.search(r"https://brandkranen\.example\.org/link/(\S+)\n", added.stdout)
    assert link is not None
    assert stat.S_IMODE((tmp_path / "apart" / "people.sqlite").stat().st_mode) == 0o600
    again = _called(url, tmp_path, "add", "ieper", "--role", "gemeente", "--scope", "33011")
    assert (again.returncode, again.stderr) == (1, "hydrants: there is an account 'ieper' already\n")
    assert _called(url, tmp_path, "disable", "ieper").returncode == 0
    assert _called(url, tmp_path, "link", "ieper").stderr == "hydrants: account 'ieper' is disabled\n"
    assert _called(url, tmp_path, "enable", "ieper").returncode == 0
    newer = _called(url, tmp_path, "link", "ieper").stdout
    listed = json.loads(_called(url, tmp_path, "list", "--json").stdout)
    assert [(one["name"], one["role"], one["scope"], one["has_password"]) for one in listed] == [
        ("ieper", "gemeente", "33011", False)
    ]
    assert _called(url, tmp_path, "remove", "ieper").returncode == 0
    assert _called(url, tmp_path, "list").stdout == ""
    log = json.loads(_called(url, tmp_path, "log", "--json").stdout)
    assert [line["action"] for line in reversed(log)] == [
        *("account gemaakt", "account geblokkeerd", "account toegelaten", "link gemaakt"),
        "account verwijderd",
    ]
    assert link[1] not in str(log) + newer
    refused = _called(url, tmp_path, "reader-role")
    assert refused.stderr == "hydrants: SQLite has no roles: the portal opens its file to read only\n"
