"""The pages as a visitor uses them: filters, deep links, sorting, downloads, keyboard, phone, zoom, axe."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import openpyxl
import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import Served

pytestmark = pytest.mark.browser

POPERINGE = "33021"
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
ZOOMED = {"viewport": {"width": 640, "height": 450}, "device_scale_factor": 2}
"""1280 x 900 at 200 %: half as many CSS pixels."""

Visit = Callable[..., Any]


def _lines(served: Served) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = json.loads((served.site / "current" / "progress.json").read_bytes())
    return lines


def _of(served: Served, nis: str, figure: str) -> int:
    return sum(line[figure] for line in _lines(served) if line["nis"] == nis)


def _fragment(page: Any) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).fragment).items()}


def _shown(page: Any) -> int:
    match = re.match(r"([\d.]+) van", page.inner_text("#found"))
    assert match is not None
    return int(match[1].replace(".", ""))


def _ids(page: Any) -> list[str]:
    ids: list[str] = page.locator("#hydrants tbody th a").all_inner_texts()
    return ids


def _failing(page: Any) -> str:
    """The id of the first hydrant listed that is not in order."""
    return str(
        page.locator("#hydrants tbody tr", has=page.locator(".is-failed")).first.locator("th a").inner_text()
    )


# -- overview ----------------------------------------------------------------------------------


def test_the_overview_says_what_the_table_says(visit: Visit, served: Served) -> None:
    page = visit("/current/index.html")
    total = next(
        line for line in _lines(served) if line["nis"] is None and line["operator"] == "dewatergroep"
    )
    for figure in ("registered", "checked", "failed", "remaining"):
        assert page.get_attribute(f"#headline-{figure} data", "value") == str(total[figure])
    assert total["registered"] == total["checked"] + total["remaining"] > 1000
    rows = page.locator("#table-dewatergroep tbody tr")
    assert rows.count() == len([o for o in _lines(served) if o["nis"] and o["operator"] == "dewatergroep"])
    assert page.evaluate("document.documentElement.lang") == "nl"
    assert "gegevens van 31 december 2019" in page.inner_text("header")


def test_the_table_sorts(visit: Visit) -> None:
    page = visit("/current/index.html")
    column = "#table-dewatergroep tbody tr td:nth-child(5) data"

    def failing() -> list[int]:
        return [
            int(value) for value in page.eval_on_selector_all(column, "all => all.map((one) => one.value)")
        ]

    before = failing()
    heading = page.locator("#table-dewatergroep thead th:nth-child(5)")
    heading.locator("button").click()
    assert failing() == sorted(before) != before
    assert heading.get_attribute("aria-sort") == "ascending"
    heading.locator("button").press("Enter")
    assert failing() == sorted(before, reverse=True)
    assert heading.get_attribute("aria-sort") == "descending"
    names = page.locator("#table-dewatergroep thead th").first.locator("button")
    names.click()
    texts = page.locator("#table-dewatergroep tbody th").all_inner_texts()
    assert texts == sorted(texts)


def test_a_gemeente_is_reached_by_table_list_and_map(visit: Visit) -> None:
    page = visit("/current/index.html")
    page.click("#table-dewatergroep tbody a:text-is('Poperinge')")
    page.wait_for_url("**/33021/index.html")
    page.click("nav.trail a:text-is('Overzicht')")
    page.wait_for_selector("html[data-ready]")
    page.select_option("#choice", label="Ieper")
    page.click("form.choice button")
    page.wait_for_url("**/33011/index.html")
    page.go_back()
    page.wait_for_selector("html[data-ready]")
    name = page.locator(".leaflet-tooltip.name", has_text="Heuvelland")
    name.scroll_into_view_if_needed()
    label = name.bounding_box()
    page.mouse.click(label["x"] + label["width"] / 2, label["y"] + label["height"] / 2)
    page.wait_for_url("**/33039/index.html")


# -- gemeente ----------------------------------------------------------------------------------


def test_filters_live_in_the_address(visit: Visit, served: Served) -> None:
    page = visit(f"/current/{POPERINGE}/index.html")
    everything = _of(served, POPERINGE, "registered")
    assert _shown(page) == everything
    assert page.get_attribute("#map", "data-drawn") == str(everything)
    page.uncheck("input[value=ok]")
    page.uncheck("input[value=remaining]")
    assert _shown(page) == _of(served, POPERINGE, "failed")
    assert page.get_attribute("#map", "data-drawn") == str(_shown(page))
    assert _fragment(page) == {"toestand": "failed"}
    page.select_option("#gebrek", label="lek")
    assert 0 < _shown(page) < _of(served, POPERINGE, "failed")
    assert all("lek" in text for text in page.locator("#hydrants tbody td:nth-child(2)").all_inner_texts())
    wanted = _ids(page)[0]
    page.fill("#zoek", wanted.lower())
    assert _ids(page) == [wanted]
    assert _fragment(page) == {"toestand": "failed", "gebrek": "leak", "zoek": wanted.lower()}
    address = page.url
    page.click("button[type=reset]")
    assert _shown(page) == everything
    assert _fragment(page) == {}
    again = visit(address.removeprefix(served.address))  # a deep link, in another window
    assert _ids(again) == [wanted]
    assert again.input_value("#zoek") == wanted.lower()
    assert not again.is_checked("input[value=ok]")


def test_search_by_street_and_by_who_repairs(visit: Visit) -> None:
    page = visit(f"/current/{POPERINGE}/index.html")
    street = next(text for text in page.locator("#hydrants tbody td:nth-child(4)").all_inner_texts() if text)
    page.fill("#zoek", street)
    texts = page.locator("#hydrants tbody td:nth-child(4)").all_inner_texts()
    assert texts
    assert all(street.lower() in text.lower() for text in texts)
    page.fill("#zoek", "")
    page.select_option("#hersteller", "gemeente")
    by_gemeente = _shown(page)
    page.select_option("#hersteller", "waterbedrijf")
    assert by_gemeente > 0 < _shown(page)
    page.fill("#zoek", "<img src=x onerror=alert(1)>")
    assert _shown(page) == 0
    assert page.inner_text("#shown") == "geen"


@pytest.mark.parametrize(
    "fragment", ["toestand=zeppelin&gebrek=none&volgorde=constructor&pagina=-4", "%%%&=&&pagina=99999"]
)
def test_an_address_that_nobody_wrote_shows_something_sane(visit: Visit, fragment: str) -> None:
    page = visit(f"/current/{POPERINGE}/index.html#{fragment}")
    assert page.inner_text("#found").endswith("brandkranen")


def test_the_list_sorts_and_turns_pages(visit: Visit, served: Served) -> None:
    page = visit(f"/current/{POPERINGE}/index.html")
    assert _of(served, POPERINGE, "registered") > 100
    assert len(_ids(page)) == 100
    heading = page.locator("#hydrants th", has_text="Gecontroleerd").locator("button")
    heading.click()
    heading.click()
    assert _fragment(page) == {"volgorde": "-gecontroleerd"}
    days = [
        text[6:] + text[3:5] + text[:2]
        for text in page.locator("#hydrants tbody td:nth-child(3)").all_inner_texts()
    ]
    assert days == sorted(days, reverse=True)
    assert days[0] > days[-1]
    first = _ids(page)
    page.click("#later")
    assert _fragment(page) == {"volgorde": "-gecontroleerd", "pagina": "2"}
    assert not set(first) & set(_ids(page))
    page.reload()
    page.wait_for_selector("html[data-ready]")
    assert not set(first) & set(_ids(page))


def test_the_map_shows_what_the_table_points_at(visit: Visit) -> None:
    page = visit(f"/current/{POPERINGE}/index.html#toestand=failed")
    wanted = _ids(page)[0]
    page.locator("#hydrants tbody td button").first.click()
    assert wanted in page.inner_text(".popup")
    page.click(".popup a")
    page.wait_for_url(f"**/hydrant.html#id={quote(wanted)}")
    assert wanted in page.inner_text("h1")


@pytest.mark.parametrize(
    "suffix", [".xlsx", ".csv", ".gpkg", ".geojson", "_niet_in_orde.gpx", "_nog_te_controleren.gpx"]
)
def test_every_download(visit: Visit, served: Served, suffix: str) -> None:
    page = visit(f"/current/{POPERINGE}/index.html")
    with page.expect_download() as waiting:
        page.click(f"#bestanden a[href='{POPERINGE}{suffix}']")
    assert waiting.value.suggested_filename == f"{POPERINGE}{suffix}"
    content = Path(waiting.value.path()).read_bytes()
    assert content == (served.site / "current" / POPERINGE / f"{POPERINGE}{suffix}").read_bytes()
    if suffix == ".xlsx":
        names = openpyxl.load_workbook(io.BytesIO(content), read_only=True).sheetnames
        assert names[0] == "Overzicht"


# -- hydrant and zone --------------------------------------------------------------------------


def test_a_hydrant_tells_its_history_and_where_it_is_written(visit: Visit) -> None:
    page = visit(f"/current/{POPERINGE}/index.html#toestand=failed")
    wanted = _failing(page)
    page.click(f"#hydrants a:text-is('{wanted}')")
    page.wait_for_url("**/hydrant.html#id=*")
    page.wait_for_selector("main table tbody tr")
    text = page.inner_text("main")
    assert "niet in orde" in text or "niet gevonden" in text
    assert re.search(r"(westlandia|interwest)/33021/\S+", text)
    page.goto(page.url.split("#")[0] + "#id=bestaat-niet")
    page.reload()
    page.wait_for_selector("text=bestaat-niet")


def test_the_zone_names_an_alternative_for_what_does_not_work(visit: Visit, served: Served) -> None:
    page = visit("/current/zones/westhoek/index.html")
    failed = sum(line["failed"] for line in _lines(served) if line["nis"] is not None)
    links = page.locator("main a[href*='hydrant.html#id=']")
    assert links.count() >= failed > 100
    assert re.search(r"\d+ m (N|NO|O|ZO|Z|ZW|W|NW)\b", page.inner_text("main"))


# -- how old the data is -----------------------------------------------------------------------


@pytest.mark.parametrize(("hours", "is_loud"), [(1, False), (35, False), (37, True), (24 * 9, True)])
def test_loud_when_stale(visit: Visit, served: Served, hours: int, is_loud: bool) -> None:
    page = visit("/account")
    moment = f"new Date(Date.now() - {hours} * 36e5).toISOString()"
    said = f"window.BRANDKRANEN_STATE = {{confirmed_at: {moment}, stale_hours: 36}};"
    page.context.route("**/state.js", lambda route: route.fulfill(body=said, content_type="text/javascript"))
    for path in (
        "index.html",
        f"{POPERINGE}/index.html",
        f"{POPERINGE}/hydrant.html",
        "zones/westhoek/index.html",
    ):
        page.goto(f"{served.address}/current/{path}")
        assert page.locator(".notice", has_text="niet bijgewerkt").count() == int(is_loud), path
        assert "gegevens van 31 december 2019" in page.inner_text("header")


# -- for everybody -----------------------------------------------------------------------------

PAGES = (
    "/current/index.html",
    f"/current/{POPERINGE}/index.html",
    "/current/32003/index.html",  # two water companies
    f"/current/{POPERINGE}/hydrant.html",
    "/current/zones/westhoek/index.html",
    "/account",
    "/admin",
)


def _hydrant(page: Any, path: str) -> None:
    """On the page of a hydrant, one that is not in order."""
    if path.endswith("hydrant.html"):
        page.goto(page.url.replace("hydrant.html", "index.html#toestand=failed"))
        page.wait_for_selector("#hydrants tbody a")
        page.click("#hydrants tbody a >> nth=0")
        page.wait_for_selector("main table tbody tr")


@pytest.mark.parametrize("options", [{}, PHONE, ZOOMED], ids=["desktop", "phone", "zoom200"])
@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing(visit: Visit, path: str, options: dict[str, Any]) -> None:
    page = visit(path, **options)
    _hydrant(page, path)
    found = Axe().run(page, options={"resultTypes": ["violations", "passes"]})
    assert found.response["violations"] == [], found.generate_report()
    assert len(found.response["passes"]) > 15  # it did look


@pytest.mark.parametrize("options", [PHONE, ZOOMED], ids=["phone", "zoom200"])
@pytest.mark.parametrize("path", PAGES)
def test_nothing_is_wider_than_the_screen(visit: Visit, path: str, options: dict[str, Any]) -> None:
    page = visit(path, **options)
    _hydrant(page, path)
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0
    touch = page.eval_on_selector_all(
        "main button, main select, main input:not([type=hidden])",
        "all => all.filter((one) => one.offsetParent).map((one) => one.getBoundingClientRect().height)",
    )
    assert not [height for height in touch if height < 18]


def test_the_overview_needs_no_scrolling_sideways_on_a_usual_screen(visit: Visit) -> None:
    # 1 200 pixels, less the bar that a browser with windows has beside the page
    page = visit("/current/index.html", viewport={"width": 1200 - 16, "height": 800})
    wide = page.eval_on_selector_all(
        ".scroll:has(.progress)", "all => all.map((one) => one.scrollWidth - one.clientWidth)"
    )
    assert wide
    assert max(wide) <= 0


def test_by_keyboard_alone(visit: Visit) -> None:
    page = visit("/current/index.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Naar de inhoud"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "inhoud"
    for _ in range(60):  # as far as the first gemeente in the table
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('#table-dewatergroep tbody a')"):
            break
    name = page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Enter")
    page.wait_for_selector("#hydrants tbody a")
    assert name in page.inner_text("h1")
    page.focus("#zoek")
    page.keyboard.type("niet in orde")
    assert _shown(page) > 0
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('#hydrants tbody a')"):
            break
    wanted = page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Enter")
    page.wait_for_url("**/hydrant.html#id=*")
    assert wanted in page.inner_text("h1")
    page.focus("nav a")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"


def test_login_and_logout(served: Served, browser: Any) -> None:
    link = re.search(
        r"http://\S+", served.hydrants("accounts", "add", "ieper", "--role", "gemeente", "--scope", "33011")
    )
    assert link is not None
    context = browser.new_context(locale="nl-BE")
    page = context.new_page()
    page.goto(served.address + "/current/33011/index.html")
    page.wait_for_url(re.compile(r"/login(\?|$)"))
    page.goto(served.address + urlsplit(link[0]).path)
    for field in page.locator("input[type=password]").all():
        field.fill("vier gele emmers water")
    page.click("main button[type=submit]")
    page.wait_for_url("**/33011/index.html")
    assert "Aangemeld als ieper" in page.inner_text("header")
    assert page.locator("[data-zone]").count() == 1
    assert not page.locator("[data-zone]").is_visible()  # the zone's page is not for a gemeente
    assert page.goto(served.address + f"/current/{POPERINGE}/index.html").status == 404
    page.goto(served.address + "/current/index.html")
    assert page.locator("#table-dewatergroep tbody tr").count() == 1
    assert "Poperinge" not in page.content()
    page.click("#account a")
    page.click("button:text('Afmelden')")
    page.wait_for_url(re.compile(r"/login(\?|$)"))
    assert page.goto(served.address + "/current/33011/index.html").url.split("?")[0].endswith("/login")
    page.fill("input[name=name]", "ieper")
    page.fill("input[type=password]", "vier gele emmers wijn")
    page.click("main button[type=submit]")
    assert page.locator("[role=alert]").count() == 1
    page.fill("input[name=name]", "Ieper")
    page.fill("input[type=password]", "vier gele emmers water")
    page.keyboard.press("Enter")
    page.wait_for_url("**/33011/index.html")
    context.close()
