"""Address services on the internet, against a server on this machine that answers as they do, or does not."""

from __future__ import annotations

import csv
import gzip
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely
import sqlalchemy as sa
from pydantic import SecretStr, ValidationError

from hydrants import demo, geocoding, night, store
from hydrants.errors import UnusableSetting
from hydrants.geocoding import online
from hydrants.geocoding.online import kept, patience, service
from hydrants.geocoding.online.answer import Answer, Fault, ServiceFailure, Status
from hydrants.geocoding.online.geocoder import Geocoder
from hydrants.geocoding.online.question import Question, questions
from hydrants.geocoding.online.service import Service, Waiting
from hydrants.reference import addresses
from hydrants.reference.street_keys import street_key
from hydrants.settings import Settings
from hydrants.settings import settings as settings_of_process
from hydrants.store import tables
from tests import geocoder_server
from tests.geocoder_server import (
    HANGS,
    HTML,
    HTML_AS_JSON,
    Reply,
    Request,
    Server,
    as_json,
    busy,
    gemeente_location,
    location,
    locations,
    match,
    matches,
    street_location,
)

POPERINGE, IEPER = "33021", "33011"
HOUSE = Question(POPERINGE, "8970", "Duinkerkestraat", "14")
STREET = HOUSE._replace(number=None)
AT_14 = (33_000.0, 171_000.0)
IS_14 = location("Duinkerkestraat", "14", "8970", "Poperinge", *AT_14)
FOUND = locations(IS_14)


@pytest.fixture
def server() -> Iterator[Server]:
    with geocoder_server.serving(lambda _request: FOUND) as server:
        yield server


def asking(settings: Settings, server: Server, **changes: Any) -> Settings:
    """The same settings, with a service on this machine."""
    changes = {"online_geocoder": "geolocation", "online_per_second": 100.0, **changes}
    return settings.model_copy(
        update={"geolocation_url": server.url, "adresmatch_url": server.url + "/v2", **changes}
    )


def plain(**changes: Any) -> Settings:
    return Settings(_env_file=None, **{"online_geocoder": "geolocation", **changes})


def find(geocoder: Geocoder, question: Question) -> Answer:
    return geocoder.understand(question, geocoder.fetch(question))


