"""The page of admins, and what every answer of the portal bears."""

from __future__ import annotations

import re
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from hydrants import store
from hydrants.portal import accounts, app
from hydrants.portal.headers import MOST_SENT_BYTES
from hydrants.portal.house import House
from tests.portal.browser import HOST, Browser, active_parts, running
from tests.portal.conftest import IEPER, PASSWORD, POPERINGE, SCRIPT, Enter

pytestmark = pytest.mark.parametrize("published", ["sqlite"], indirect=True)

LINK = re.compile(rf"<code>https://{re.escape(HOST)}(/link/[\w-]{{43}})</code>")


def test_an_admin_makes_an_account_and_its_owner_comes_in(enter: Enter, browser: Browser) -> None:
    admin = enter("beheer")
    page = admin.submit("/admin", "/admin/add", name="Mesen", role="gemeente", subject="33016", email="").text
    link = LINK.search(page)
    assert link is not None
    fields = {"password": "vijf rode fietsen", "again": "vijf rode fietsen"}
    assert browser.submit(link[1], link[1], **fields).location == "/current/33016/index.html"
    assert LINK.search(admin.get("/admin").text) is None  # shown once
    newer = LINK.search(admin.submit("/admin", "/admin/link", name="mesen").text)
    assert newer is not None
    assert Browser(browser.port).get(newer[1]).status == 200
    assert admin.submit("/admin", "/admin/enable", name="mesen", enabled="no").location == "/admin"
    assert browser.get("/current/33016/index.html").status == 303  # at once
    assert Browser(browser.port).get(newer[1]).status == 404
    assert Browser(browser.port).login("mesen", "vijf rode fietsen").status == 401
    admin.submit("/admin", "/admin/enable", name="mesen", enabled="yes")
    assert Browser(browser.port).login("mesen", "vijf rode fietsen").status == 303
    log = admin.get("/admin").text
    for action in ("account gemaakt", "link gemaakt", "account geblokkeerd", "account toegelaten"):
        assert f"<td>{action}</td>" in log
    assert link[1].removeprefix("/link/") not in log


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("add", {"name": "ieper", "role": "gemeente", "subject": IEPER}),
        ("add", {"name": "nieuw", "role": "koning", "subject": ""}),
        ("add", {"name": "nieuw", "role": "gemeente", "subject": "44021"}),
        ("add", {"name": SCRIPT, "role": "planner", "subject": ""}),
        ("add", {}),
        ("link", {"name": "niemand"}),
        ("link", {"name": SCRIPT}),
        ("enable", {"name": "niemand", "enabled": "no"}),
        ("enable", {"name": "beheer", "enabled": "no"}),
    ],
)
def test_what_an_admin_cannot_do(action: str, fields: dict[str, str], enter: Enter) -> None:
    admin = enter("beheer")
    answer = admin.submit("/admin", f"/admin/{action}", **fields)
    assert (answer.status, answer.text.count('role="alert"')) == (422, 1)
    assert "<img src=x" not in answer.text
    assert LINK.search(answer.text) is None
    assert admin.get("/admin").status == 200


@pytest.mark.parametrize("name", ["ieper", "brandweer", "westlandia", "planner"])
def test_for_everybody_else_there_is_no_such_page(name: str, enter: Enter, house: House) -> None:
    browser = enter(name)
    page = browser.get("/admin")
    assert (page.status, page.content) == (404, browser.get("/nergens").content)
    for action in ("add", "link", "enable"):
        fields = {"name": "ieper", "role": "admin", "subject": "", "enabled": "no"}
        answer = browser.submit("/account", f"/admin/{action}", **fields)
        assert answer.status == 404
    with store.read(house.engine) as connection:
        assert accounts.named(connection, "ieper").is_enabled
        assert {one.name for one in accounts.everyone(connection) if one.role == "admin"} == {"beheer"}


def test_a_hostile_name_in_the_log_stays_a_text(browser: Browser, enter: Enter) -> None:
    browser.login(SCRIPT, PASSWORD)
    page = enter("beheer").get("/admin").text
    assert "&lt;img src=x" in page
    assert "<img" not in page


# -- every answer ------------------------------------------------------------------------------

