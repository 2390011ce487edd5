"""Who may see what of the published site: everything that is there, asked for by every kind of account."""

from __future__ import annotations

import io
import json
import re
import socket
from pathlib import Path

import openpyxl
import pytest

from hydrants import reference, store
from hydrants.portal import audit, door, files
from hydrants.portal.house import House
from hydrants.portal.published import Found, Kind
from tests.portal.browser import HOST, Browser, active_parts
from tests.portal.conftest import (
    DIKSMUIDE,
    FORMULA,
    IEPER,
    KOKSIJDE,
    PHOTO,
    POPERINGE,
    SCRIPT,
    SECRET_STREET,
    Enter,
    Published,
)

SUFFIXES = (".xlsx", ".csv", ".gpkg", ".geojson", "_niet_in_orde.gpx", "_nog_te_controleren.gpx")
EVERYWHERE = set(reference.gemeenten())
OF_WESTLANDIA = {nis for nis in EVERYWHERE if not nis.startswith("38")} | {"38002"}
OF_INTERWEST = {DIKSMUIDE} | {nis for nis in EVERYWHERE if nis.startswith("38")}
SEES = {
    "ieper": {IEPER},
    "poperinge": {POPERINGE},
    "brandweer": EVERYWHERE,
    "westlandia": OF_WESTLANDIA,
    "interwest": OF_INTERWEST,
    "planner": EVERYWHERE,
    "beheer": EVERYWHERE,
}


def files_of(published: Published, snapshot: str = "current") -> dict[str, set[str]]:
    """Every file in a snapshot's folder, by the gemeente whose folder it is in; '' for the others."""
    folder = published.settings.site / snapshot
    found: dict[str, set[str]] = {"": set()}
    for path in folder.rglob("*"):
        if path.is_file():
            inside = path.relative_to(folder).as_posix()
            found.setdefault(inside[:5] if inside[:5] in EVERYWHERE else "", set()).add(inside)
    return found


@pytest.mark.parametrize("place", ["current", "snapshots/1", "snapshots/2"])
@pytest.mark.parametrize("name", SEES)
def test_each_account_gets_the_files_of_its_gemeenten(
    name: str, place: str, enter: Enter, published: Published
) -> None:
    browser = enter(name)
    files = files_of(published, place)
    assert files.keys() - {""} == EVERYWHERE
    assert f"{POPERINGE}/photos/{PHOTO}.jpg" in files[POPERINGE]
    for nis in EVERYWHERE:
        assert {f"{nis}/{nis}{suffix}" for suffix in SUFFIXES} <= files[nis]
        expected = 200 if nis in SEES[name] else 404
        # all of those of three gemeenten; of the others one of each kind
        inside = (
            files[nis] if nis in (IEPER, POPERINGE, KOKSIJDE) else {f"{nis}/index.html", f"{nis}/{nis}.csv"}
        )
        answers = {path: browser.get(f"/{place}/{path}").status for path in inside}
        assert answers == dict.fromkeys(inside, expected)


@pytest.mark.parametrize("name", SEES)
def test_the_zone_is_for_who_sees_all_of_it(name: str, enter: Enter) -> None:
    expected = 200 if SEES[name] == EVERYWHERE else 404
    for place in ("/current", "/snapshots/1"):
        assert enter(name).get(f"{place}/zones/westhoek/index.html").status == expected
    assert enter(name).get("/current/zones/elders/index.html").status == 404


@pytest.mark.parametrize("name", SEES)
def test_receipts_are_for_the_firm_and_who_plans(name: str, enter: Enter, published: Published) -> None:
    folder = published.settings.site / "private" / "westlandia"
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("[!.]*") if path.is_file()}
    assert {"index.html", "receipts.css"} < files
    assert any(path.endswith(".xlsx") for path in files)
    expected = 200 if name in ("westlandia", "planner", "beheer") else 404
    browser = enter(name)
    assert {path: browser.get(f"/private/westlandia/{path}").status for path in files} == dict.fromkeys(
        files, expected
    )