class Clock:
    """Time that passes by sleeping only; `slept` says how long each time."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.slept: list[float] = []

    def waiting(self) -> Waiting:
        return Waiting(lambda: self.now_s, self.sleep, lambda: 1.0)

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds


# -- the settings ------------------------------------------------------------------------------


def test_nobody_is_asked_by_default(settings: Settings) -> None:
    assert settings.online_geocoder == ""
    assert online.source(settings) is None
    assert "s3cret" not in repr(plain(adresmatch_key=SecretStr("s3cret")))


@pytest.mark.parametrize(
    ("url", "is_taken"),
    [
        ("https://geo.example.org/v4/", True),
        ("http://127.0.0.1:8080/v4", True),
        ("http://geo.example.org/v4", False),
        ("https://user:word@geo.example.org/v4", False),
        ("https://:word@geo.example.org/v4", False),
        ("https://@geo.example.org/v4", False),
        ("https://geo.example.org/v4?key=1", False),
        ("geo.example.org", False),
        ("file:///etc/passwd", False),
        ("", False),
    ],
)
def test_a_service_is_reached_by_https_or_on_this_machine(url: str, is_taken: bool) -> None:
    if is_taken:
        assert plain(geolocation_url=url).geolocation_url == url.rstrip("/")
    else:
        with pytest.raises(ValidationError, match=r"service\.example\.org"):
            plain(geolocation_url=url)


def test_a_key_is_taken_without_the_line_break_that_a_file_ends_in() -> None:
    assert plain(adresmatch_key=SecretStr(" s3cret-key\n")).adresmatch_key.get_secret_value() == "s3cret-key"


@pytest.mark.parametrize("key", ["s3cret\nkey", "s3cr\xe9t", "s3cret\x00", "s3cret\tkey"])
def test_a_key_that_no_header_can_carry_is_refused_and_not_told(
    monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        plain(adresmatch_key=SecretStr(key))
    assert "s3cr" not in str(refused.value)
    monkeypatch.setattr("hydrants.settings.Settings", lambda: plain(adresmatch_key=key))
    settings_of_process.cache_clear()
    with pytest.raises(UnusableSetting, match=r"HYDRANTS_ADRESMATCH_KEY: .*printable ASCII") as told:
        settings_of_process()
    settings_of_process.cache_clear()
    assert "s3cr" not in str(told.value) + str(told.value.__cause__)


def test_the_network_is_imported_only_to_ask() -> None:
    program = "import sys, hydrants.geocoding; sys.exit('httpx' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).resolve().parents[1])


# -- one question over the network -------------------------------------------------------------

PLACE, FAILURE, DOWN, FINAL = "place", Fault.QUESTION, Fault.DOWN, Fault.FINAL
CUT = FOUND._replace(body=FOUND.body[:-40], cut=40)
TRUNCATED = FOUND._replace(body=FOUND.body[:-40])
HUGE = Reply(body=b'{"LocationResult": [' + b" " * 1_100_000 + b"]}")
PACKED = FOUND._replace(body=gzip.compress(FOUND.body), headers=(("Content-Encoding", "gzip"),))
ELSEWHERE = Reply(302, headers=(("Location", "http://localhost:9/Location?q=x"),))
ON = Reply(301, headers=(("Location", "/v5/Location?q=x"),))


@pytest.mark.parametrize(
    ("script", "outcome", "attempts", "waits_s"),
    [
        pytest.param([FOUND], PLACE, 1, [], id="an answer"),
        pytest.param([busy(7), FOUND], PLACE, 2, [7], id="429 with Retry-After"),
        pytest.param([busy(), FOUND], PLACE, 2, [1], id="429 without"),
        pytest.param([busy("morgen"), FOUND], PLACE, 2, [1], id="429 with a Retry-After that says nothing"),
        pytest.param([busy()] * 3, DOWN, 3, [1, 2], id="429 for ever"),
        pytest.param([busy(3600)], FINAL, 1, [], id="429, come back in an hour"),
        pytest.param([busy(3600, 503)], FINAL, 1, [], id="503, come back in an hour"),
        pytest.param([Reply(500), FOUND], PLACE, 2, [1], id="500, then an answer"),
        pytest.param([Reply(500), Reply(502), FOUND], PLACE, 3, [1, 2], id="500, 502, then an answer"),
        pytest.param([Reply(500)] * 3, DOWN, 3, [1, 2], id="500 for ever"),
        pytest.param([Reply(400)], FAILURE, 1, [], id="400"),
        pytest.param([Reply(401)], FINAL, 1, [], id="401, the key is refused"),
        pytest.param([Reply(403)], FINAL, 1, [], id="403"),
        pytest.param([Reply(404)], FAILURE, 1, [], id="404"),
        pytest.param([Reply(204)], FAILURE, 1, [], id="204"),
        pytest.param([HTML, FOUND], PLACE, 2, [1], id="HTML with 200, then an answer"),
        pytest.param([HTML] * 3, DOWN, 3, [1, 2], id="HTML with 200"),
        pytest.param([HTML_AS_JSON] * 3, DOWN, 3, [1, 2], id="HTML that says it is JSON"),
        pytest.param([TRUNCATED] * 3, DOWN, 3, [1, 2], id="truncated JSON"),
        pytest.param([CUT, FOUND], PLACE, 2, [1], id="a connection that breaks"),
        pytest.param([CUT] * 3, DOWN, 3, [1, 2], id="connections that break"),
        pytest.param([Reply(body=b"")] * 3, DOWN, 3, [1, 2], id="nothing at all"),
        pytest.param([Reply(body=b'{"LocationResult": NaN}')] * 3, DOWN, 3, [1, 2], id="NaN"),
        pytest.param([Reply(body=b"[" * 5_000 + b"]" * 5_000)] * 3, DOWN, 3, [1, 2], id="deep nesting"),
        pytest.param([as_json([])], FAILURE, 1, [], id="a list"),
        pytest.param([as_json({"error": "x"})], FAILURE, 1, [], id="no LocationResult"),
        pytest.param([as_json({"LocationResult": None})], FAILURE, 1, [], id="LocationResult null"),
        pytest.param([locations({**IS_14, "Location": None})], FAILURE, 1, [], id="no Location"),
        pytest.param(
            [locations(location("Duinkerkestraat", "14", "8970", "Poperinge", 533_000, 671_000))],
            *(FAILURE, 1, []),
            id="Lambert 2008 under the name of Lambert 72",
        ),
        pytest.param([HUGE], FAILURE, 1, [], id="a huge body"),
        pytest.param([PACKED], FAILURE, 1, [], id="a packed body, which nobody asked for"),
        pytest.param([FOUND._replace(headers=(("Content-Encoding", "identity"),))], PLACE, 1, [],
                     id="a body that says it is not packed"),
        pytest.param([ELSEWHERE], FAILURE, 1, [], id="sent on to another host"),
        pytest.param([ON, FOUND], PLACE, 2, [], id="sent on to another path"),
        pytest.param([ON] * 3, FAILURE, 3, [], id="sent on in circles"),
    ],
)  # fmt: skip
def test_what_becomes_of_a_question(
    server: Server, script: list[Reply], outcome: str, attempts: int, waits_s: list[float]
) -> None:
    server.script, server.answer = list(script), lambda _request: Reply(500)
    clock = Clock()
    settings = asking(plain(), server, online_per_second=1e9)
    with Service(10, settings.online_per_second, clock.waiting()) as way:
        geocoder = Geocoder(settings, way)
        if outcome == PLACE:
            assert find(geocoder, HOUSE).place == (*AT_14, "geolocation_number", 15.0)
        else:
            with pytest.raises(ServiceFailure) as failure:
                find(geocoder, HOUSE)
            assert failure.value.fault == outcome
    assert len(server.requests) == attempts
    assert [pytest.approx(wait_s, abs=1e-6) for wait_s in waits_s] == [s for s in clock.slept if s > 0.1]


def test_a_service_that_does_not_answer_in_time(server: Server) -> None:
    server.script = [HANGS] * 3
    clock = Clock()
    settings = asking(plain(), server)
    with Service(0.2, 100, clock.waiting()) as way, pytest.raises(ServiceFailure, match="3 times"):
        find(Geocoder(settings, way), HOUSE)
    assert len(server.requests) == 3


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    ("at_once", "drop"),
    [
        pytest.param(b"HTTP/1.1 200 OK\r\n", b"X", id="a header without end"),
        pytest.param(HEAD + b"Content-Length: 1000\r\n\r\n", b" ", id="a body"),
        pytest.param(HEAD + b"\r\n" + FOUND.body, b" ", id="a body without length, whole at any moment"),
        pytest.param(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n", id="chunks"),
        pytest.param(b"", b"HTTP/1.1 102 Processing\r\n\r\n", id="patience, please"),
    ],
)
def test_a_service_that_answers_byte_by_byte(at_once: bytes, drop: bytes) -> None:
    """Each byte comes in time, the whole never does: without an end to it this test has none."""
    with geocoder_server.dripping(at_once, drop) as url, Service(0.3, 100, Clock().waiting()) as way:
        with pytest.raises(ServiceFailure, match=r"no whole answer within 0\.3 s, 3 times") as failure:
            way.get(url, {}, {})
        assert failure.value.fault is Fault.DOWN


def test_a_connection_is_used_again_and_ended_in_time_all_the_same(server: Server) -> None:
    server.script = [FOUND, HANGS]
    with Service(0.3, 100, Clock().waiting()) as way:
        for _ in range(2):
            assert way.get(server.url, {}, {}) == {"LocationResult": [IS_14]}
    assert len(server.requests) == 3


def test_a_packed_answer_is_not_unpacked(server: Server) -> None:
    server.answer = lambda _request: PACKED
    with Service(10, 100, Clock().waiting()) as way, pytest.raises(ServiceFailure, match="packed"):
        way.get(server.url, {}, {})
    assert server.requests[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("key", ["s3cret\n", "s3cr\xe9t"])
def test_what_cannot_be_sent_ends_the_questions_and_is_not_told(server: Server, key: str) -> None:
    with Service(10, 100, Clock().waiting()) as way, pytest.raises(ServiceFailure) as failure:
        way.get(server.url, {}, {"x-api-key": key})
    assert failure.value.fault is Fault.FINAL
    assert "s3cr" not in str(failure.value)
    assert server.requests == []


def test_a_service_that_is_not_there() -> None:
    with geocoder_server.serving() as gone:
        settings = asking(plain(), gone)
    with Service(10, 100, Clock().waiting()) as way, pytest.raises(ServiceFailure, match="3 times"):
        find(Geocoder(settings, way), HOUSE)


def test_a_moment_in_retry_after_is_as_good_as_seconds(server: Server) -> None:
    late = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    past = format_datetime(datetime.now(UTC) - timedelta(hours=1), usegmt=True)
    clock, settings = Clock(), asking(plain(), server)
    with Service(10, 100, clock.waiting()) as way:
        server.script = [busy(past)]
        assert find(Geocoder(settings, way), HOUSE).status is Status.PLACE
        server.script = [busy(late)]
        with pytest.raises(ServiceFailure, match=r"asks for 3[56]") as failure:
            find(Geocoder(settings, way), HOUSE)
        assert failure.value.fault is Fault.FINAL


def test_questions_are_spread_out(server: Server) -> None:
    clock = Clock()
    with Service(10, 4, clock.waiting()) as way:
        for _ in range(5):
            find(Geocoder(asking(plain(), server), way), HOUSE)
    assert clock.slept == [pytest.approx(0.25)] * 4


def test_jitter_only_shortens_the_backoff(server: Server) -> None:
    for chance, wait_s in ((0.0, 0.5), (0.5, 0.75), (1.0, 1.0)):
        server.script = [Reply(500), FOUND]
        slept: list[float] = []
        with Service(10, 1e9, Waiting(lambda: 0.0, slept.append, lambda chance=chance: chance)) as way:
            find(Geocoder(asking(plain(), server), way), HOUSE)
        assert max(slept) == pytest.approx(wait_s)


def test_what_geolocation_is_asked(server: Server) -> None:
    with Service(10, 100, Clock().waiting()) as way:
        geocoder = Geocoder(asking(plain(), server), way)
        for question in (HOUSE, STREET, HOUSE._replace(postcode=None, street="Kåter & zn?")):
            geocoder.fetch(question)
    assert {request.path for request in server.requests} == {"/Location"}
    assert server.asked == [
        "Duinkerkestraat 14, 8970 Poperinge",
        "Duinkerkestraat, 8970 Poperinge",
        "Kåter & zn? 14, Poperinge",
    ]
    assert {request.parameters["c"] for request in server.requests} == {"5"}
    assert all("x-api-key" not in request.headers for request in server.requests)


def test_what_adresmatch_is_asked_and_that_its_key_goes_along(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    server.answer = lambda _request: matches(match("Duinkerkestraat", "14", "8970", AT_14))
    settings = asking(plain(), server, online_geocoder="adresmatch", adresmatch_key=SecretStr("s3cret"))
    with Service(10, 100, Clock().waiting()) as way:
        assert find(Geocoder(settings, way), HOUSE).place == (*AT_14, "adresmatch_number", 15.0)
        server.script = [Reply(403)]
        with pytest.raises(ServiceFailure) as failure:
            find(Geocoder(settings, way), HOUSE)
    (asked, _) = server.requests
    assert asked.path == "/v2/adresmatch"
    assert asked.parameters == {
        "niscode": "33021",
        "gemeentenaam": "Poperinge",
        "postcode": "8970",
        "straatnaam": "Duinkerkestraat",
        "huisnummer": "14",
    }
    assert asked.headers["x-api-key"] == "s3cret"
    assert "s3cret" not in caplog.text + str(failure.value)


# -- what an answer is worth -------------------------------------------------------------------

NONE, AMBIGUOUS = (Status.NONE, None), (Status.AMBIGUOUS, None)
NUMBER = (Status.PLACE, (*AT_14, "geolocation_number", 15.0))
WATOU = (26_000.0, 171_000.0)


def at(
    street: str = "Duinkerkestraat",
    number: str | None = "14",
    postcode: str = "8970",
    point: tuple[float, float] = AT_14,
    kind: str = "basisregisters_huisnummer_afgeleidVanObject",
    gemeente: str = "Poperinge",
) -> dict[str, Any]:
    return location(street, number, postcode, gemeente, *point, kind)


@pytest.mark.parametrize(
    ("question", "found", "outcome"),
    [
        (HOUSE, [], NONE),
        (HOUSE, [at()], NUMBER),
        (HOUSE, [at(kind="crab_huisnummer_manueleAanduidingVanPerceel")], NUMBER),
        (HOUSE, [at(kind="basisregisters_huisnummer_geinterpoleerd")],
         (Status.PLACE, (*AT_14, "geolocation_interpolated", 30.0))),
        (HOUSE._replace(is_between=True), [at()], (Status.PLACE, (*AT_14, "geolocation_interpolated", 30.0))),
        (HOUSE, [at(kind="crab_huisnummer_afgeleidVanGemeente")], NONE),
        (HOUSE, [gemeente_location("Poperinge")], NONE),
        (HOUSE, [at(kind="poi_school")], NONE),
        (HOUSE, [at(kind="")], NONE),
        # the street: half a square root of 1 000 m / 24 per axis, at least 30 m
        (HOUSE, [street_location("Duinkerkestraat", "8970", *AT_14)],
         (Status.PLACE, (*AT_14, "geolocation_street", pytest.approx(1_000 / 24**0.5)))),
        (STREET, [street_location("Duinkerkestraat", "8970", *AT_14, (30, 40))],
         (Status.PLACE, (*AT_14, "geolocation_street", 30.0))),
        (STREET, [at()], NONE),
        # other numbers
        (HOUSE, [at(number="15")], NONE),
        (HOUSE, [at(number=None)], NONE),
        (HOUSE, [at(number="14A")], NUMBER),
        (HOUSE, [at(number="14A", point=(33_900, 171_000)), at()], NUMBER),
        (HOUSE._replace(number="14A"), [at()], NUMBER),
        (HOUSE, [at(number="141")], NONE),
        # other names
        (HOUSE, [at("Duinkerkestraat".upper())], NUMBER),
        (HOUSE, [at("Duinkerksestraat")], NUMBER),
        (HOUSE, [at("Kerkstraat")], NONE),
        (HOUSE._replace(street="Oosthoekstraat"), [at("Westhoekstraat")], NONE),
        (HOUSE, [at("Duinkerksestraat", point=(33_900, 171_000)), at()], NUMBER),
        (HOUSE._replace(street="Duinkersestraat"), [at(), at("Duikersestraat", point=(33_900, 171_000))],
         AMBIGUOUS),
        # other gemeenten and villages
        (HOUSE, [at(postcode="8900", gemeente="Ieper")], NONE),
        (HOUSE, [at(postcode="9000", gemeente="Gent", point=(104_000, 192_000))], NONE),
        (HOUSE, [at(postcode="", gemeente="Gent")], NONE),
        (HOUSE, [at(postcode="")], NUMBER),
        (HOUSE, [at(postcode="8978", point=WATOU), at()], NUMBER),
        (HOUSE, [at(postcode="8978", point=AT_14)], NUMBER),
        (HOUSE._replace(postcode=None), [at(postcode="8978", point=WATOU), at()], AMBIGUOUS),
        (HOUSE._replace(postcode=None), [at(postcode="8978", point=(33_050, 171_050)), at()],
         (Status.PLACE, (33_050.0, 171_050.0, "geolocation_number", 15.0))),
        (HOUSE, [at(point=WATOU), at()], AMBIGUOUS),
    ],
)  # fmt: skip
def test_what_locations_are_worth(question: Question, found: list[dict[str, Any]], outcome: Any) -> None:
    answer = Geocoder(plain()).understand(question, {"LocationResult": found})
    assert (answer.status, answer.place) == outcome


def test_a_slip_counts_in_the_name_not_in_its_ending() -> None:
    for asked, answered, is_one in [
        ("Molenstraat", "Moolenstraat", True),
        ("Molenstraat", "Meulenstraat", False),  # two slips
        ("Kerkstraat", "Perkstraat", False),  # too short for a slip
        ("Beekstraat", "Breekstraat", False),
        ("Boterlaan", "Boterlaan", True),
    ]:
        answer = Geocoder(plain()).understand(
            HOUSE._replace(street=asked), {"LocationResult": [at(answered)]}
        )
        assert (answer.place is not None) == is_one, (asked, answered)
        assert answer.is_slip == (is_one and asked != answered)


@pytest.mark.parametrize("size_m", [(20_100.0, 0.0), (1.5e308, 1.5e308)])
def test_a_street_longer_than_any_has_no_middle(size_m: tuple[float, float]) -> None:
    found = street_location("Duinkerkestraat", "8970", *AT_14, size_m)
    assert Geocoder(plain()).understand(STREET, {"LocationResult": [found]}).status is Status.NONE


@pytest.mark.parametrize(
    "kind", ["poi_cafe", "basisregisters_gemeente", "crab_huisnummer_afgeleidVanGemeente"]
)
def test_what_is_no_address_spoils_no_answer(kind: str) -> None:
    odd = {"LocationType": kind, "BoundingBox": None, "Location": "Poperinge"}
    answer = Geocoder(plain()).understand(HOUSE, {"LocationResult": [odd, IS_14]})
    assert answer.place is not None


HOSTILE = match("Duinkerkestraat", "14", "8970", AT_14)
GML = HOSTILE["adresPositie"]["geometrie"]["gml"]


@pytest.mark.parametrize(
    "gml",
    [
        pytest.param(GML.replace("31370", "99999"), id="a system that there is not"),
        pytest.param(GML.replace("31370", "4326"), id="a system that the register does not use"),
        pytest.param(GML.replace("33000.00", "1e999"), id="infinity"),
        pytest.param(GML.replace("33000.00", "1.2.3"), id="no number"),
        pytest.param(GML + " " * 2_000, id="without end"),
    ],
)
def test_a_point_that_cannot_be_one_is_a_failure(gml: str) -> None:
    odd = {**HOSTILE, "adresPositie": {**HOSTILE["adresPositie"], "geometrie": {"gml": gml}}}
    with pytest.raises(ServiceFailure):
        Geocoder(plain(online_geocoder="adresmatch")).understand(HOUSE, {"adresMatches": [odd]})


@pytest.mark.parametrize("service_name", ["geolocation", "adresmatch"])
def test_a_number_of_thousands_of_digits_is_a_failure(service_name: str) -> None:
    words = {
        "LocationResult": [{**IS_14, "Housenumber": "9" * 5_000}],
        "adresMatches": [{**HOSTILE, "huisnummer": "9" * 5_000}],
    }
    with pytest.raises(ServiceFailure):
        Geocoder(plain(online_geocoder=service_name)).understand(HOUSE, words)


ADRESMATCH = (Status.PLACE, (*AT_14, "adresmatch_number", 15.0))


@pytest.mark.parametrize(
    ("question", "found", "outcome", "street"),
    [
        (HOUSE, [], NONE, None),
        (HOUSE, [match("Duinkerkestraat", "14", "8970", AT_14)], ADRESMATCH, "Duinkerkestraat"),
        (HOUSE, [match("Duinkerkestraat", "14", "8970", AT_14, specification="ingang")], ADRESMATCH,
         "Duinkerkestraat"),
        (HOUSE, [match("Duinkerkestraat", "14", "8970", AT_14, method="geinterpoleerd")],
         (Status.PLACE, (*AT_14, "adresmatch_interpolated", 30.0)), "Duinkerkestraat"),
        # a street alone has no point, nor has a house whose point is the gemeente's
        (STREET, [match("Duinkerkestraat", None, "8970", None)], NONE, "Duinkerkestraat"),
        (HOUSE, [match("Duinkerkestraat", None, "8970", None)], NONE, "Duinkerkestraat"),
        (HOUSE, [match("Duinkerkestraat", "14", "8970", AT_14, specification="gemeente")], NONE,
         "Duinkerkestraat"),
        (HOUSE, [match("Duinkerkestraat", "14", "8970", AT_14, state="gehistoreerd")], NONE, None),
        (HOUSE, [match("Duinkerkestraat", "14", "8900", AT_14, nis=IEPER)], NONE, None),
        (HOUSE, [match("Duinkerkestraat", "14", "8970", point) for point in (AT_14, WATOU)], AMBIGUOUS,
         "Duinkerkestraat"),
        # in the system that it names: the Grote Markt of Ieper in Lambert 2008
        (HOUSE._replace(nis=IEPER),
         [match("Duinkerkestraat", "14", "8900", (545_621.28, 672_229.07), IEPER, crs=3812)],
         (Status.PLACE, (pytest.approx(45_621.03, abs=0.02), pytest.approx(172_241.12, abs=0.02),
                         "adresmatch_number", 15.0)), "Duinkerkestraat"),
    ],
)  # fmt: skip
def test_what_matches_are_worth(
    question: Question, found: list[dict[str, Any]], outcome: Any, street: str | None
) -> None:
    geocoder = Geocoder(plain(online_geocoder="adresmatch"))
    answer = geocoder.understand(question, {"adresMatches": found, "warnings": []})
    assert (answer.status, answer.place) == outcome
    assert answer.street == street


def test_a_match_without_a_readable_point_is_a_failure() -> None:
    found = match("Duinkerkestraat", "14", "8970", AT_14)
    found["adresPositie"]["geometrie"]["gml"] = "<gml:Point><gml:pos>1 2</gml:pos></gml:Point>"
    with pytest.raises(ServiceFailure, match="another shape"):
        Geocoder(plain(online_geocoder="adresmatch")).understand(HOUSE, {"adresMatches": [found]})


# -- what is asked about a text ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "postcode", "asked"),
    [
        ("Duinkerkestr. t.o. 14", "8970", [("8970", "Duinkerkestraat", "14")]),
        ("Duinkerkestraat 14, 8978 Watou", "8970", [("8978", "Duinkerkestraat", "14")]),
        ("Duinkerkestraat", None, [(None, "Duinkerkestraat", None)]),
        ("hoek Duinkerkestraat / Markt", None, [(None, "Duinkerkestraat", None)]),
        ("Duinkerkestraat 14, Ieper", None, []),  # another gemeente than the record's
        ("N8 km 3,2", None, []),
        ("tussen 14 en 18 Duinkerkestraat", None, [(None, "Duinkerkestraat", "14")]),
        ("???", None, []),
    ],
)
def test_the_likeliest_reading_is_asked_first(
    text: str, postcode: str | None, asked: list[tuple[str | None, str, str | None]]
) -> None:
    found = questions((POPERINGE, text, postcode))
    parts = [(one.postcode, street_key(one.street), one.number) for one in found]
    assert parts[: len(asked)] == [(code, street_key(street), number) for code, street, number in asked]
    assert bool(found) == bool(asked)
    assert len(found) <= 3


def test_a_postcode_of_another_gemeente_is_not_passed_on_and_a_single_one_always_is() -> None:
    assert {one.postcode for one in questions((POPERINGE, "Markt 3", "8900"))} == {None}
    assert {one.postcode for one in questions(("33029", "Markt 3", None))} == {"8940"}


def test_spellings_of_one_question_are_sent_in_one() -> None:
    sent = {
        questions((POPERINGE, text, "8970"))[0]
        for text in (
            "Duinkerkestr. 14",
            "DUINKERKESTRAAT nr 14",
            "duinkerkestraat t.o. 14",
            "Duinkerkestr 14",
        )
    }
    assert sent == {HOUSE}


def test_a_question_is_known_by_all_that_is_sent() -> None:
    """Else the spelling that comes first would decide on the answer that all others get."""
    for service_name in ("geolocation", "adresmatch"):
        geocoder = Geocoder(plain(online_geocoder=service_name, adresmatch_key=SecretStr("s3cret")))
        others = [
            HOUSE._replace(street="Duinkerke Straat"),
            HOUSE._replace(number="15"),
            HOUSE._replace(number=None),
            HOUSE._replace(postcode=None),
            HOUSE._replace(nis=IEPER),
        ]
        keys = [geocoder.key(question) for question in (HOUSE, *others)]
        assert len(set(keys)) == len(keys)
        assert geocoder.key(HOUSE._replace(is_between=True)) == keys[0]
        assert "s3cret" not in "".join(keys)


# -- the stage ---------------------------------------------------------------------------------


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "Waiting", lambda: Waiting(sleep=lambda _seconds: None))


class Moment:
    """The store's idea of now, which a test can move."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def moment(monkeypatch: pytest.MonkeyPatch) -> Moment:
    moment = Moment()
    monkeypatch.setattr(store, "utc_now", moment)
    return moment


