"""What holds for every request and answer: the host asked for, the size of what is sent, safe headers."""

from __future__ import annotations

from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_SENT_BYTES = 65_536
_READS = {"GET", "HEAD", "OPTIONS"}
_THIS_MACHINE = {"127.0.0.1", "localhost", "[::1]"}

Header = tuple[bytes, bytes]


def safe_headers(tiles_host: str, *, is_https: bool) -> list[Header]:
    """The headers of every answer.

    Args:
        tiles_host: where the maps may take a background from, as `Tiles.host` has it; "": nowhere.
    """
    images = " ".join(filter(None, ("'self'", "data:", tiles_host)))
    policy = (
        f"default-src 'none'; script-src 'self'; style-src 'self'; img-src {images}; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
    # servers of tiles want to know which site asks; they learn its name and no more
    referrer = "strict-origin-when-cross-origin" if tiles_host else "same-origin"
    given = {
        "content-security-policy": policy,
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": referrer,
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": "camera=(), microphone=(), payment=(), usb=(), geolocation=(self)",
        "x-robots-tag": "noindex",
    }
    if is_https:
        given["strict-transport-security"] = "max-age=31536000"
    return [(name.encode(), value.encode()) for name, value in given.items()]


class Shell:
    """An ASGI application around another."""

    def __init__(self, app: ASGIApp, hosts: Collection[str], tiles_host: str) -> None:
        """Put the shell around `app`.

        Args:
            hosts: names that the portal goes by, without port; empty: any.
        """
        self._app = app
        self._hosts = frozenset({*hosts, *_THIS_MACHINE}) if hosts else frozenset()
        self._headers = {is_https: safe_headers(tiles_host, is_https=is_https) for is_https in (True, False)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and its answer back with what every answer bears."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = self._headers[scope["scheme"] == "https"]

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = message.get("headers", [])
                message["headers"] = [*given, *headers]
                if not any(name == b"cache-control" for name, _ in given):
                    message["headers"].append((b"cache-control", b"no-store"))
            await send(message)

        if self._hosts and _host(scope) not in self._hosts:
            await PlainTextResponse("Onbekend adres.", status_code=400)(scope, receive, send_safely)
            return
        if scope["method"] in _READS:
            await self._app(scope, receive, send_safely)
            return
        length = Headers(scope=scope).get("content-length", "0")
        if not length.isdecimal() or int(length) > MOST_SENT_BYTES:
            await PlainTextResponse("Te groot.", status_code=413)(scope, receive, send_safely)
            return
        await self._app(scope, _measured(receive), send_safely)


def _host(scope: Scope) -> str:
    given = Headers(scope=scope).get("host", "")
    return given.rpartition(":")[0] if given.rpartition(":")[2].isdecimal() else given


def _measured(receive: Receive) -> Receive:
    """Receive no more than a form holds, also of what does not say its length; then it is as if cut off."""
    left = MOST_SENT_BYTES

    async def received() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        return message if left >= 0 else {"type": "http.disconnect"}

    return received
