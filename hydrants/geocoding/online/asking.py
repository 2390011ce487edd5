"""A conversation with a service: questions one after the other, as long as it answers and may be asked."""

from __future__ import annotations

import logging
import time
from contextlib import AbstractContextManager
from datetime import datetime
from types import TracebackType
from typing import Self

import sqlalchemy as sa

from hydrants import store
from hydrants.geocoding.online import kept, patience
from hydrants.geocoding.online.answer import Fault, ServiceFailure
from hydrants.geocoding.online.geocoder import Geocoder
from hydrants.geocoding.online.question import Question
from hydrants.settings import Settings

_log = logging.getLogger(__name__)

_LONGEST_RUN_S = 1_200.0  # of one batch: a slow service must not use up the time of the task


class Conversation:
    """Questions to the service of the settings, for one batch; a portion is counted before it is asked.

    Args:
        known: what was answered before; grows with each answer.
    """

    def __init__(self, engine: sa.Engine, settings: Settings, known: kept.Known) -> None:
        self.counts = {"questions_asked": 0, "questions_failed": 0}
        self._engine = engine
        self._settings = settings
        self._known = known
        self._told: list[kept.Told] = []
        self._failed: dict[str, datetime] = {}
        self._portion: patience.Portion | None = None
        self._is_over = False
        self._ends_at = time.monotonic() + _LONGEST_RUN_S

    def __enter__(self) -> Self:
        from hydrants.geocoding.online.service import Service  # the network, only where it is needed

        settings = self._settings
        self._service = Service(settings.online_timeout_s, settings.online_per_second)
        self._geocoder = Geocoder(settings, self._service)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._service:
            if self._portion is not None:
                with self._writing() as connection:
                    self._keep(connection, self._portion)

    def settle(self, several: tuple[Question, ...]) -> None:
        """Ask until one question tells something, or the service fails or has to be left alone."""
        while (key := self._known.first_that_tells(several).open_question) is not None:
            question = next(question for question in several if self._geocoder.key(question) == key)
            portion = None if key in self._failed else self._turn()
            if portion is None or not self._answer(question, portion):
                return

    def _answer(self, question: Question, portion: patience.Portion) -> bool:
        self.counts["questions_asked"] += 1
        portion.asked += 1
        try:
            words = self._geocoder.fetch(question)
            self._geocoder.understand(question, words)
        except ServiceFailure as failure:
            self.counts["questions_failed"] += 1
            key, now = self._geocoder.key(question), store.utc_now()
            self._failed[key] = now
            if failure.fault is not Fault.QUESTION:
                portion.failures = portion.failures.and_one(now, is_final=failure.fault is Fault.FINAL)
            _log.warning("%s does not answer %s: %s", self._settings.online_geocoder, key, failure)
            return False
        portion.failures = patience.Failures()
        self._told.append(kept.Told(question, words))
        self._known.add(self._told[-1])
        return True

    def _turn(self) -> patience.Portion | None:
        """The portion that the next question is of; None when the service is left alone from now on."""
        if self._is_over:
            return None
        portion = self._portion
        if portion is None or (portion.is_used and self._told):
            portion = self._portion = self._next(portion)
        reason = self._reason_to_leave(portion)
        if not reason:
            return portion
        self._is_over = True
        _log.warning("%s is left alone for now, %s", self._settings.online_geocoder, reason)
        return None

    def _reason_to_leave(self, portion: patience.Portion) -> str:
        if portion.reason:
            return portion.reason
        if portion.failures.ask_for_rest(store.utc_now()):
            return patience.FAILED_TOO_OFTEN
        if portion.is_used:
            return "it answers nothing that it is asked"
        return "it took too long" if time.monotonic() > min(self._ends_at, portion.ends_at) else ""

    def _next(self, used: patience.Portion | None) -> patience.Portion:
        with self._writing() as connection:
            if used is not None:
                self._keep(connection, used)
            return patience.reserve(connection, self._settings, store.utc_now())

    def _keep(self, connection: sa.Connection, portion: patience.Portion) -> None:
        kept.keep(connection, self._settings, self._told, self._failed)
        patience.give_back(connection, self._settings.online_geocoder, portion)
        self._told = []

    def _writing(self) -> AbstractContextManager[sa.Connection]:
        return store.write(self._engine, turn=kept.ANSWERS.turn)