@pytest.fixture
def world(engine: sa.Engine, settings: Settings, no_waiting: None) -> sa.Engine:
    """Poperinge as a rectangle, and an address table that knows the Markt only."""
    area = shapely.box(24_000, 165_000, 38_000, 180_000)
    gpd.GeoDataFrame({"nis": [POPERINGE]}, geometry=[area], crs="EPSG:31370").to_file(
        settings.boundaries, driver="GeoJSON"
    )
    settings.addresses.write_text(
        "EPSG:31370_x,EPSG:31370_y,house_number,municipality_id,postcode,streetname_nl,status\n"
        "34000,172000,3,33021,8970,Markt,current\n",
        encoding="utf-8",
    )
    addresses.load(engine, settings.landing, settings.addresses)
    return engine


def put(engine: sa.Engine, upload_id: int, *rows: dict[str, Any]) -> None:
    """An upload as validation leaves it."""
    with store.write(engine) as connection:
        upload = {"upload_id": upload_id, "sha256": f"{upload_id:064x}", "contractor": "westlandia"}
        upload |= {"nis": POPERINGE, "file_name": f"{upload_id}.csv", "size_bytes": 1}
        store.insert_rows(connection, tables.upload, [{**upload, "landed_at": store.utc_now()}])
        for number, row in enumerate(rows, start=1):
            key = {"row_id": upload_id * tables.ROWS_PER_UPLOAD + number, "upload_id": upload_id}
            raw = {**key, "sheet_number": 1, "row_number": number, "cells": []}
            record = {**key, "contractor": "westlandia", "nis": POPERINGE, "inspected_on": date(2019, 5, 1)}
            record |= {"outcome": "ok", "is_reinspection": False, "is_withdrawn": False}
            record |= {"photos": [], "defects": [], **row}
            store.insert_rows(connection, tables.raw_row, [raw])
            store.insert_rows(connection, tables.ledger, [{**key, "disposition": "accepted", "reasons": []}])
            store.insert_rows(connection, tables.record, [record])
        store.mark_done(connection, "validation", f"upload:{upload_id}", store.fingerprint("first"), {})