PATHS = (
    "/",
    "/login",
    "/account",
    "/admin",
    "/nergens",
    "/link/nothing",
    "/state.js",
    f"/current/{POPERINGE}/index.html",
    f"/current/{POPERINGE}/{POPERINGE}.csv",
    f"/current/{IEPER}/nothing.html",
    "/portal/static/page.css",
    "/portal/static/portal.js",
    "/api/progress",
    "/api/openapi.json",
    "/api/hydrants/<script>",
)


@pytest.mark.parametrize("name", ["beheer", "ieper", None])
def test_every_answer_has_safe_headers(name: str | None, enter: Enter, browser: Browser) -> None:
    asking = enter(name) if name else browser
    for path in PATHS:
        answer = asking.get(path)
        assert answer.status < 500
        policy = dict(
            part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";")
        )
        assert policy == {
            "default-src": "'none'",
            "script-src": "'self'",
            "style-src": "'self'",
            "img-src": "'self' data:",
            "base-uri": "'none'",
            "form-action": "'self'",
            "frame-ancestors": "'none'",
        }
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        assert answer.headers["cache-control"] in ("no-store", "private, no-cache")
        if answer.headers.get("content-type", "").startswith("text/html"):
            assert '<html lang="nl">' in answer.text
            assert active_parts(answer.text) == []


@pytest.mark.parametrize(
    "host", ["elders.example", f"{HOST}.elders.example", f"elders.example:443@{HOST}", "", f"{HOST}:x"]
)
def test_another_host_is_not_answered_to(host: str, enter: Enter) -> None:
    answer = enter("beheer").get("/current/index.html", Host=host)
    assert (answer.status, answer.text) == (400, "Onbekend adres.")
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_it_answers_on_its_own_machine(browser: Browser) -> None:
    assert browser.get("/api/health", Host="127.0.0.1:8000").status == 200
    assert browser.get("/api/health", Host=f"{HOST}:443").status == 200


def test_more_than_a_form_is_not_read(browser: Browser) -> None:
    fields = {"csrf": browser.csrf("/login"), "name": "ieper", "password": "x" * MOST_SENT_BYTES}
    assert browser.post("/login", fields).status == 413
    assert browser.ask("POST", "/login", {}, Content_Length="-1").status in (400, 413)


def test_methods_that_nothing_answers_to(enter: Enter) -> None:
    browser = enter("beheer")
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
        for path in ("/account", "/current/index.html", "/api/progress"):
            assert browser.ask(method, path).status == 405, (method, path)


def test_what_breaks_is_told_to_nobody(
    enter: Enter, house: House, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A database that is away in the midst of a request: an answer without details, a log without secrets."""
    browser = enter("beheer")
    csrf = browser.csrf("/account")

    def broken(*_arguments: Any, **_named: Any) -> None:
        with house.engine.connect() as connection:
            connection.execute(sa.text("SELECT * FROM nergens WHERE a = :a"), {"a": "geheim-van-iemand"})

    monkeypatch.setattr(accounts, "set_password", broken)
    fields = {"current": PASSWORD, "password": "vijf rode fietsen", "again": "vijf rode fietsen"}
    answer = browser.post("/account/password", {"csrf": csrf, **fields})
    assert answer.status == 500
    assert "Er ging iets mis" in answer.text
    assert answer.headers["content-security-policy"]
    for detail in ("nergens", "Traceback", "sqlite", "Operational", "geheim"):
        assert detail not in answer.text
    with pytest.raises(OperationalError) as error:
        broken()
    assert "geheim-van-iemand" not in str(error.value)
    logged = "".join(capfd.readouterr())
    for secret in (PASSWORD, "vijf rode fietsen", browser.session(), "geheim-van-iemand"):
        assert secret not in logged


def test_tiles_are_allowed_where_they_are_set(published: Any, people: sa.Engine) -> None:
    tiles = {"tiles_url": "https://{s}.tiles.example.org/{z}/{x}/{y}.png", "tiles_attribution": "iemand"}
    house = House(published.settings.model_copy(update=tiles), people)
    with running(app.create(house)) as port:
        answer = Browser(port).get("/login")
    house.close()
    assert "img-src 'self' data: https://*.tiles.example.org;" in answer.headers["content-security-policy"]
    assert answer.headers["referrer-policy"] == "strict-origin-when-cross-origin"
