"""Address services on this machine: they answer as Geolocation v4 and adresmatch v2 do, or misbehave."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Request(NamedTuple):
    """What a client asked."""

    path: str
    parameters: dict[str, str]
    headers: dict[str, str]


class Reply(NamedTuple):
    """What it gets back. `cut`: bytes of the body that are announced but never sent."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()
    hangs: bool = False
    cut: int = 0


def as_json(value: Any) -> Reply:
    return Reply(body=json.dumps(value).encode())


HTML = Reply(body=b"<!doctype html><title>Onderhoud</title>", content_type="text/html")
HTML_AS_JSON = HTML._replace(content_type="application/json")
HANGS = Reply(hangs=True)


def busy(seconds: float | str | None = None, status: int = 429) -> Reply:
    headers = () if seconds is None else (("Retry-After", str(seconds)),)
    return Reply(status, b"{}", headers=headers)


def location(
    street: str | None,
    number: str | None,
    postcode: str | None,
    gemeente: str,
    x_l72: float,
    y_l72: float,
    kind: str = "basisregisters_huisnummer_afgeleidVanObject",
    size_m: tuple[float, float] = (0, 0),
) -> dict[str, Any]:
    """One of `LocationResult`, with all its documented members."""

    def point(x: float, y: float) -> dict[str, float]:
        return {"Lat_WGS84": 50.85, "Lon_WGS84": 2.72, "X_Lambert72": x, "Y_Lambert72": y}

    first = " ".join(filter(None, (street, number)))
    return {
        "Municipality": gemeente,
        "Zipcode": postcode,
        "Thoroughfarename": street,
        "Housenumber": number,
        "ID": 3021631,
        "FormattedAddress": ", ".join(filter(None, (first, f"{postcode or ''} {gemeente}".strip()))),
        "Location": point(x_l72, y_l72),
        "LocationType": kind,
        "BoundingBox": {
            "LowerLeft": point(x_l72 - size_m[0] / 2, y_l72 - size_m[1] / 2),
            "UpperRight": point(x_l72 + size_m[0] / 2, y_l72 + size_m[1] / 2),
        },
    }


def street_location(
    street: str, postcode: str, x_l72: float, y_l72: float, size_m: tuple[float, float] = (600, 800)
) -> dict[str, Any]:
    return location(street, None, postcode, "Poperinge", x_l72, y_l72, "basisregisters_straat", size_m)


def gemeente_location(gemeente: str) -> dict[str, Any]:
    return location(None, None, None, gemeente, 34_000, 172_000, "basisregisters_gemeente", (9_000, 9_000))


def match(
    street: str,
    number: str | None,
    postcode: str,
    point: tuple[float, float] | None,
    nis: str = "33021",
    method: str = "afgeleidVanObject",
    specification: str = "gebouweenheid",
    state: str = "inGebruik",
    crs: int = 31370,
) -> dict[str, Any]:
    """One of `adresMatches`; without number and point what the register gives for a street alone."""
    found: dict[str, Any] = {
        "@type": "Adres",
        "gemeente": {
            "objectId": nis,
            "detail": f"https://example.org/v2/gemeenten/{nis}",
            "gemeentenaam": {"geografischeNaam": {"spelling": "Poperinge", "taal": "nl"}},
        },
        "straatnaam": {
            "objectId": "69499",
            "detail": "https://example.org/v2/straatnamen/69499",
            "straatnaam": {"geografischeNaam": {"spelling": street, "taal": "nl"}},
        },
        "score": 89.3,
        "links": [],
    }
    if number is None or point is None:
        return found
    srs = f"https://www.opengis.net/def/crs/EPSG/0/{crs}"
    return found | {
        "identificator": {"objectId": "36416228", "versieId": "2023-11-01T00:00:00+01:00"},
        "postinfo": {"objectId": postcode, "detail": f"https://example.org/v2/postinfo/{postcode}"},
        "huisnummer": number,
        "adresPositie": {
            "geometrie": {
                "type": "Point",
                "gml": f'<gml:Point srsName="{srs}" xmlns:gml="http://www.opengis.net/gml/3.2">'
                f"<gml:pos>{point[0]:.2f} {point[1]:.2f}</gml:pos></gml:Point>",
            },
            "positieGeometrieMethode": method,
            "positieSpecificatie": specification,
        },
        "adresStatus": state,
        "officieelToegekend": True,
    }


def locations(*found: dict[str, Any]) -> Reply:
    return as_json({"LocationResult": list(found)})


def matches(*found: dict[str, Any]) -> Reply:
    return as_json({"@context": "https://example.org/context", "adresMatches": list(found), "warnings": []})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        parts = urllib.parse.urlsplit(self.path)
        parameters = dict(urllib.parse.parse_qsl(parts.query))
        headers = {name.casefold(): value for name, value in self.headers.items()}
        request = Request(parts.path, parameters, headers)
        self.server.requests.append(request)
        reply = self.server.script.pop(0) if self.server.script else self.server.answer(request)
        if reply.hangs:
            self.server.closing.wait()
            return
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body) + reply.cut))
        for name, value in reply.headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)
        self.close_connection = bool(reply.cut)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: what was asked stands in `requests`."""


class Server(ThreadingHTTPServer):
    """A service on a free port. `script` comes first, one reply per request; then `answer` decides."""

    daemon_threads = True

    def __init__(self, answer: Callable[[Request], Reply]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.script: list[Reply] = []
        self.requests: list[Request] = []
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def asked(self) -> list[str]:
        """The texts that Geolocation was asked for."""
        return [request.parameters["q"] for request in self.requests]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is part of the tests."""


@contextmanager
def serving(answer: Callable[[Request], Reply] = lambda _request: locations()) -> Iterator[Server]:
    """A service for as long as the block lasts."""
    with Server(answer) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield server
        finally:
            server.closing.set()
            server.shutdown()


@contextmanager
def dripping(at_once: bytes, drop: bytes, pause_s: float = 0.05) -> Iterator[str]:
    """A service that sends some bytes at once and then a few at a time, for as long as anybody listens."""
    closing = threading.Event()

    def drip(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.recv(65_536)
            connection.sendall(at_once)
            while not closing.wait(pause_s):
                connection.sendall(drop)

    def listen() -> None:
        with contextlib.suppress(OSError):
            while not closing.is_set():
                connection, _ = listener.accept()
                threading.Thread(target=drip, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=listen, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            closing.set()