def addressed(*texts: str) -> list[dict[str, Any]]:
    return [{"address_text": text, "postcode": "8970"} for text in texts]


def run(engine: sa.Engine, settings: Settings) -> dict[str, int]:
    return geocoding.run(engine, settings, "westlandia", POPERINGE)


def counted(located: int = 0, unlocated: int = 0, asked: int = 0, failed: int = 0, waiting: int = 0) -> Any:
    return {"located": located, "unlocated": unlocated} | {
        "questions_asked": asked,
        "questions_failed": failed,
        "waiting": waiting,
    }


def rows(engine: sa.Engine, table: sa.Table = tables.location) -> list[dict[str, Any]]:
    with store.read(engine) as connection:
        query = sa.select(table).order_by(*table.primary_key.columns)
        return [dict(row) for row in connection.execute(query).mappings()]


def methods(engine: sa.Engine) -> list[str]:
    return [row["location_method"] for row in rows(engine)]


def contents(engine: sa.Engine) -> dict[str, list[dict[str, Any]]]:
    return {table.name: rows(engine, table) for table in tables.metadata.sorted_tables}


def knows(*found: dict[str, Any]) -> Callable[[Request], Reply]:
    """A Geolocation that answers a text with the locations whose street, cut short or not, stands in it."""
    return lambda request: locations(
        *(one for one in found if one["Thoroughfarename"][:8] in request.parameters["q"])
    )


