"""Files as answers: compressed once, kept in memory while small, and not sent to a reader who has them."""

from __future__ import annotations

import gzip
import hashlib
import os
from collections import OrderedDict
from pathlib import Path
from typing import NamedTuple

import anyio.to_thread
from starlette.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".geojson": "application/geo+json",
    ".csv": "text/csv; charset=utf-8",
    ".gpx": "application/gpx+xml",
    ".gpkg": "application/geopackage+sqlite3",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
}
_COMPRESSIBLE = {".html", ".css", ".js", ".json", ".geojson", ".csv", ".gpx", ".svg"}
_KEPT_FILE_BYTES = 8_000_000
_KEPT_BYTES = 96_000_000
_WORTH_IT_BYTES = 500
_LEVEL = 6

REVALIDATE = (b"cache-control", b"private, no-cache")
_VARY = (b"vary", b"Accept-Encoding, Cookie")


class Body(NamedTuple):
    """What is sent: as it is, and compressed where that helps; and the headers that say so."""

    plain: bytes
    packed: bytes | None
    etag: bytes
    media_type: str

    @classmethod
    def of(cls, content: bytes, suffix: str) -> Body:
        """A body of some bytes, by the suffix of the name under which they are known."""
        packed = None
        if suffix in _COMPRESSIBLE and len(content) >= _WORTH_IT_BYTES:
            packed = gzip.compress(content, _LEVEL, mtime=0)
        digest = hashlib.blake2b(content, digest_size=12).hexdigest()
        # weak: the same for both forms of the body
        return cls(content, packed, f'W/"{digest}"'.encode(), TYPES[suffix])

    def size(self) -> int:
        """Bytes of memory, about."""
        return len(self.plain) + len(self.packed or b"")


class Ready:
    """An answer from memory, as an ASGI application."""

    def __init__(self, body: Body, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        """The answer of a body, with headers besides those of its own."""
        self._body, self._headers = body, headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it: in whole, or that the reader has it already."""
        body = self._body
        accepted, known = b"", b""
        for name, value in scope["headers"]:
            if name == b"accept-encoding":
                accepted = value
            elif name == b"if-none-match":
                known = value
        headers = [REVALIDATE, _VARY, (b"etag", body.etag), *self._headers]
        if known and body.etag.removeprefix(b"W/") in known:
            await send({"type": "http.response.start", "status": 304, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            return
        content = body.plain
        if body.packed is not None and b"gzip" in accepted:
            content = body.packed
            headers.append((b"content-encoding", b"gzip"))
        headers.append((b"content-type", body.media_type.encode()))
        headers.append((b"content-length", str(len(content)).encode()))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else content})


class Files:
    """Regular files as answers; what was asked for last is kept in memory."""

    def __init__(self) -> None:
        """Nothing is kept yet."""
        self._kept: OrderedDict[tuple[str, int, int], Body] = OrderedDict()
        self._bytes = 0

    async def answer(self, path: Path, *, is_download: bool = False) -> Ready | Response:
        """The answer of a file that is known to be one.

        Raises:
            FileNotFoundError: when it is gone since.
        """
        state = path.stat()
        key = (str(path), state.st_mtime_ns, state.st_size)
        headers: tuple[tuple[bytes, bytes], ...] = ()
        if is_download:
            headers = ((b"content-disposition", f'attachment; filename="{path.name}"'.encode()),)
        body = self._kept.get(key)
        if body is not None:
            self._kept.move_to_end(key)
            return Ready(body, headers)
        if state.st_size > _KEPT_FILE_BYTES:
            return _streamed(path, state, headers)
        body = await anyio.to_thread.run_sync(_read, path)
        self._keep(key, body)
        return Ready(body, headers)

    def _keep(self, key: tuple[str, int, int], body: Body) -> None:
        if key in self._kept:  # two asked for it at once
            return
        self._kept[key] = body
        self._bytes += body.size()
        while self._bytes > _KEPT_BYTES:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= oldest.size()


def _read(path: Path) -> Body:
    return Body.of(path.read_bytes(), path.suffix)


def _streamed(path: Path, state: os.stat_result, headers: tuple[tuple[bytes, bytes], ...]) -> Response:
    told = {name.decode(): value.decode() for name, value in (REVALIDATE, _VARY, *headers)}
    return FileResponse(path, media_type=TYPES[path.suffix], stat_result=state, headers=told)
