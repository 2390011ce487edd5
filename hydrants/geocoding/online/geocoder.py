"""The one interface to every address service: what is sent, what comes back, and what that means."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

from pydantic import ValidationError

from hydrants.geocoding.online import adresmatch, geolocation
from hydrants.geocoding.online.answer import Answer, Result, ServiceFailure, judge
from hydrants.geocoding.online.question import Question
from hydrants.settings import Settings

if TYPE_CHECKING:
    from hydrants.geocoding.online.service import Service


class _Dialect(NamedTuple):
    request: Callable[[Settings, Question], tuple[str, dict[str, str], dict[str, str]]]
    results: Callable[[Any], list[Result]]


_DIALECTS = {
    geolocation.SERVICE: _Dialect(geolocation.request, geolocation.results),
    adresmatch.SERVICE: _Dialect(adresmatch.request, adresmatch.results),
}


class Geocoder:
    """The address service of the settings.

    Args:
        service: how it is reached; without, only what was kept of its answers can be understood.
    """

    def __init__(self, settings: Settings, service: Service | None = None) -> None:
        self.name: str = settings.online_geocoder
        self._settings = settings
        self._service = service
        self._dialect = _DIALECTS[self.name]

    def key(self, question: Question) -> str:
        """What a question is known by: all that is sent. Equal requests have one answer, others their own."""
        return urlencode(self._dialect.request(self._settings, question)[1])

    def fetch(self, question: Question) -> Any:
        """The service's own words.

        Raises:
            ServiceFailure: if it does not answer in JSON.
        """
        if self._service is None:
            raise ServiceFailure("there is no way to the service")
        return self._service.get(*self._dialect.request(self._settings, question))

    def understand(self, question: Question, words: Any) -> Answer:
        """What the service's words mean.

        Raises:
            ServiceFailure: if they have another shape than documented.
        """
        try:
            return judge(self.name, question, self._dialect.results(words))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise ServiceFailure(f"an answer of another shape: {where}: {first['type']}") from error
        except ValueError as error:
            raise ServiceFailure(f"an answer of another shape: {error}") from error