def test_only_what_nothing_else_places_is_asked_and_its_place_is_kept_with_its_accuracy(
    world: sa.Engine, settings: Settings, server: Server
) -> None:
    server.answer = knows(IS_14, at("Ieperstraat", "2", "8978", WATOU), at("Ieperstraat", "2"))
    put(
        world,
        1,
        {"address_text": "Duinkerkestr. 14", "postcode": "8970"},
        {"address_text": "Markt 3"},
        {"address_text": "Duinkerkestraat 14", "x_given": 33_004.0, "y_given": 171_003.0},
        {"address_text": "Ieperstraat 2"},
        {"address_text": "Nergensstraat 7", "x_given": 1.0, "y_given": 1.0},
        {},
    )
    assert run(world, asking(settings, server)) == counted(3, 3, asked=3)
    assert server.asked == [
        "Duinkerkestraat 14, 8970 Poperinge",
        "Ieperstraat 2, Poperinge",
        "Nergensstraat 7, Poperinge",  # with and without number: one request
    ]
    found, by_table, given, ambiguous, nowhere, empty = rows(world)
    assert {name: found[name] for name in found if name not in {"row_id", "upload_id"}} == {
        "x_l72": 33_000.0,
        "y_l72": 171_000.0,
        "location_method": "geolocation_number",
        "location_accuracy_m": 15.0,
        "corrections": [],
        "is_outside_gemeente": False,
        "is_outside_deelgemeente": None,
        "street": "Duinkerkestraat",
        "address_x_l72": 33_000.0,
        "address_y_l72": 171_000.0,
        "address_method": "geolocation_number",
        "address_accuracy_m": 15.0,
    }
    assert by_table["location_method"] == "address_number"
    assert (given["location_method"], given["address_method"]) == ("given_l72", None)
    assert (ambiguous["location_method"], ambiguous["street"]) == ("none", "Ieperstraat")
    assert (nowhere["location_method"], nowhere["corrections"]) == ("none", ["out_of_range"])
    assert empty["location_method"] == "none"
    assert {row["question"] for row in rows(world, tables.geocoder_answer)} == {
        "q=Duinkerkestraat+14%2C+8970+Poperinge&c=5",
        "q=Ieperstraat+2%2C+Poperinge&c=5",
        "q=Nergensstraat+7%2C+Poperinge&c=5",
    }


