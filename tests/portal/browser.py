"""A browser without a screen: it keeps cookies, sends forms, and asks for paths as they are given."""

from __future__ import annotations

import http.client
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from typing import NamedTuple
from urllib.parse import urlencode

import uvicorn
from starlette.types import ASGIApp

HOST = "brandkranen.example.org"


class _Active(HTMLParser):
    """Collects what would run or dress a page from within it."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.add(tag)
        is_code = tag == "script" and "src" not in given and given.get("type") != "application/json"
        if is_code or tag in ("style", "base", "iframe", "object", "embed"):
            self.found.append(f"<{tag}>")
        for name, value in attrs:
            if (
                name.startswith("on")
                or name == "style"
                or (value or "").strip().lower().startswith("javascript:")
            ):
                self.found.append(f"<{tag} {name}={value}>")


def active_parts(html: str) -> list[str]:
    """Scripts, styles and handlers that stand in a page itself; a page without any tag is none."""
    parser = _Active()
    parser.feed(html)
    assert "html" in parser.tags
    return parser.found


class Answer(NamedTuple):
    """What came back; names of headers in lower case, those of cookies one by one."""

    status: int
    headers: dict[str, str]
    set_cookies: list[str]
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode("utf-8")

    @property
    def location(self) -> str:
        return self.headers["location"]


class Browser:
    """One visitor's browser, at an address of its own, before a proxy that the portal believes."""

    def __init__(self, port: int, address: str = "203.0.113.5", scheme: str = "https") -> None:
        self.port, self.address, self.scheme = port, address, scheme
        self.host = HOST
        self.cookies: dict[str, str] = {}

    def ask(self, method: str, path: str, fields: dict[str, str] | None = None, **headers: str) -> Answer:
        """A request with this browser's cookies; underscores in names of headers are dashes."""
        sent = {
            "Host": self.host,
            "X-Forwarded-For": self.address,
            "X-Forwarded-Proto": self.scheme,
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        if self.cookies:
            sent.setdefault("Cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        body = None
        if fields is not None:
            body = urlencode(fields)
            sent.setdefault("Content-Type", "application/x-www-form-urlencoded")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, body, sent)
        response = connection.getresponse()
        answer = Answer(
            response.status,
            {name.lower(): value for name, value in response.getheaders()},
            [value for name, value in response.getheaders() if name.lower() == "set-cookie"],
            response.read(),
        )
        connection.close()
        for text in answer.set_cookies:
            for name, morsel in SimpleCookie(text).items():
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
        return answer

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, **headers)

    def post(self, path: str, fields: dict[str, str], **headers: str) -> Answer:
        """A form of a page of the portal."""
        headers.setdefault("Origin", f"{self.scheme}://{self.host}")
        return self.ask("POST", path, fields, **headers)

    def csrf(self, page: str) -> str:
        found = re.search(r'name="csrf" value="([0-9a-f]{64})"', self.get(page).text)
        assert found is not None
        return found[1]

    def submit(self, page: str, action: str, /, **fields: str) -> Answer:
        """Open a page and send a form of it."""
        return self.post(action, {"csrf": self.csrf(page), **fields})

    def login(self, name: str, password: str, next_place: str = "") -> Answer:
        return self.submit("/login", "/login", name=name, password=password, next=next_place)

    def session(self) -> str:
        """The token of its session."""
        return self.cookies["__Host-hydrants_session" if self.scheme == "https" else "hydrants_session"]


@contextmanager
def running(app: ASGIApp) -> Iterator[int]:
    """Serve an application from a thread; the port."""
    config = uvicorn.Config(
        app,
        port=0,
        log_level="critical",
        access_log=False,
        ws="none",
        forwarded_allow_ips="*",
        lifespan="off",
    )
    server = uvicorn.Server(config)
    ready = threading.Event()
    startup = server.startup

    async def started(*arguments: object, **named: object) -> None:
        await startup(*arguments, **named)  # type: ignore[arg-type]
        ready.set()

    server.startup = started  # type: ignore[method-assign,assignment]
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert ready.wait(30)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(30)
