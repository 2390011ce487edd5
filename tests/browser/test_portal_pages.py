"""The portal's own pages in Chromium: by keyboard, on a phone, at 200 %, and what axe says of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import Served

pytestmark = pytest.mark.browser

PASSWORD = "vier gele emmers water"
PAYLOAD = "<img src=x onerror=\"document.title='geraakt'\">"
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
ZOOMED = {"viewport": {"width": 640, "height": 450}, "device_scale_factor": 2}

Nobody = Callable[..., Any]


@pytest.fixture
def nobody(served: Served, browser: Any) -> Iterator[Nobody]:
    """Open a page without a session; whatever the browser complains of, but for a refusal, fails the test."""
    contexts: list[Any] = []
    complaints: list[str] = []

    def opened(path: str, **options: Any) -> Any:
        context = browser.new_context(locale="nl-BE", **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda message: (
                message.type == "error"
                and "status of 40" not in message.text
                and complaints.append(message.text)
            ),
        )
        page.goto(served.address + path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def _link(served: Served, name: str, *arguments: str) -> str:
    found = re.search(r"http://\S+", served.hydrants("accounts", *arguments[:1], name, *arguments[1:]))
    assert found is not None
    return urlsplit(found[0]).path


@pytest.fixture(scope="module")
def heuvelland(served: Served) -> str:
    """The link by which an account chooses its password."""
    return _link(served, "heuvelland", "add", "--role", "gemeente", "--scope", "33039")


def _is_narrow_enough(page: Any) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def test_a_password_by_keyboard_alone_and_in_with_it(nobody: Nobody, served: Served, heuvelland: str) -> None:
    page = nobody(heuvelland)
    for text in ("", PASSWORD, PASSWORD):  # past the way to the content, then both fields
        page.keyboard.press("Tab")
        page.keyboard.type(text)
    page.keyboard.press("Enter")
    page.wait_for_url("**/current/33039/index.html")
    # another browser, by a deep link: what was chosen on the page survives the login
    other = nobody("/current/33039/index.html#toestand=failed")
    assert urlsplit(other.url).path == "/login"
    other.keyboard.press("Tab")
    other.keyboard.press("Tab")
    other.keyboard.type("heuvelland")
    other.keyboard.press("Tab")
    other.keyboard.type(PASSWORD)
    other.keyboard.press("Enter")
    other.wait_for_url("**/current/33039/index.html#toestand=failed")
    other.wait_for_selector("html[data-ready]")
    assert not other.is_checked("input[value=ok]")


def test_what_is_typed_wrong_is_said_to_who_cannot_see(nobody: Nobody) -> None:
    page = nobody("/login")
    page.fill("input[name=name]", "iemand")
    page.fill("input[type=password]", "geen idee eigenlijk")
    page.click("main button[type=submit]")
    assert page.inner_text("[role=alert]") == "Naam of wachtwoord klopt niet."
    assert page.input_value("input[name=name]") == "iemand"
    assert page.input_value("input[type=password]") == ""


@pytest.mark.parametrize("options", [{}, PHONE, ZOOMED], ids=["desktop", "phone", "zoom200"])
def test_axe_finds_nothing_before_the_door(nobody: Nobody, served: Served, options: dict[str, Any]) -> None:
    link = _link(served, f"axe{len(options)}", "add", "--role", "planner")
    for path in ("/login", link, "/link/nothing", "/nergens"):
        page = nobody(path, **options)
        found = Axe().run(page, options={"resultTypes": ["violations", "passes"]})
        assert found.response["violations"] == [], found.generate_report()
        assert len(found.response["passes"]) > 10
        assert _is_narrow_enough(page)
        assert page.evaluate("document.documentElement.lang") == "nl"


def test_an_admin_makes_and_blocks_an_account(visit: Callable[..., Any], nobody: Nobody) -> None:
    page = visit("/admin")
    page.fill("#name", "wervik")
    page.select_option("#role", label="gemeente")
    page.select_option("#subject", label="Wervik")
    page.click("text=Account maken >> nth=-1")
    link = page.inner_text(".once code")
    official = nobody(urlsplit(link).path)
    assert "gemeente: Wervik" in official.inner_text("main")
    for field in official.locator("input[type=password]").all():
        field.fill(PASSWORD)
    official.click("main button[type=submit]")
    official.wait_for_url("**/current/33029/index.html")
    page.click("[aria-label='wervik blokkeren']")
    page.wait_for_selector("[aria-label='wervik toelaten']")
    official.goto(official.url)
    assert urlsplit(official.url).path == "/login"


def test_a_hostile_name_is_a_text_in_the_log(visit: Callable[..., Any], nobody: Nobody) -> None:
    page = nobody("/login")
    page.fill("input[name=name]", PAYLOAD)
    page.fill("input[type=password]", PASSWORD)
    page.click("main button[type=submit]")
    assert page.locator("main img").count() == 0
    log = visit("/admin")
    assert PAYLOAD.lower() in log.inner_text("main").lower()
    assert log.locator("main img").count() == 0
    assert log.title() == "Beheer - Brandkranen Westhoek"