def test_a_rerun_asks_nothing_and_changes_nothing(
    world: sa.Engine, settings: Settings, server: Server
) -> None:
    settings = asking(settings, server)
    put(world, 1, *addressed("Duinkerkestraat 14", "Nergensstraat 7"))
    server.answer = knows(IS_14)
    run(world, settings)
    before, requests = contents(world), len(server.requests)
    assert before["geocoder_answer"]
    server.answer = lambda _request: Reply(500)
    assert run(world, settings) == counted()
    assert contents(world) == before

    put(world, 2, *addressed("Duinkerkestr. t.o. 14"))  # another spelling of a question that was answered
    assert run(world, settings) == counted(located=1)
    assert len(server.requests) == requests


def test_a_new_version_of_the_source_is_asked_anew_and_the_same_answers_change_nothing(
    world: sa.Engine, settings: Settings, server: Server
) -> None:
    put(world, 1, *addressed("Duinkerkestraat 14"))
    run(world, asking(settings, server))
    before = rows(world)
    assert run(world, asking(settings, server, online_source_version="2026-04")) == counted(1, asked=1)
    assert rows(world) == before
    assert [row["source_version"] for row in rows(world, tables.geocoder_answer)] == ["1", "2026-04"]
    assert len(server.requests) == 2


def test_switched_off_its_places_are_gone_and_switched_on_they_are_back(
    world: sa.Engine, settings: Settings, server: Server
) -> None:
    put(world, 1, *addressed("Duinkerkestraat 14"))
    run(world, asking(settings, server))
    before = rows(world)
    assert run(world, settings) == {"located": 0, "unlocated": 1}
    assert methods(world) == ["none"]
    assert run(world, asking(settings, server)) == counted(located=1)
    assert rows(world) == before
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(500), id="500"),
        pytest.param(busy(), id="429"),
        pytest.param(HTML, id="HTML with 200"),
        pytest.param(TRUNCATED, id="truncated"),
        pytest.param(HUGE, id="huge"),
        pytest.param(ELSEWHERE, id="redirect"),
        pytest.param(Reply(401), id="401"),
        pytest.param(as_json({"LocationResult": {}}), id="another shape"),
    ],
)
def test_a_failure_is_no_answer_and_is_asked_again_the_next_night(
    world: sa.Engine, settings: Settings, server: Server, moment: Moment, reply: Reply
) -> None:
    settings = asking(settings, server)
    put(world, 1, *addressed("Duinkerkestraat 14", "Markt 3"))
    server.answer = lambda _request: reply
    assert run(world, settings) == counted(1, 1, asked=1, failed=1, waiting=1)
    assert methods(world) == ["none", "address_number"]
    assert rows(world, tables.geocoder_answer) == []

    before = rows(world), rows(world, tables.stage_state)
    moment.now += timedelta(days=1)
    assert run(world, settings) == counted(asked=1, failed=1, waiting=1)  # as bad: nothing to store
    assert (rows(world), rows(world, tables.stage_state)) == before

    moment.now += timedelta(days=1)
    server.answer = lambda _request: FOUND
    assert run(world, settings) == counted(2, 0, asked=1)
    assert methods(world) == ["geolocation_number", "address_number"]
    assert run(world, settings) == counted()


def test_what_follows_is_told_when_a_place_was_found_after_all(
    world: sa.Engine, settings: Settings, server: Server, moment: Moment
) -> None:
    """The matcher looks at the fingerprint of this stage: it must change with the places, and only then."""

    def fingerprint() -> str:
        return next(
            row["fingerprint"] for row in rows(world, tables.stage_state) if row["stage"] == "geocoding"
        )

    put(world, 1, *addressed("Duinkerkestraat 14"))
    server.answer = lambda _request: Reply(500)
    run(world, asking(settings, server))
    failed = fingerprint()
    moment.now += timedelta(days=1)
    run(world, asking(settings, server))
    assert fingerprint() == failed
    moment.now += timedelta(days=1)
    server.answer = lambda _request: FOUND
    run(world, asking(settings, server))
    assert fingerprint() != failed


def test_after_three_failures_in_a_row_the_service_is_left_alone_for_an_hour(
    world: sa.Engine, settings: Settings, server: Server, moment: Moment
) -> None:
    settings = asking(settings, server)
    put(world, 1, *addressed(*(f"Verzonnenstraat{letter} 1" for letter in "abcdefgh")))
    server.answer = lambda _request: Reply(500)
    assert run(world, settings) == counted(0, 8, asked=3, failed=3, waiting=8)
    assert run(world, settings) == counted(waiting=8)  # another worker, minutes later
    assert len(server.requests) == 9

    moment.now += timedelta(minutes=61)  # still down: found out with one question
    assert run(world, settings) == counted(asked=1, failed=1, waiting=8)
    moment.now += timedelta(minutes=61)
    server.script = [locations(), *[Reply(500)] * 6]
    server.answer = lambda _request: locations()
    counts = run(world, settings)
    assert counts["questions_failed"] == 2
    assert counts["unlocated"] == 8
    moment.now += timedelta(minutes=1)
    assert run(world, settings)["waiting"] == 0
    assert run(world, settings) == counted()


def test_questions_that_are_refused_for_good_take_no_others_place(
    world: sa.Engine, settings: Settings, server: Server, moment: Moment
) -> None:
    settings = asking(settings, server, online_per_day=4)
    server.answer = lambda request: Reply(400) if "Aa" in request.parameters["q"] else FOUND
    refused = [f"Aa{letter}straat 1" for letter in "bcdefg"]
    put(world, 1, *addressed(*refused, "Duinkerkestraat 14"))
    assert run(world, settings) == counted(0, 7, asked=4, failed=4, waiting=7)
    moment.now += timedelta(days=1)
    assert run(world, settings) == counted(1, 6, asked=4, failed=3, waiting=6)
    moment.now += timedelta(days=1)
    run(world, settings)
    asked = [text.split(",")[0] for text in server.asked]
    # those that were never asked, then those that failed longest ago
    assert asked[:6] == [*refused[:4], *refused[4:]]
    assert asked[6] == "Duinkerkestraat 14"
    assert asked[7] in refused[:4]
    assert set(asked[8:]) <= set(refused)
    assert [row["failures_in_row"] for row in rows(world, tables.geocoder_use)] == [0, 0, 0]
    assert len(rows(world, tables.geocoder_failure)) == 6


def test_a_service_that_refuses_everything_is_not_asked_everything(
    world: sa.Engine, settings: Settings, server: Server
) -> None:
    server.answer = lambda _request: Reply(400)
    put(world, 1, *addressed(*(f"Verzonnenstraat{number:02}x 14" for number in range(40))))
    assert run(world, asking(settings, server)) == counted(0, 40, asked=25, failed=25, waiting=40)


@pytest.mark.parametrize("first", [0, 1])
def test_the_spelling_that_comes_first_decides_nothing(
    world: sa.Engine, settings: Settings, server: Server, first: int
) -> None:
    texts = ["Duinkerke Straat 14", "DUINKERKESTR. 14"]
    server.answer = lambda request: FOUND if "Duinkerkestraat" in request.parameters["q"] else locations()
    for upload_id, text in enumerate((texts[first], texts[1 - first]), start=1):
        put(world, upload_id, *addressed(text))
        run(world, asking(settings, server))
    assert methods(world) == (
        ["none", "geolocation_number"] if first == 0 else ["geolocation_number", "none"]
    )


