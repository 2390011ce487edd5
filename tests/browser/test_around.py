"""What stands around the figures: a zone's list, old snapshots, paper, a background for the maps."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from PIL import Image

from hydrants import publishing, reference, store
from hydrants.settings import Settings
from tests.browser.conftest import Served
from tests.judged_world import World, square_gemeenten

pytestmark = pytest.mark.browser

POPERINGE = "33021"
ZONE = "/current/zones/westhoek/index.html"

Visit = Callable[..., Any]


def _failed(served: Served, nis: str | None = None) -> int:
    lines: list[dict[str, Any]] = json.loads((served.site / "current" / "progress.json").read_bytes())
    return sum(line["failed"] for line in lines if line["nis"] and nis in (None, line["nis"]))


def _rows(page: Any) -> Any:
    return page.locator(".failing tbody tr:visible")


# -- a fire zone -------------------------------------------------------------------------------


def test_a_zone_is_filtered_by_gemeente_and_street(visit: Visit, served: Served) -> None:
    page = visit(ZONE)
    assert page.get_attribute("#headline-failed data", "value") == str(_failed(served))
    assert page.inner_text("#found").startswith(f"{_failed(served)} van {_failed(served)} ")
    page.select_option("#gemeente", label="Poperinge")
    assert _rows(page).count() == _failed(served, POPERINGE)
    assert page.locator(".part:visible h3").all_inner_texts() == ["Poperinge"]
    street = next(
        text for text in page.locator(".failing tbody tr:visible td:nth-child(2)").all_inner_texts() if text
    )
    page.fill("#zoek", street.upper())
    found = _rows(page).count()
    assert 0 < found < _failed(served, POPERINGE)
    assert all(
        street in text for text in page.locator(".failing tbody tr:visible td:nth-child(2)").all_inner_texts()
    )
    again = visit(page.url.removeprefix(served.address))  # a deep link, in another window
    assert _rows(again).count() == found
    assert again.input_value("#gemeente") == POPERINGE
    assert again.input_value("#zoek") == street.upper()
    again.click("button[type=reset]")
    assert _rows(again).count() == _failed(served)


def test_a_zone_sorts_by_distance(visit: Visit) -> None:
    page = visit(f"{ZONE}#gemeente={POPERINGE}")
    heading = page.locator(".part:visible thead th", has_text="Dichtstbijzijnde")
    heading.locator("button").click()
    far = page.eval_on_selector_all(
        ".part:not([hidden]) .failing data", "all => all.map((one) => Number(one.value))"
    )
    assert far == sorted(far)
    assert far[0] < far[-1]
    assert heading.get_attribute("aria-sort") == "ascending"


def test_a_gemeente_leads_to_its_part_of_the_zone_and_a_hydrant_back_to_the_list(
    visit: Visit, served: Served
) -> None:
    page = visit(f"/current/{POPERINGE}/index.html#toestand=failed")
    page.click("a:has-text('wat werkt nu niet')")
    page.wait_for_selector("html[data-ready=zone]")
    assert _rows(page).count() == _failed(served, POPERINGE)
    _rows(page).first.locator("th a").click()
    page.wait_for_selector("html[data-ready=hydrant]")
    page.click("nav.trail a:text-is('Poperinge')")  # the list as it was left
    page.wait_for_selector("html[data-ready=hydrants]")
    assert page.url.endswith(f"/{POPERINGE}/index.html#toestand=failed")
    assert not page.is_checked("input[value=ok]")


def test_a_hydrant_without_its_history_still_says_how_it_is(visit: Visit) -> None:
    page = visit(f"/current/{POPERINGE}/index.html#toestand=failed")
    page.context.route(
        "**/history-*.js", lambda route: route.fulfill(body="", content_type="text/javascript")
    )
    page.locator("#hydrants tbody th a").first.click()
    page.wait_for_selector("html[data-ready=hydrant]")
    assert page.locator(".state-line.is-failed").is_visible()
    assert page.inner_text("#history-lost").startswith("De controles konden niet opgehaald worden.")
    assert not page.locator("#history").is_visible()
    page.context.unroute("**/history-*.js")
    page.reload()
    page.wait_for_selector("#history tbody tr")
    assert not page.locator("#history-lost").is_visible()


def test_the_neighbours_of_a_hydrant_are_a_step_away(visit: Visit) -> None:
    page = visit(f"/current/{POPERINGE}/index.html#toestand=failed")
    page.locator("#hydrants tbody th a").first.click()
    page.wait_for_selector("html[data-ready=hydrant]")
    near = page.locator("#neighbours li")
    assert near.count() == 8
    away_m = [int(re.search(r"([\d.]+) m,", text)[1].replace(".", "")) for text in near.all_inner_texts()]
    assert away_m == sorted(away_m)
    wanted = near.first.locator("a").inner_text()
    near.first.locator("a").click()
    page.wait_for_selector(f"h1:text-is('Brandkraan {wanted}')")
    assert page.title().startswith(f"Brandkraan {wanted}, ")
    page.go_back()
    page.wait_for_function(
        "(text) => document.querySelector('h1').textContent !== text", arg=f"Brandkraan {wanted}"
    )


# -- old snapshots -----------------------------------------------------------------------------


def test_an_old_snapshot_says_so(visit: Visit, served: Served) -> None:
    number = (served.site / "current").resolve().name
    for path in ("index.html", f"{POPERINGE}/index.html", "zones/westhoek/index.html"):
        page = visit(f"/snapshots/{number}/{path}")
        assert page.inner_text(".notice") == "Dit is een oude momentopname, niet de huidige stand."
        assert "Aangemeld als admin" in page.inner_text("#account")


# -- paper -------------------------------------------------------------------------------------


def test_paper_has_the_whole_list_and_no_controls(visit: Visit, served: Served) -> None:
    page = visit(f"/current/{POPERINGE}/index.html#toestand=failed")
    failed = _failed(served, POPERINGE)
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.locator("#hydrants tbody tr").count() == failed
    for hidden in ("#filters", "nav.trail", "#bestanden", ".leaflet-control-zoom", "#account"):
        assert not page.locator(hidden).first.is_visible(), hidden
    assert page.locator("header time").is_visible()
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.locator("#hydrants tbody tr").count() == min(100, failed)


def test_every_sheet_of_a_zone_names_gemeente_and_date(visit: Visit, served: Served) -> None:
    page = visit(f"{ZONE}#gemeente={POPERINGE}")
    page.emulate_media(media="print")
    heading = page.locator(".part:visible thead")
    assert "Poperinge, niet in orde. Gegevens van 31 december 2019." in heading.inner_text()
    assert heading.evaluate("(one) => getComputedStyle(one).display") == "table-header-group"  # on each sheet
    assert page.locator(".part:visible").count() == 1
    pdf = page.pdf(format="A4", prefer_css_page_size=True)
    sheets = len(re.findall(rb"/Type\s*/Page\b", pdf))
    assert 1 <= sheets <= 1 + _failed(served, POPERINGE) // 20


# -- a background ------------------------------------------------------------------------------


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_background_comes_from_where_the_setting_says_and_nowhere_else(
    engine: sa.Engine, settings: Settings, browser: Any
) -> None:
    square_gemeenten(settings.boundaries, sorted(reference.gemeenten()))
    with store.write(engine) as connection:
        world = World(connection)
        world.register()
        world.upload(1, "a")
        world.hydrant("DWG-1", POPERINGE, x=30_000.0 + 1_000 * sorted(reference.gemeenten()).index(POPERINGE))
        world.row("DWG-1", "ok", date(2019, 5, 1))
    tiles = {"tiles_url": "https://tegels.example/{z}/{x}/{y}.png", "tiles_attribution": "<b>Kaartmakers</b>"}
    publishing.run(engine, settings.model_copy(update=tiles), date(2019, 12, 31))
    picture = io.BytesIO()
    Image.new("RGB", (256, 256), "#eef").save(picture, "PNG")
    asked: list[str] = []
    complaints: list[str] = []
    context = browser.new_context()
    page = context.new_page()
    page.on("console", lambda message: message.type == "error" and complaints.append(message.text))

    def tile(route: Any) -> None:
        asked.append(route.request.url)
        route.fulfill(body=picture.getvalue(), content_type="image/png")

    context.route(re.compile("^https:"), tile)
    for path in ("index.html", f"{POPERINGE}/index.html", f"{POPERINGE}/hydrant.html#id=DWG-1"):
        page.goto(f"{Path(settings.site, 'current').as_uri()}/{path}")
        page.wait_for_selector("html[data-ready]")
        page.wait_for_selector(".leaflet-tile-loaded")
        assert page.inner_text(".leaflet-control-attribution") == "<b>Kaartmakers</b>"
    context.close()
    assert len(asked) >= 3
    assert all(re.fullmatch(r"https://tegels\.example/\d+/\d+/\d+\.png", url) for url in asked)
    assert complaints == []
