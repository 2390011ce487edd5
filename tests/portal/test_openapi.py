"""What the OpenAPI allows and much that it does not, by schemathesis: no answer is an error of ours."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.portal.browser import HOST, Browser
from tests.portal.conftest import Enter

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    response_schema_conformance,
    content_type_conformance,
]
EXAMPLES = 40


def test_it_lists_what_there_is(browser: Browser) -> None:
    schema = json.loads(browser.get("/api/openapi.json").content)
    assert {(path, *found) for path, found in schema["paths"].items()} == {
        ("/api/progress", "get"),
        ("/api/gemeenten/{nis}/hydrants", "get"),
        ("/api/hydrants/{hydrant_id}", "get"),
        ("/api/health", "get"),
    }


@pytest.mark.parametrize("name", ["beheer", "poperinge", None])
def test_no_question_breaks_it(name: str | None, enter: Enter, browser: Browser) -> None:
    known = enter(name) if name else browser
    headers = {
        "Host": HOST,
        "X-Forwarded-Proto": "https",
        "Cookie": "; ".join(f"{key}={value}" for key, value in known.cookies.items()),
    }
    schema = schemathesis.openapi.from_dict(json.loads(browser.get("/api/openapi.json").content))
    asked: list[int] = []

    def ask(case: Any) -> None:
        answer = case.call(base_url=f"http://127.0.0.1:{browser.port}", headers=headers)
        case.validate_response(answer, checks=CHECKS)
        asked.append(answer.status_code)

    for found in schema.get_all_operations():
        _many(found.ok(), ask)
    assert len(asked) > EXAMPLES
    assert set(asked) <= {200, 400, 401, 404, 405, 422}
    assert {200, 422} <= set(asked) if name else {200, 401} <= set(asked)


def _many(operation: Any, ask: Callable[[Any], None]) -> None:
    """Ask what the schema allows; and where there is something to get wrong, what it does not."""
    modes = [schemathesis.GenerationMode.POSITIVE]
    if list(operation.iter_parameters()):
        modes.append(schemathesis.GenerationMode.NEGATIVE)
    for mode in modes:
        many = settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        many(given(case=operation.as_strategy(generation_mode=mode))(ask))()