@pytest.mark.parametrize("name", SEES)
def test_the_overview_speaks_of_what_may_be_seen(name: str, enter: Enter) -> None:
    browser = enter(name)
    for place in ("/current", "/snapshots/1"):
        page = browser.get(f"{place}/index.html").text
        linked = set(re.findall(r'href="(\d{5})/index\.html"', page))
        assert linked == SEES[name]
        others = [
            gemeente.name_nl for nis, gemeente in reference.gemeenten().items() if nis not in SEES[name]
        ]
        assert [other for other in others if other in page] == []
        lines = json.loads(browser.get(f"{place}/progress.json").content)
        assert {line["nis"] for line in lines} - {None} == SEES[name]
        # the total of a whole water company would tell of the others
        assert (None in {line["nis"] for line in lines}) == (SEES[name] == EVERYWHERE)


def test_nothing_of_another_gemeente_in_any_answer(enter: Enter, published: Published) -> None:
    browser = enter("poperinge")
    assert SECRET_STREET in enter("ieper").get(f"/current/{IEPER}/hydrants.js").text
    paths = ["/", "/account", "/admin", "/current/index.html", "/current/progress.json", "/state.js"]
    paths += [f"/current/{path}" for inside in files_of(published).values() for path in sorted(inside)]
    paths += ["/api/progress", f"/api/gemeenten/{POPERINGE}/hydrants", f"/api/gemeenten/{IEPER}/hydrants"]
    paths += ["/api/hydrants/DWG-7"]
    assert len(paths) > 200
    for path in paths:
        said = browser.get(path).content
        if path.endswith(".xlsx") and said.startswith(b"PK"):
            book = openpyxl.load_workbook(io.BytesIO(said))
            said = repr(
                [[cell.value for cell in row] for sheet in book for row in sheet.iter_rows()]
            ).encode()
        for of_ieper in (SECRET_STREET.encode(), b"DWG-7", b"DWG-33011-1"):
            assert of_ieper not in said, path


def test_without_a_session_there_is_nothing(browser: Browser, published: Published) -> None:
    inside = [f"/current/{path}" for paths in files_of(published).values() for path in paths]
    inside += ["/state.js", "/private/westlandia/index.html", "/api/progress", "/api/hydrants/DWG-7"]
    for path in inside:
        answer = browser.get(path)
        assert answer.status == (303 if path.endswith(".html") else 401), path
        assert b"DWG-" not in answer.content
    answer = browser.get(f"/current/{IEPER}/index.html")
    assert answer.location == f"/login?next=/current/{IEPER}/index.html"


OUTSIDE = (
    "/current/manifest.json",
    f"/current/made_from/{IEPER}.json",
    "/current/overview.json",
    "/current/../state.js",
    "/current/..%2f..%2faccounts.sqlite",
    "/current/%2e%2e/%2e%2e/accounts.sqlite",
    "/current/33021/../33011/index.html",
    "/current/33021/..%2f33011%2findex.html",
    "/current/33021/%2e%2e/33011/hydrants.js",
    "/current/33021%2f..%2f33011/hydrants.js",
    "/current//33011/hydrants.js",
    "/current/33021//hydrants.js",
    "/current/./33011/hydrants.js",
    "/current/33021/..\\33011\\hydrants.js",
    "/current/33021/%2e%2e%5c33011%5chydrants.js",
    "/current/33021/hydrants.js%00.html",
    "/current/33021/hydrants.js%0a",
    "/current/33021/hydrants.js/",
    "/current/33021/.hidden.html",
    "/current/33021/%c0%ae%c0%ae/33011/hydrants.js",
    "/current/33021/%ff.html",
    "/current/%EF%BC%93%EF%BC%93021/index.html",
    "/current/\u0663\u0663021/index.html".encode().decode("latin-1"),
    "/current/page/../33011/hydrants.js",
    "/current/page/",
    "/current/zones/",
    "/current/zones/../33011/hydrants.js",
    "/current/zones/westhoek/..%2f..%2f33011%2findex.html",
    "/snapshots/",
    "/snapshots/0/index.html",
    "/snapshots/3/index.html",
    "/snapshots/01/index.html",
    "/snapshots/1.tmp/index.html",
    "/snapshots/../current/index.html",
    "/snapshots/999999999999999999999/index.html",
    "/private/",
    "/private/interwest/../westlandia/index.html",
    "/private/westlandia/.index.lock",
    "/private/nobody/index.html",
    "/portal/static/../templates/login.html.j2",
    "/portal/static/..%2fapp.py",
    "/portal/static/",
    "/current/" + "a" * 5_000 + ".html",
    "//current/33011/hydrants.js",
    "/CURRENT/33021/hydrants.js",
)