@pytest.mark.parametrize(
    ("by_table", "method"),
    [
        pytest.param([], "geolocation_number", id="unknown to the table"),
        pytest.param(["Koutermolenstraat"], "geolocation_number", id="a slip to the table too"),
        pytest.param(["Koutermolenstraat", "Koutermalenstraat"], "none", id="the table is of two minds"),
    ],
)
def test_a_slip_of_a_street_that_the_table_has_must_be_one_to_the_table_too(
    world: sa.Engine, settings: Settings, server: Server, by_table: list[str], method: str
) -> None:
    with store.write(world) as connection:
        store.insert_rows(
            connection,
            tables.address,
            [
                {"address_id": 90 + number, "nis": POPERINGE, "postcode": "8970", "street": street}
                | {"street_key": street_key(street), "house_number": "5"}
                for number, street in enumerate(by_table)
            ],
        )
    server.answer = lambda _request: locations(at("Koutermolenstraat", "5"))
    put(world, 1, *addressed("Koutermilenstraat 5"))
    run(world, asking(settings, server))
    assert len(server.requests) == 1
    assert methods(world) == [method]


def test_one_bad_answer_stops_no_batch(world: sa.Engine, settings: Settings, server: Server) -> None:
    bad = {
        **HOSTILE,
        "adresPositie": {**HOSTILE["adresPositie"], "geometrie": {"gml": GML.replace("31370", "99999")}},
    }
    server.answer = lambda request: (
        matches(bad)
        if request.parameters["straatnaam"] == "Duinkerkestraat"
        else matches(match("Ieperstraat", "2", "8970", AT_14))
    )
    put(world, 1, *addressed("Duinkerkestraat 14", "Ieperstraat 2"))
    settings = asking(settings, server, online_geocoder="adresmatch")
    assert run(world, settings) == counted(1, 1, asked=2, failed=1, waiting=1)


def test_a_refused_key_ends_the_questions_at_once(
    world: sa.Engine, settings: Settings, server: Server
) -> None:
    server.answer = lambda _request: Reply(401)
    put(world, 1, *addressed("Duinkerkestraat 14", "Ieperstraat 2"))
    assert run(world, asking(settings, server)) == counted(0, 2, asked=1, failed=1, waiting=2)


def test_no_more_questions_than_allowed_in_a_day(
    world: sa.Engine, settings: Settings, server: Server, moment: Moment
) -> None:
    settings = asking(settings, server, online_per_day=3)
    server.answer = lambda request: locations(at(request.parameters["q"].split(" 14")[0]))
    put(world, 1, *addressed(*(f"Verzonnenstraat{letter} 14" for letter in "abcdefgh")))
    assert run(world, settings) == counted(3, 5, asked=3, waiting=5)
    assert run(world, settings) == counted(waiting=5)
    moment.now += timedelta(days=1)
    assert run(world, settings) == counted(6, 2, asked=3, waiting=2)
    moment.now += timedelta(days=1)
    assert run(world, settings) == counted(8, 0, asked=2)
    assert [row["questions"] for row in rows(world, tables.geocoder_use)] == [3, 3, 2]


def test_two_workers_share_the_questions_of_a_day(
    world: sa.Engine, settings: Settings, server: Server
) -> None:
    """The second one comes while the first waits for its first answer."""
    settings = asking(settings, server, online_per_day=3)
    texts = [(POPERINGE, f"Duinkerkestraat {number}", "8970") for number in range(1, 9)]
    other = store.create_engine(world.url.render_as_string(hide_password=False))
    counts: list[dict[str, int]] = []

    def answer(_request: Request) -> Reply:
        if len(server.requests) == 1:
            counts.append(online.ask(other, settings, texts[4:]))
        return locations()

    server.answer = answer
    counts.append(online.ask(world, settings, texts[:4]))
    assert [one["questions_asked"] for one in counts] == [0, 3]
    assert len(server.requests) == 3
    assert [row["questions"] for row in rows(world, tables.geocoder_use)] == [3]
    other.dispose()


def test_a_killed_worker_leaves_its_portion_counted(
    world: sa.Engine, settings: Settings, server: Server
) -> None:
    settings = asking(settings, server, online_per_day=30)
    with store.write(world) as connection:
        patience.reserve(connection, settings, store.utc_now())  # and never given back
    put(world, 1, *addressed(*(f"Verzonnenstraat{number:02}x" for number in range(10))))
    server.answer = lambda _request: locations()
    assert run(world, settings)["questions_asked"] == 5


