"""One polite question to a web service, and a body of JSON back: or a failure, and nothing in between."""

from __future__ import annotations

import email.utils
import random
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from types import TracebackType
from typing import Any, NamedTuple, Self

import httpx
import orjson

from hydrants.geocoding.online.answer import Fault, ServiceFailure
from hydrants.geocoding.online.deadline import Deadline

_ATTEMPTS = 3
_BACKOFF_S = 1.0  # doubled with each attempt, and shortened at random so that workers do not come together
_LONGEST_WAIT_S = 30.0
"""A service that asks for a longer rest gets it, but not within this run."""
_LARGEST_BYTES = 1_000_000
_REDIRECTS = 2
_REFUSING = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
_UNSENDABLE = "what is to be sent is no HTTP: look at the settings of the service"


class _Repeatable(Exception):
    """What another attempt may put right. `wait_s`: how long the service asks to wait."""

    def __init__(self, message: str, wait_s: float | None = None) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class Waiting(NamedTuple):
    """The clock (seconds that only go up), the sleep and the chance that a service is asked by."""

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random


class Service:
    """A web service that answers in JSON.

    Args:
        timeout_s: for one attempt, from the first byte sent to the last one read.
        per_second: attempts, at most.
    """

    def __init__(self, timeout_s: float, per_second: float, waiting: Waiting | None = None) -> None:
        self._timeout_s = timeout_s
        self._pause_s = 1 / per_second
        self._clock, self._sleep, self._chance = waiting or Waiting()
        self._not_before = self._clock()
        # what is not packed cannot unpack to more than it is
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "hydrants"}
        self._deadline = Deadline(timeout_s)
        self._client = httpx.Client(timeout=timeout_s, headers=headers, follow_redirects=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()
        self._deadline.close()

    def get(self, url: str, parameters: Mapping[str, str], headers: Mapping[str, str]) -> Any:
        """What the service answers, from JSON.

        Raises:
            ServiceFailure: if it does not, after a few attempts where these may help.
        """
        try:
            request = self._client.build_request("GET", url, params=parameters, headers=headers)
        except UnicodeEncodeError:
            raise ServiceFailure(_UNSENDABLE, Fault.FINAL) from None
        for attempt in range(1, _ATTEMPTS + 1):
            self._take_turn()
            try:
                return _content(self._attempt(request))
            except httpx.LocalProtocolError:  # its text tells what was sent, a key too
                raise ServiceFailure(_UNSENDABLE, Fault.FINAL) from None
            except (_Repeatable, httpx.TransportError) as error:
                asked_s = error.wait_s if isinstance(error, _Repeatable) else None
                what = str(error) if isinstance(error, _Repeatable) else type(error).__name__
                if asked_s is not None and asked_s > _LONGEST_WAIT_S:
                    raise ServiceFailure(
                        f"{what}, and asks for {asked_s:.0f} s of rest", Fault.FINAL
                    ) from error
                if attempt == _ATTEMPTS:
                    raise ServiceFailure(f"{what}, {_ATTEMPTS} times in a row", Fault.DOWN) from error
                backoff_s = _BACKOFF_S * 2 ** (attempt - 1) * (0.5 + self._chance() / 2)
                self._sleep(max(asked_s or 0.0, backoff_s))
        raise AssertionError("the last attempt returns or raises")

    def _take_turn(self) -> None:
        now = self._clock()
        if self._not_before > now:
            self._sleep(self._not_before - now)
        self._not_before = max(now, self._not_before) + self._pause_s

    def _attempt(self, request: httpx.Request) -> tuple[str, bytes]:
        """Content type and body, from where the question was sent to or another path of the same host."""
        with self._deadline.running() as deadline:
            try:
                answer = self._following(request)
            except httpx.TransportError as error:
                if deadline.is_over:
                    raise self._too_late() from error
                raise
        if deadline.is_over:  # a body without a length ends as well where it is cut off
            raise self._too_late()
        return answer

    def _too_late(self) -> _Repeatable:
        return _Repeatable(f"no whole answer within {self._timeout_s:g} s")

    def _following(self, request: httpx.Request) -> tuple[str, bytes]:
        origin = _origin(request.url)
        for _ in range(_REDIRECTS + 1):
            request.extensions["trace"] = self._deadline.trace
            response = self._client.send(request, stream=True)
            try:
                if not response.has_redirect_location:
                    _check_status(response)
                    return response.headers.get("content-type", ""), _body(response)
                following = response.next_request
            finally:
                response.close()
            if following is None or _origin(following.url) != origin:
                raise ServiceFailure("it sends on to another host")
            request = following
        raise ServiceFailure("it sends on in circles")


def _body(response: httpx.Response) -> bytes:
    if response.headers.get("content-encoding", "identity").strip().casefold() != "identity":
        raise ServiceFailure("a packed answer, which was not asked for")
    body = bytearray()
    for part in response.iter_raw():
        body += part
        if len(body) > _LARGEST_BYTES:
            raise ServiceFailure(f"an answer of more than {_LARGEST_BYTES} bytes")
    return bytes(body)


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _check_status(response: httpx.Response) -> None:
    status = response.status_code
    if status == HTTPStatus.OK:
        return
    said = f"status {status}"
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise _Repeatable(said, _retry_after_s(response.headers.get("retry-after", "")))
    raise ServiceFailure(said, Fault.FINAL if status in _REFUSING else Fault.QUESTION)


def _retry_after_s(text: str) -> float | None:
    """Seconds from now that a header Retry-After names, as a number or as a moment."""
    if text.strip().isdecimal():
        return float(text)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _content(answer: tuple[str, bytes]) -> Any:
    content_type, body = answer
    kind = content_type.partition(";")[0].strip().casefold()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise _Repeatable(f"an answer of type {kind[:50] or 'unknown'!r}, not JSON")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _Repeatable("an answer that is no JSON") from error