@pytest.mark.parametrize("name", ["poperinge", "beheer"])
def test_no_way_around_the_list(name: str, enter: Enter) -> None:
    """Sent as they are, byte for byte: no library puts them straight first."""
    browser = enter(name)
    answers = {path: _raw(browser, path) for path in OUTSIDE}
    assert {path: status for path, (status, _) in answers.items() if status not in (b"404", b"400")} == {}
    assert [path for path, (_, answer) in answers.items() if b"DWG-" in answer] == []


def _raw(browser: Browser, path: str) -> tuple[bytes, bytes]:
    head = f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n"
    cookie = f"Cookie: __Host-hydrants_session={browser.session()}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", browser.port)) as connection:
        connection.sendall((head + cookie).encode("latin-1"))
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    return answer.split(b" ", 2)[1], answer


def test_no_link_leads_out(enter: Enter, published: Published) -> None:
    folder = (published.settings.site / "current").resolve() / POPERINGE
    outside = published.settings.site.parent / "elders.html"
    outside.write_text("geheim", encoding="utf-8")
    links = {
        "uit.html": outside,
        "ieper.js": folder.parent / IEPER / "hydrants.js",
        "index.js": folder / "hydrants.js",
        "map.html": folder,
    }
    browser = enter("poperinge")
    try:
        for name, target in links.items():
            (folder / name).symlink_to(target)
        assert {name: browser.get(f"/current/{POPERINGE}/{name}").status for name in links} == dict.fromkeys(
            links, 404
        )
    finally:
        for name in links:
            (folder / name).unlink()


def test_what_is_not_there_looks_like_what_is_somebody_elses(enter: Enter) -> None:
    browser = enter("poperinge")
    theirs = browser.get(f"/current/{IEPER}/index.html")
    nowhere = browser.get("/current/99999/index.html")
    assert (theirs.status, theirs.content) == (nowhere.status, nowhere.content)
    old = browser.get(f"/snapshots/1/{IEPER}/{IEPER}.csv")
    gone = browser.get(f"/snapshots/77/{IEPER}/{IEPER}.csv")
    assert (old.status, old.content) == (gone.status, gone.content) == (404, nowhere.content)


def test_downloads_bear_the_name_of_the_gemeente_and_are_noted(
    enter: Enter, house: House, published: Published
) -> None:
    browser = enter("poperinge")
    for suffix in SUFFIXES:
        answer = browser.get(f"/current/{POPERINGE}/{POPERINGE}{suffix}")
        assert answer.headers["content-disposition"] == f'attachment; filename="{POPERINGE}{suffix}"'
        assert (
            answer.content
            == (published.settings.site / "current" / POPERINGE / f"{POPERINGE}{suffix}").read_bytes()
        )
        assert answer.headers["x-content-type-options"] == "nosniff"
    browser.get(f"/current/{IEPER}/{IEPER}.csv")
    with store.read(house.engine) as connection:
        lines = [(line["account"], line["action"], line["detail"]) for line in audit.lines(connection, 7)]
    assert lines[::-1] == [
        *(("poperinge", "download", f"/current/{POPERINGE}/{POPERINGE}{suffix}") for suffix in SUFFIXES),
        ("poperinge", "geweigerd", f"/current/{IEPER}/{IEPER}.csv"),
    ]


def test_what_a_reader_has_is_not_sent_again(enter: Enter, published: Published) -> None:
    browser = enter("poperinge")
    path = f"/current/{POPERINGE}/hydrants.js"
    plain = browser.get(path)
    packed = browser.get(path, Accept_Encoding="gzip, br")
    assert (plain.status, packed.status) == (200, 200)
    assert packed.headers["content-encoding"] == "gzip"
    assert len(packed.content) < len(plain.content) / 2
    assert plain.headers["cache-control"] == "private, no-cache"
    assert plain.headers["vary"] == "Accept-Encoding, Cookie"
    assert plain.headers["etag"] == packed.headers["etag"]
    again = browser.get(path, If_None_Match=plain.headers["etag"])
    assert (again.status, again.content) == (304, b"")
    head = browser.ask("HEAD", path)
    assert (head.status, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(plain.content))
    assert browser.ask("POST", path, {}).status == 405
    # the right to it is asked for first, also by who has it
    assert Browser(browser.port).get(path, If_None_Match=plain.headers["etag"]).status == 401


