"""Coming in and going out: passwords, sessions, forms of others, and how often one may try."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher

from hydrants import store
from hydrants.portal import accounts, audit, limits, passwords, sessions, tables
from hydrants.portal.accounts import Kind
from hydrants.portal.house import House
from hydrants.portal.scope import Role
from tests.portal.browser import HOST, Browser
from tests.portal.conftest import IEPER, PASSWORD, Enter

pytestmark = pytest.mark.parametrize("published", ["sqlite"], indirect=True)
OWN_PAGE = f"/current/{IEPER}/index.html"


def _link(house: House, name: str, kind: Kind = Kind.password) -> str:
    with store.write(house.engine) as connection:
        return f"/link/{accounts.link(connection, accounts.named(connection, name), kind)}"


def _actions(house: House, limit: int = 1) -> list[tuple[str, str]]:
    with store.read(house.engine) as connection:
        return [(line["account"], line["action"]) for line in audit.lines(connection, limit)]


def _everything_kept(house: House) -> str:
    """All that the database of the accounts holds, as text."""
    with store.read(house.engine) as connection:
        return repr([connection.execute(sa.select(table)).all() for table in tables.metadata.sorted_tables])


def test_in_by_name_and_password_and_out(browser: Browser, house: House) -> None:
    answer = browser.login("IEPER ", PASSWORD)
    assert (answer.status, answer.location) == (303, OWN_PAGE)
    cookie = next(text for text in answer.set_cookies if "session" in text)
    assert cookie.startswith("__Host-hydrants_session=")
    assert {"HttpOnly", "Secure", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    assert browser.get(OWN_PAGE).status == 200
    token = browser.session()
    out = browser.submit("/account", "/logout")
    assert (out.location, out.headers["clear-site-data"]) == ("/login", '"cache", "storage"')
    assert "__Host-hydrants_session" not in browser.cookies
    browser.cookies["__Host-hydrants_session"] = token  # somebody kept it
    assert browser.get(OWN_PAGE).status == 303
    assert _actions(house, 2) == [("ieper", "afgemeld"), ("ieper", "aangemeld")]


def test_over_plain_http_the_cookie_has_a_plain_name(port: int) -> None:
    browser = Browser(port, scheme="http")
    house_origin = {"Origin": f"https://{HOST}"}  # what the portal goes by, whatever the way to it
    answer = browser.post(
        "/login", {"csrf": browser.csrf("/login"), "name": "ieper", "password": PASSWORD}, **house_origin
    )
    cookie = next(text for text in answer.set_cookies if "session" in text)
    assert cookie.startswith("hydrants_session=")
    assert "Secure" not in cookie
    assert "strict-transport-security" not in answer.headers
    # and it is not believed over https, where anybody on the way could have set it
    secure = Browser(port)
    secure.cookies = dict(browser.cookies)
    assert secure.get(OWN_PAGE).status == 303


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("ieper", "vier gele emmers wijn"),
        ("niemand", PASSWORD),
        ("ieper", ""),
        ("", ""),
        ("ieper", "x" * 5_000),
    ],
)
def test_what_is_wrong_is_not_told(name: str, password: str, browser: Browser) -> None:
    answer = browser.login(name, password)
    assert answer.status == 401
    assert answer.text.count('role="alert"') == 1
    assert "Naam of wachtwoord klopt niet." in answer.text
    assert "__Host-hydrants_session" not in browser.cookies


def test_an_unknown_name_takes_as_much_work(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    work: list[str] = []

    class Counting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Any:
            work.append(str(hash).split("$")[3])
            return super().verify(hash, password)

    monkeypatch.setattr(passwords, "_hasher", Counting(time_cost=1, memory_cost=64, parallelism=1))
    for name in ("ieper", "niemand", ""):
        browser.login(name, "vier gele emmers wijn")
    assert work == ["m=64,t=1,p=1"] * 3


def test_each_login_has_a_session_of_its_own(browser: Browser) -> None:
    browser.cookies["__Host-hydrants_session"] = "chosen-by-somebody-else"
    browser.login("ieper", PASSWORD)
    first = browser.session()
    assert first != "chosen-by-somebody-else"
    stranger = Browser(browser.port)
    stranger.cookies["__Host-hydrants_session"] = "chosen-by-somebody-else"
    assert stranger.get(OWN_PAGE).status == 303
    # who chooses a password while he is in gets another session, and the first one ends
    browser.submit(
        "/account",
        "/account/password",
        current=PASSWORD,
        password="vijf rode fietsen",
        again="vijf rode fietsen",
    )
    assert browser.session() != first
    assert browser.get(OWN_PAGE).status == 200
    stranger.cookies["__Host-hydrants_session"] = first
    assert stranger.get(OWN_PAGE).status == 303


def test_another_password_ends_every_session_and_link(enter: Enter, house: House, browser: Browser) -> None:
    here, elsewhere, link = enter("ieper"), enter("ieper"), _link(house, "ieper")
    for wrong in (
        {"current": "niet dit", "password": "vijf rode fietsen", "again": "vijf rode fietsen"},
        {"current": PASSWORD, "password": "vijf rode fietsen", "again": "vijf rode wagens"},
        {"current": PASSWORD, "password": "kort", "again": "kort"},
        {"current": PASSWORD, "password": "aaaaaaaaaaaaaaaa", "again": "aaaaaaaaaaaaaaaa"},
        {"current": PASSWORD, "password": "ieper is mooi", "again": "ieper is mooi"},
        {"current": PASSWORD, "password": "a1" * 101, "again": "a1" * 101},
    ):
        answer = here.submit("/account", "/account/password", **wrong)
        assert (answer.status, answer.text.count('role="alert"')) == (422, 1)
    assert elsewhere.get(OWN_PAGE).status == 200
    right = {"current": PASSWORD, "password": "vijf rode fietsen", "again": "vijf rode fietsen"}
    assert here.submit("/account", "/account/password", **right).location == "/account"
    assert here.get(OWN_PAGE).status == 200
    assert elsewhere.get(OWN_PAGE).status == 303
    assert browser.get(link).status == 404
    assert browser.login("ieper", PASSWORD).status == 401
    assert browser.login("ieper", "vijf rode fietsen").status == 303


def test_a_session_ends_by_idleness_and_by_age(enter: Enter, house: House) -> None:
    now = [time.time()]
    house.sessions._clock = lambda: now[0]
    browser = enter("ieper")
    hours = house.settings.session_hours
    for _ in range(hours // 11):
        assert browser.get(OWN_PAGE).status == 200
        now[0] += 11 * 3_600  # less than the twelve of idleness
    assert browser.get(OWN_PAGE).status == 200
    now[0] += 11 * 3_600
    assert browser.get(OWN_PAGE).status == 303
    browser = enter("ieper")
    now[0] += house.settings.session_idle_minutes * 60 + 1
    assert browser.get(OWN_PAGE).status == 303


def test_who_is_disabled_elsewhere_is_out_within_a_second(enter: Enter, house: House) -> None:
    browser = enter("ieper")
    assert browser.get(OWN_PAGE).status == 200
    with store.write(house.engine) as connection:  # as the command line does, in another process
        accounts.enable(connection, "ieper", is_enabled=False)
    now = time.time()
    house.sessions._clock = lambda: now + sessions.REMEMBERED_S
    assert browser.get(OWN_PAGE).status == 303
    assert browser.login("ieper", PASSWORD).status == 401


def test_what_an_account_may_see_is_looked_up_anew(
    enter: Enter, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = enter("ieper")
    assert browser.get(OWN_PAGE).status == 200
    with store.write(house.engine) as connection:
        connection.execute(
            sa.update(tables.account).where(tables.account.c.name == "ieper").values(subject="33021")
        )
    now = time.time()
    house.sessions._clock = lambda: now + sessions.REMEMBERED_S
    assert browser.get(OWN_PAGE).status == 404
    assert browser.get("/current/33021/index.html").status == 200


# -- forms of others ---------------------------------------------------------------------------

FOREIGN = (
    {"Origin": "https://elders.example"},
    {"Origin": "null"},
    {"Origin": f"http://{HOST}"},
    {"Origin": f"https://{HOST}:8443"},
    {"Origin": f"https://{HOST}.elders.example"},
    {"Sec_Fetch_Site": "cross-site"},
    {"Sec_Fetch_Site": "same-site"},
    {"Sec_Fetch_Site": "none"},
)


@pytest.mark.parametrize("headers", FOREIGN, ids=lambda given: "-".join(given.values()))
def test_a_form_that_another_site_sends_is_refused(
    headers: dict[str, str], enter: Enter, house: House
) -> None:
    browser = enter("beheer")
    csrf = browser.csrf("/admin")
    for action in ("/logout", "/account/password", "/admin/add", "/admin/link", "/admin/enable"):
        fields = {"csrf": csrf, "name": "ieper", "enabled": "no", "role": "admin"}
        answer = browser.post(action, fields, **headers)
        assert (answer.status, "kwam niet van deze website" in answer.text) == (403, True)
    assert browser.get("/admin").status == 200
    stranger = Browser(browser.port, "203.0.113.6")
    fields = {"csrf": stranger.csrf("/login"), "name": "ieper", "password": PASSWORD}
    for _ in range(3):
        assert stranger.post("/login", fields, **headers).status == 403
    # who has no account fills no log
    assert _actions(house, 3) == [("", "vreemd formulier"), *[("beheer", "vreemd formulier")] * 2]


def test_a_form_without_its_token_is_refused(enter: Enter, browser: Browser) -> None:
    mine, other = enter("beheer"), enter("beheer")
    for csrf in ("", "0" * 64, other.csrf("/admin"), "é"):
        assert mine.post("/admin/enable", {"csrf": csrf, "name": "ieper", "enabled": "no"}).status == 403
    silent = mine.ask("POST", "/logout", {"csrf": mine.csrf("/admin")})  # no word on where it comes from
    assert silent.status == 403
    fields = {"name": "ieper", "password": PASSWORD}
    assert browser.post("/login", fields).status == 403
    assert browser.post("/login", {**fields, "csrf": Browser(browser.port).csrf("/login")}).status == 403
    assert mine.get("/account").status == 200


# -- where to ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "place"),
    [
        ("/current/33011/hydrant.html", "/current/33011/hydrant.html"),
        ("/account", "/account"),
        ("https://elders.example/", OWN_PAGE),
        ("//elders.example/current/", OWN_PAGE),
        ("/\\elders.example/current/", OWN_PAGE),
        ("\\\\elders.example", OWN_PAGE),
        ("/current/\\..\\..", OWN_PAGE),
        ("javascript:alert(1)", OWN_PAGE),
        ("/logout", OWN_PAGE),
        ("/current/\r\nSet-Cookie: a=b", OWN_PAGE),
        ("/current/\u00e9", OWN_PAGE),
        ("current/index.html", OWN_PAGE),
        (" /account", OWN_PAGE),
        ("http:///account", OWN_PAGE),
        ("", OWN_PAGE),
    ],
)
def test_a_login_leads_to_no_other_site(asked: str, place: str, browser: Browser) -> None:
    assert browser.login("ieper", PASSWORD, asked).location == place


# -- one-time links ----------------------------------------------------------------------------


def test_a_link_lets_choose_a_password_once(browser: Browser, house: House) -> None:
    with store.write(house.engine) as connection:
        accounts.add(connection, "mesen", Role.gemeente, "33016")
    link = _link(house, "mesen")
    assert browser.login("mesen", "vijf rode fietsen").status == 401
    for _ in range(3):  # looking does not use it up
        assert browser.get(link).status == 200
    assert browser.ask("HEAD", link).status in (200, 405)
    assert browser.submit(link, link, password="kort", again="kort").status == 422
    fields = {"password": "vijf rode fietsen", "again": "vijf rode fietsen"}
    csrf = browser.csrf(link)
    answer = browser.post(link, {"csrf": csrf, **fields})
    assert (answer.status, answer.location) == (303, "/current/33016/index.html")
    second = Browser(browser.port)
    assert second.get(link).status == 404
    second.get("/login")
    assert second.post(link, {"csrf": second.csrf("/login"), **fields}).status == 404
    assert second.login("mesen", "vijf rode fietsen").status == 303


def test_a_link_ends_by_age_by_a_newer_one_and_with_its_account(
    browser: Browser, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    older, newer = _link(house, "ieper"), _link(house, "ieper")
    assert (browser.get(older).status, browser.get(newer).status) == (404, 200)
    with store.write(house.engine) as connection:
        accounts.enable(connection, "ieper", is_enabled=False)
        accounts.enable(connection, "ieper", is_enabled=True)
    assert browser.get(newer).status == 404
    link, now = _link(house, "ieper"), time.time()
    monkeypatch.setattr(accounts.time, "time", lambda: now + 7 * 86_400 + 1)
    assert browser.get(link).status == 404
    assert browser.get("/link/nothing").status == 404


def test_a_link_to_come_in_asks_for_nothing(browser: Browser, house: House) -> None:
    link = _link(house, "beheer", Kind.login)
    page = browser.get(link).text
    assert page.count("<button") == 1
    assert 'type="password"' not in page
    assert browser.submit(link, link).location == "/current/index.html"
    assert browser.get("/admin").status == 200
    assert Browser(browser.port).get(link).status == 404


# -- how often ---------------------------------------------------------------------------------


def test_five_tries_and_then_a_wait(browser: Browser, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(limits.OF_NAME_FROM_ADDRESS):
        assert browser.login("ieper", "vier gele emmers wijn").status == 401
    answer = browser.login("ieper", PASSWORD)
    assert browser.login("ieper", PASSWORD).status == answer.status == 429
    assert _actions(house, 2) == [("ieper", "te veel pogingen"), ("ieper", "aanmelden mislukt")]
    assert 0 < int(answer.headers["retry-after"]) <= limits.PERIOD_S
    assert "Te veel pogingen" in answer.text
    assert browser.login("poperinge", PASSWORD).status == 303  # another name is free
    assert Browser(browser.port, "203.0.113.77").login("ieper", PASSWORD).status == 303  # and another place
    now = time.time()
    monkeypatch.setattr(limits.time, "time", lambda: now + limits.PERIOD_S + 1)
    assert Browser(browser.port).login("ieper", PASSWORD).status == 303


def test_a_success_takes_the_failures_away(browser: Browser) -> None:
    for _ in range(3):
        for _ in range(limits.OF_NAME_FROM_ADDRESS - 1):
            assert Browser(browser.port).login("ieper", "vier gele emmers wijn").status == 401
        assert Browser(browser.port).login("ieper", PASSWORD).status == 303


def test_others_cannot_shut_an_account_out_where_it_comes_from(port: int, house: House) -> None:
    assert Browser(port, "203.0.113.5").login("ieper", PASSWORD).status == 303
    for number in range(limits.OF_NAME_FROM_UNKNOWN):  # many places, one try each
        assert Browser(port, f"198.51.100.{number}").login("ieper", "vier gele emmers wijn").status == 401
    assert Browser(port, "198.51.100.250").login("ieper", PASSWORD).status == 429
    assert Browser(port, "203.0.113.5").login("ieper", PASSWORD).status == 303
    assert Browser(port, "198.51.100.250").login("poperinge", PASSWORD).status == 303


def test_one_address_tries_many_names(port: int) -> None:
    for number in range(limits.OF_ADDRESS):
        assert Browser(port).login(f"naam{number}", PASSWORD).status == 401
    assert Browser(port).login("ieper", PASSWORD).status == 429


# -- what is kept ------------------------------------------------------------------------------


def test_no_secret_is_kept_in_clear(browser: Browser, house: House) -> None:
    link = _link(house, "poperinge")
    browser.login("ieper", PASSWORD)
    browser.submit(
        "/account",
        "/account/password",
        current=PASSWORD,
        password="vijf rode fietsen",
        again="vijf rode fietsen",
    )
    kept = _everything_kept(house)
    assert "wachtwoord gewijzigd" in kept
    assert accounts.token_hash(browser.session()) in kept
    for secret in (browser.session(), link.removeprefix("/link/"), PASSWORD, "vijf rode fietsen"):
        assert secret not in kept
    assert kept.count("$argon2id$") == 7


def test_a_hash_of_yesterday_is_made_anew(browser: Browser, house: House) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=16, parallelism=1).hash(PASSWORD)
    with store.write(house.engine) as connection:
        accounts.rehash(connection, accounts.named(connection, "ieper").account_id, weak)
    assert browser.login("ieper", PASSWORD).status == 303
    with store.read(house.engine) as connection:
        kept = accounts.named(connection, "ieper").password_hash
    assert kept is not None
    assert kept != weak
    assert "m=64" in kept
    assert Browser(browser.port).login("ieper", PASSWORD).status == 303


def test_old_lines_go(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    with store.write(house.engine) as connection:
        audit.note(connection, "ieper", "aangemeld")
        audit.forget_old(connection, 400, 3_600)
        assert len(audit.lines(connection, 10)) == 1
        now = time.time()
        monkeypatch.setattr(audit.time, "time", lambda: now + 401 * 86_400)
        audit.forget_old(connection, 400, 3_600)
        assert audit.lines(connection, 10) == []


def test_the_page_of_an_account(enter: Enter) -> None:
    page = enter("interwest").get("/account").text
    assert "uitvoerder: Interwest" in page
    assert set(re.findall(r"/current/(\d{5})/", page)) == {
        "32003", "38002", "38008", "38014", "38016", "38025"
    }  # fmt: skip
    assert "/admin" not in page
    assert "/admin" in enter("beheer").get("/account").text