def test_a_slow_service_cannot_hold_up_the_night(
    world: sa.Engine, settings: Settings, server: Server, moment: Moment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each answer takes 9 s of the 60 s that a day has, whatever batch or worker asks."""
    clock = Clock()
    monkeypatch.setattr("hydrants.geocoding.online.asking.time", clock)
    monkeypatch.setattr("hydrants.geocoding.online.patience.time", clock)
    settings = asking(settings, server, online_wait_s_per_day=60.0)

    def answer(_request: Request) -> Reply:
        clock.now_s += 9
        return locations()

    server.answer = answer
    first = [(POPERINGE, f"Verzonnenstraat{letter}", "8970") for letter in "abcd"]
    second = [(POPERINGE, f"Bedachtestraat{letter}", "8970") for letter in "abcdefgh"]
    assert online.ask(world, settings, first)["questions_asked"] == 4
    assert online.ask(world, settings, second)["questions_asked"] == 3
    assert online.ask(world, settings, second)["questions_asked"] == 0
    assert [row["waited_s"] for row in rows(world, tables.geocoder_use)] == [63.0]
    moment.now += timedelta(days=1)
    assert online.ask(world, settings, second)["questions_asked"] == 5


def test_a_day_begins_at_midnight_in_belgium() -> None:
    at_night = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)  # 00:30 of the 3rd
    assert patience._day(at_night) == date(2026, 3, 3)


def test_answers_are_kept_as_they_come_so_that_a_killed_run_asks_few_of_them_again(
    world: sa.Engine, settings: Settings, server: Server
) -> None:
    put(world, 1, *addressed(*(f"Verzonnenstraat{number:02}x 14" for number in range(40))))

    class Killed(BaseException):
        pass

    def answer(_request: Request) -> Reply:
        return locations(at("Verzonnenstraat00x"))

    server.answer = answer
    real = Geocoder.fetch

    def dies(geocoder: Geocoder, question: Question) -> Any:
        if len(server.requests) == 30:
            with store.read(world) as connection:  # what a process that ends here leaves behind
                kept_so_far.append(len(connection.execute(sa.select(tables.geocoder_answer)).all()))
            raise Killed
        return real(geocoder, question)

    kept_so_far: list[int] = []
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Geocoder, "fetch", dies)
        run(world, asking(settings, server))
    assert kept_so_far == [25]
    assert rows(world) == []
    run(world, asking(settings, server))
    assert len(rows(world)) == 40


def test_no_transaction_is_open_while_the_service_is_waited_for(
    world: sa.Engine, settings: Settings, server: Server
) -> None:
    """Otherwise this write, made while the service thinks, would have to wait for it."""
    other = store.create_engine(world.url.render_as_string(hide_password=False))

    def answer(_request: Request) -> Reply:
        with store.write(other, turn=f"geocoding westlandia/{POPERINGE}") as connection:
            connection.execute(sa.insert(tables.run).values(kind="meanwhile", started_at=store.utc_now()))
        return FOUND

    server.answer = answer
    put(world, 1, *addressed("Duinkerkestraat 14"))
    assert run(world, asking(settings, server)) == counted(1, asked=1)
    assert [row["kind"] for row in rows(world, tables.run)] == ["meanwhile"]
    other.dispose()


def test_the_first_answer_to_a_question_stays(world: sa.Engine, settings: Settings, server: Server) -> None:
    settings = asking(settings, server)
    words = [{"LocationResult": [at(point=point)]} for point in (AT_14, WATOU)]
    for each in words:
        with store.write(world) as connection:
            kept.keep(connection, settings, [kept.Told(HOUSE, each)])
    assert [row["answer"] for row in rows(world, tables.geocoder_answer)] == words[:1]


def test_a_kept_answer_that_is_understood_no_more_is_asked_anew(
    world: sa.Engine, settings: Settings, server: Server
) -> None:
    put(world, 1, *addressed("Duinkerkestraat 14"))
    with store.write(world) as connection:
        answer = {"service": "geolocation", "source_version": "1", "question": Geocoder(plain()).key(HOUSE)}
        store.insert_rows(
            connection, tables.geocoder_answer, [{**answer, "answer": {}, "asked_at": store.utc_now()}]
        )
    assert run(world, asking(settings, server)) == counted(1, asked=1)
    assert run(world, asking(settings, server)) == counted()
    assert [row["answer"] for row in rows(world, tables.geocoder_answer)] == [{"LocationResult": [IS_14]}]


def test_many_questions_are_looked_up_in_sets(world: sa.Engine, settings: Settings, server: Server) -> None:
    settings = asking(settings, server)
    several = [HOUSE._replace(number=str(number)) for number in range(12_000)]
    words = {"LocationResult": []}
    with store.write(world) as connection:
        kept.keep(connection, settings, [kept.Told(question, words) for question in several])
    statements: list[str] = []
    with store.read(world) as connection:
        sa.event.listen(world, "before_cursor_execute", lambda *args: statements.append(args[2]))
        found = kept.load(connection, settings, map(Geocoder(settings).key, several))
    assert len(found) == 12_000
    assert len(statements) <= 4


def test_hostile_words_of_a_service_are_kept_and_harmless(
    world: sa.Engine, settings: Settings, server: Server
) -> None:
    hostile = "x'; DROP TABLE location; --\x00<img onerror=alert(1)>\U0001f525"
    server.answer = lambda _request: locations(at(hostile), IS_14, {**at(), "Extra": hostile})
    put(world, 1, *addressed("Duinkerkestraat 14"))
    run(world, asking(settings, server))
    (row,) = rows(world)
    assert (row["location_method"], row["street"]) == ("geolocation_number", "Duinkerkestraat")


# -- a night -----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def small_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four batches of a Westhoek in miniature whose address file lacks most streets; `all.csv` has them."""
    directory = tmp_path_factory.mktemp("world")
    demo.write(directory, seed=7, scale=0.04)
    for batch in (directory / "uploads").glob("*/*"):
        if batch.name not in {POPERINGE, IEPER, "38016", "38025"}:
            shutil.rmtree(batch)
    path = (directory / "addresses.csv").rename(directory / "all.csv")
    lines = path.read_text(encoding="utf-8").splitlines()[:50]
    (directory / "addresses.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return directory


def pointed_at(settings: Settings, world: Path) -> Settings:
    names = ("uploads", "registers", "boundaries.geojson", "addresses.csv")
    return settings.model_copy(update={name.split(".")[0]: world / name for name in names})


def progress(engine: sa.Engine) -> list[dict[str, Any]]:
    """The newest snapshot's table."""
    found = rows(engine, tables.snapshot_progress)
    newest = max(row["snapshot_id"] for row in found)
    return [
        {name: value for name, value in row.items() if name != "snapshot_id"}
        for row in found
        if row["snapshot_id"] == newest
    ]


def test_a_night_with_the_service_down_ends_well_with_the_same_figures(
    engine: sa.Engine, settings: Settings, server: Server, small_world: Path, no_waiting: None
) -> None:
    settings = pointed_at(settings, small_world)
    server.answer = lambda _request: HTML
    down = night.whole_night(engine, asking(settings, server))
    assert down["problems"] == []
    assert down["geocode"]["questions_failed"] == 3  # for all batches together
    assert down["geocode"]["waiting"] > 3
    assert len(server.requests) == 9
    assert "none" in methods(engine)
    with_service_down = progress(engine)
    assert sum(line["checked"] for line in with_service_down) > 100

    night.whole_night(engine, settings)
    assert progress(engine) == with_service_down


def test_the_night_after_the_records_that_waited_are_placed_and_matched(
    engine: sa.Engine,
    settings: Settings,
    server: Server,
    small_world: Path,
    no_waiting: None,
    moment: Moment,
) -> None:
    with (small_world / "all.csv").open(encoding="utf-8", newline="") as file:
        register = [
            location(
                *(row["streetname_nl"], row["house_number"], row["postcode"], row["municipality_name_nl"]),
                *(float(row["EPSG:31370_x"]), float(row["EPSG:31370_y"])),
            )
            for row in csv.DictReader(file)
        ]

    def knows_all(request: Request) -> Reply:
        address, _, place = request.parameters["q"].rpartition(", ")
        return locations(
            *[
                one
                for one in register
                if f"{one['Thoroughfarename']} {one['Housenumber']}" == address
                and place.endswith(one["Municipality"])
            ][:5]
        )

    def placed() -> dict[int, str]:
        """Verdicts on the records that the service placed."""
        found = {row["row_id"]: row["verdict"] for row in rows(engine, tables.match)}
        return {
            row["row_id"]: found[row["row_id"]]
            for row in rows(engine)
            if row["location_method"] == "geolocation_number"
        }

    settings = asking(pointed_at(settings, small_world), server)
    moment.now = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
    server.answer = lambda _request: Reply(500)
    waiting = night.whole_night(engine, settings)["geocode"]["waiting"]
    before = {row["row_id"]: row["verdict"] for row in rows(engine, tables.match)}
    assert placed() == {}

    moment.now += timedelta(days=1)
    server.answer = knows_all
    after = night.whole_night(engine, settings)
    assert after["geocode"]["waiting"] == 0 < waiting
    assert len(placed()) >= 3
    assert {before[row_id] for row_id in placed()} != {"linked"}
    assert "linked" in {verdict for row_id, verdict in placed().items() if before[row_id] != "linked"}

    moment.now += timedelta(days=1)
    requests, found = len(server.requests), (rows(engine), rows(engine, tables.match), progress(engine))
    night.whole_night(engine, settings)
    assert (rows(engine), rows(engine, tables.match), progress(engine)) == found
    assert len(server.requests) == requests