def test_a_large_file_is_not_kept_in_memory(
    enter: Enter, house: House, published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_KEPT_FILE_BYTES", 100)
    browser = enter("poperinge")
    path = f"/current/{POPERINGE}/{POPERINGE}.gpkg"
    answer = browser.get(path)
    assert answer.content == (published.settings.site / path[1:]).read_bytes()
    assert answer.headers["content-disposition"] == f'attachment; filename="{POPERINGE}.gpkg"'
    assert answer.headers["content-type"] == "application/geopackage+sqlite3"
    assert answer.headers["cache-control"] == "private, no-cache"
    assert (house.files._bytes, len(house.files._kept)) == (0, 0)


def test_what_is_kept_in_memory_has_a_bound(
    enter: Enter, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_KEPT_BYTES", 150_000)
    browser = enter("beheer")
    for nis in EVERYWHERE:
        assert browser.get(f"/current/{nis}/{nis}.xlsx").status == 200
        assert browser.get(f"/current/{nis}/index.html").status == 200
    assert 0 < house.files._bytes <= 150_000
    assert house.files._bytes == sum(body.size() for body in house.files._kept.values())
    assert len(house.files._kept) < 2 * len(EVERYWHERE)


def test_a_snapshot_that_is_removed_in_the_midst(
    enter: Enter, published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = published.settings.site / "snapshots" / "1" / "gone.html"
    monkeypatch.setattr(door.published, "find", lambda *_: Found(Kind.file, gone))
    answer = enter("poperinge").get(f"/snapshots/1/{POPERINGE}/index.html")
    assert (answer.status, "is niet voor u" in answer.text) == (404, True)


def test_the_state_says_whose_session_it_is(enter: Enter) -> None:
    said = enter("ieper").get("/state.js").text
    assert said.endswith('window.BRANDKRANEN_STATE.account = {"name": "ieper", "zones": []};\n')
    assert "confirmed_at" in said
    seen = enter("brandweer").get("/snapshots/state.js").text
    assert seen.endswith('.account = {"name": "brandweer", "zones": ["westhoek"]};\n')


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("ieper", f"/current/{IEPER}/index.html"),
        ("brandweer", "/current/zones/westhoek/index.html"),
        ("westlandia", "/private/westlandia/index.html"),
        ("interwest", "/account"),  # it has sent nothing yet
        ("planner", "/current/index.html"),
        ("beheer", "/current/index.html"),
    ],
)
def test_the_front_door_leads_to_where_the_work_is(name: str, place: str, enter: Enter) -> None:
    answer = enter(name).get("/")
    assert (answer.status, answer.location) == (303, place)
    assert enter(name).get(place).status == 200


def test_hostile_texts_stay_texts(enter: Enter, published: Published) -> None:
    browser = enter("beheer")
    folder = published.settings.site / "current"
    pages = list(folder.rglob("*.html"))
    assert len(pages) > 30
    for path in pages:
        said = browser.get(f"/current/{path.relative_to(folder)}").text
        assert "<img src=x" not in said
        assert active_parts(said) == []
    data = browser.get(f"/current/{POPERINGE}/hydrants.js").text
    assert "onerror" in data  # it is there, as a text of a script
    assert data.isascii()
    csv = browser.get(f"/current/{POPERINGE}/{POPERINGE}.csv").text
    assert "HYPERLINK" in csv
    assert not re.search(r'(^|;)"?[=+@]', csv, flags=re.MULTILINE)
    book = openpyxl.load_workbook(
        io.BytesIO(browser.get(f"/current/{POPERINGE}/{POPERINGE}.xlsx").content), data_only=False
    )
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert FORMULA in {cell.value for cell in cells}
    assert "f" not in {cell.data_type for cell in cells}
    assert {link for sheet in book for link in sheet._hyperlinks} == set()
    names = {Path(path).name for paths in files_of(published).values() for path in paths}
    assert [name for name in names if not re.fullmatch(r"[A-Za-z0-9_.-]+", name)] == []
    assert SCRIPT in browser.get("/api/hydrants/DWG-X1").text.replace('\\"', '"')
