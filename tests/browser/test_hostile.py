"""Texts that want to be code (hazard 33), on every page, in a browser; and the pages as opened from disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa
from axe_playwright_python.sync_playwright import Axe

from hydrants import publishing, reference, store
from hydrants.settings import Settings
from tests.bad_inputs.hostile import FOREIGN, INJECTIONS
from tests.judged_world import World, square_gemeenten
from tests.valid_files import jpeg

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]

POPERINGE = "33021"
HOSTILE = (*INJECTIONS, *FOREIGN)
SOURCE = INJECTIONS[1]
MARKUP = INJECTIONS[1]

Open = Callable[[str], Any]


@pytest.fixture
def site(engine: sa.Engine, settings: Settings) -> Path:
    """A gemeente with each text as number, street, remark, file name and sheet; one hydrant has a photo."""
    codes = sorted(reference.gemeenten())
    square_gemeenten(settings.boundaries, codes, SOURCE)
    west = 30_000.0 + 1_000 * codes.index(POPERINGE)
    picture = jpeg()
    sha256 = hashlib.sha256(picture).hexdigest()
    kept = settings.photos / sha256[:2] / sha256
    kept.parent.mkdir(parents=True)
    kept.write_bytes(picture)
    with store.write(engine) as connection:
        world = World(connection)
        world.register()
        for number, text in enumerate(HOSTILE, start=1):
            world.upload(number, f"{number:x}", file_name=text, sheet=text)
            world.photo(number, "foto.jpg", sha256)
            world.hydrant(text, POPERINGE, x=west + 60 * number, street_names=text)
            world.row(
                text,
                "failed",
                date(2019, 5, 1),
                upload_id=number,
                remark=text,
                defects=["leak"],
                photos=["foto.jpg"],
            )
        world.hydrant("werkt", POPERINGE, x=west + 5, street_names=MARKUP)
        world.row("werkt", "ok", date(2019, 5, 1))
    publishing.run(engine, settings, date(2019, 12, 31))
    return settings.site


@pytest.fixture
def opened(site: Path, browser: Any) -> Iterator[Open]:
    """Open a page from disk, without the policy that would stop a script: the page itself must be safe."""
    context = browser.new_context(locale="nl-BE", bypass_csp=True, viewport={"width": 1280, "height": 900})
    complaints: list[str] = []
    page = context.new_page()
    page.on("dialog", lambda dialog: (complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda request: complaints.append(f"failed: {request.url}"))

    def go(path: str) -> Any:
        page.goto("about:blank")  # else another fragment of the same page is no visit
        page.goto(f"{(site / 'current').as_uri()}/{path}")
        page.wait_for_selector("html[data-ready]")
        return page

    yield go
    unmoved = page.evaluate(
        "[document.title, document.querySelectorAll('[onerror],[onclick],[onload]').length]"
    )
    context.close()
    assert complaints == []
    assert "geraakt" not in unmoved[0].replace(MARKUP, "").replace(INJECTIONS[5], "")
    assert unmoved[1] == 0


def inert(page: Any) -> bool:
    """Nothing of a text has become an element."""
    made = "img[src=x], [onerror], [onclick], main script:not([type='application/json'])"
    count: int = page.locator(made).count()
    return count == 0


def test_a_gemeente_shows_every_text_as_text(opened: Open) -> None:
    page = opened(f"{POPERINGE}/index.html")
    assert SOURCE in page.inner_text(".source")
    shown = page.locator("#hydrants tbody").text_content()
    for text in HOSTILE:
        assert text in shown
    assert inert(page)
    assert page.title() == "Brandkranen in Poperinge, 31 december 2019"
    page.fill("#zoek", MARKUP)
    assert page.locator("#hydrants tbody tr").count() == 2  # by number, and by street
    page.locator("#hydrants tbody td button").first.click()
    assert MARKUP in page.text_content(".popup")
    assert inert(page)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hydrant_shows_every_text_as_text(opened: Open, text: str) -> None:
    page = opened(f"{POPERINGE}/hydrant.html#{urlencode({'id': text})}")
    assert page.text_content("h1") == f"Brandkraan {text}"
    assert page.title() == f"Brandkraan {' '.join(text.split())}, 31 december 2019"
    row = page.locator(".history tbody tr")
    assert row.count() == 1
    said = row.text_content()
    assert said.count(text) == 3  # remark, file name and sheet
    assert f"westlandia/33021/{text}" in said
    assert text in page.text_content("#facts")  # the street
    picture = page.locator("#photos img")
    picture.scroll_into_view_if_needed()
    page.wait_for_function("document.querySelector('#photos img').naturalWidth > 0")
    assert page.locator("#neighbours li").count() == 8
    assert inert(page)


def test_photos_are_for_everybody(opened: Open) -> None:
    page = opened(f"{POPERINGE}/hydrant.html#{urlencode({'id': FOREIGN[0]})}")
    page.locator("#photos img").scroll_into_view_if_needed()
    page.wait_for_function("document.querySelector('#photos img').naturalWidth > 0")
    assert page.get_attribute("#photos img", "alt") == "Foto bij de controle van 01/05/2019: niet in orde"
    # without fetching the style sheets again, which a page from disk may not
    found = Axe().run(page, options={"resultTypes": ["violations"], "preload": False})
    assert found.response["violations"] == [], found.generate_report()


def test_a_number_that_does_not_exist_is_repeated_as_text(opened: Open) -> None:
    page = opened(f"{POPERINGE}/hydrant.html#{urlencode({'id': MARKUP * 2})}")
    assert MARKUP * 2 in page.text_content("#missing-text")
    assert inert(page)
    page.fill("#asked", "werkt")
    page.click("#ask button")
    page.wait_for_selector("h1:text-is('Brandkraan werkt')")
    assert page.locator(".state-line.is-ok").count() == 1


def test_a_zone_shows_every_text_as_text(opened: Open) -> None:
    page = opened("zones/westhoek/index.html")
    shown = page.locator(".part tbody").first.text_content()
    for text in HOSTILE:
        assert text in shown
    assert page.locator(".failing tbody tr").count() == len(HOSTILE)
    assert inert(page)
    page.fill("#zoek", MARKUP)
    assert page.inner_text("#found").startswith("1 van 10")
    address = page.locator(".failing tbody tr:not([hidden]) th a")
    address.click()
    page.wait_for_selector("html[data-ready=hydrant]")
    assert page.text_content("h1") == f"Brandkraan {MARKUP}"


def test_the_overview_and_the_way_in(opened: Open, site: Path) -> None:
    page = opened("index.html")
    assert SOURCE in page.inner_text(".source")
    assert inert(page)
    page.goto((site / "index.html").as_uri())
    page.wait_for_url("**/current/index.html")
    page.wait_for_selector("html[data-ready]")
    page.select_option("#choice", label="Poperinge")
    page.click("form.choice button")
    page.wait_for_url("**/33021/index.html")
    page.wait_for_selector("html[data-ready]")
