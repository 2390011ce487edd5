"""Coming in by OpenID Connect, at a provider of our own that signs real tokens and checks what it is sent."""

from __future__ import annotations

import base64
import hashlib
import http.client
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import sqlalchemy as sa
from joserfc import jwt
from joserfc.jwk import RSAKey
from pydantic import SecretStr, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from hydrants import store
from hydrants.portal import accounts, app, audit
from hydrants.portal.house import House
from hydrants.portal.scope import Role
from hydrants.settings import Settings
from tests.portal.browser import HOST, Answer, Browser, running
from tests.portal.conftest import IEPER, Published

pytestmark = pytest.mark.parametrize("published", ["sqlite"], indirect=True)

CLIENT, SECRET = "brandkranen", "een geheim van twee"
KEY = RSAKey.generate_key(2048, {"kid": "1"})
ANOTHER_KEY = RSAKey.generate_key(2048, {"kid": "1"})
BACK = f"https://{HOST}/login/oidc/back"


class Provider:
    """An issuer; `claims` are of whoever comes next, and lie over those of a right answer."""

    def __init__(self) -> None:
        self.issuer = ""
        self.claims: dict[str, Any] = {}
        self.key = KEY
        self.is_away = False
        self.challenges: dict[str, tuple[str, str]] = {}
        self.app = Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._configuration),
                Route("/keys", self._keys),
                Route("/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
            ]
        )

    async def _configuration(self, _request: Request) -> Response:
        if self.is_away:
            return Response("<h1>down</h1>", status_code=503)
        return JSONResponse(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        )

    async def _keys(self, _request: Request) -> Response:
        return JSONResponse({"keys": [KEY.as_dict(private=False)]})

    async def _authorize(self, request: Request) -> Response:
        asked = request.query_params
        assert (asked["client_id"], asked["redirect_uri"]) == (CLIENT, BACK)
        assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
        code = f"code{len(self.challenges)}"
        self.challenges[code] = (asked["code_challenge"], asked["nonce"])
        return RedirectResponse(f"{BACK}?{urlencode({'code': code, 'state': asked['state']})}", 302)

    async def _token(self, request: Request) -> Response:
        form = await request.form()
        known = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        is_client = request.headers.get("authorization") == f"Basic {known}"
        challenge, nonce = self.challenges.pop(str(form["code"]), ("", ""))
        verifier = hashlib.sha256(str(form["code_verifier"]).encode()).digest()
        if not is_client or base64.urlsafe_b64encode(verifier).rstrip(b"=").decode() != challenge:
            return JSONResponse({"error": "invalid_grant"}, status_code=400)
        now = int(time.time())
        right = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": nonce}
        signed = jwt.encode({"alg": "RS256", "kid": "1"}, {**right, **self.claims}, self.key)
        return JSONResponse({"access_token": "x", "token_type": "Bearer", "id_token": signed})


@pytest.fixture
def provider() -> Iterator[Provider]:
    provider = Provider()
    with running(provider.app) as port:
        provider.issuer = f"http://127.0.0.1:{port}"
        yield provider


@pytest.fixture
def house(published: Published, people: sa.Engine, provider: Provider) -> Iterator[House]:
    given = {
        "oidc_issuer": provider.issuer,
        "oidc_client_id": CLIENT,
        "oidc_client_secret": SecretStr(SECRET),
        "oidc_name": "Stad & <Dorp>",
    }
    with store.write(people) as connection:
        accounts.add(connection, "mesen", Role.gemeente, "33016", "iemand@example.org")
    house = House(published.settings.model_copy(update=given), people)
    yield house
    house.close()


def _come_back(browser: Browser, asked: str = "") -> Answer:
    """Off to the provider and back."""
    away = browser.get(f"/login/oidc/{f'?next={asked}' if asked else ''}")
    assert away.status == 302
    place = urlsplit(away.location)
    connection = http.client.HTTPConnection(place.netloc)
    connection.request("GET", f"{place.path}?{place.query}")
    back = urlsplit(connection.getresponse().getheader("location") or "")
    connection.close()
    return browser.get(f"{back.path}?{back.query}")


def _who(claims: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"sub": "7", "email": "Iemand@example.org", "email_verified": True, **(claims or {})}


def test_somebody_with_an_account_comes_in(browser: Browser, provider: Provider, house: House) -> None:
    assert "Aanmelden met Stad &amp; &lt;Dorp&gt;" in browser.get("/login").text
    provider.claims = _who()
    answer = _come_back(browser, "/current/33016/hydrant.html")
    assert (answer.status, answer.location) == (303, "/current/33016/hydrant.html")
    assert browser.get("/current/33016/index.html").status == 200
    assert browser.get(f"/current/{IEPER}/index.html").status == 404
    # the next time the subject is enough; and the address alone is not
    provider.claims = {"sub": "7"}
    assert _come_back(Browser(browser.port)).location == "/current/33016/index.html"
    provider.claims = _who({"sub": "8"})
    assert _come_back(Browser(browser.port)).status == 403
    assert _come_back(Browser(browser.port), "https://elders.example/").status == 403


@pytest.mark.parametrize(
    "claims",
    [
        {"email": "vreemde@example.org"},
        {"email_verified": False},
        {"email_verified": "true"},
        {"email": None},
        {"email": ["iemand@example.org"]},
    ],
    ids=str,
)
def test_a_stranger_gets_nothing(
    claims: dict[str, Any], browser: Browser, provider: Provider, house: House
) -> None:
    provider.claims = _who(claims)
    answer = _come_back(browser)
    assert (answer.status, "hebt hier geen account" in answer.text) == (403, True)
    assert "__Host-hydrants_session" not in browser.cookies
    with store.read(house.engine) as connection:
        assert len(accounts.everyone(connection)) == 8  # none is made
        assert audit.lines(connection, 1)[0]["action"] == "OpenID zonder account"


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "https://elders.example"},
        {"aud": "another-client"},
        {"exp": 1_000_000_000},
        {"nonce": "of another login"},
    ],
    ids=str,
)
def test_a_token_that_is_not_for_this_login_is_refused(
    wrong: dict[str, Any], browser: Browser, provider: Provider
) -> None:
    provider.claims = _who(wrong)
    assert _come_back(browser).status == 401
    assert "__Host-hydrants_session" not in browser.cookies


def test_a_token_that_another_signed_is_refused(browser: Browser, provider: Provider) -> None:
    provider.claims, provider.key = _who(), ANOTHER_KEY
    assert _come_back(browser).status == 401
    assert "__Host-hydrants_session" not in browser.cookies


def test_an_answer_to_somebody_elses_question_is_refused(browser: Browser, provider: Provider) -> None:
    provider.claims = _who()
    away = parse_qs(urlsplit(browser.get("/login/oidc/").location).query)
    victim = Browser(browser.port)
    for query in (
        {"code": "code0", "state": away["state"][0]},
        {"code": "code0", "state": "made-up"},
        {"code": "code0"},
        {"error": "access_denied", "error_description": "<script>", "state": away["state"][0]},
        {},
    ):
        answer = victim.get(f"/login/oidc/back?{urlencode(query)}")
        assert (answer.status, "<script>" in answer.text) == (401, False)
    assert "__Host-hydrants_session" not in victim.cookies


def test_who_is_disabled_stays_out(browser: Browser, provider: Provider, house: House) -> None:
    provider.claims = _who()
    assert _come_back(browser).status == 303
    with store.write(house.engine) as connection:
        accounts.enable(connection, "mesen", is_enabled=False)
    assert _come_back(Browser(browser.port)).status == 403


def test_a_provider_that_is_away(browser: Browser, provider: Provider) -> None:
    provider.is_away = True
    answer = browser.get("/login/oidc/")
    assert (answer.status, "antwoordt nu niet" in answer.text) == (503, True)
    assert browser.login("ieper", "vier gele emmers water").status == 303  # names and passwords still do


def test_what_lies_in_the_cookie_is_signed(browser: Browser, provider: Provider) -> None:
    answer = browser.get("/login/oidc/")
    cookie = next(text for text in answer.set_cookies if text.startswith("hydrants_oidc="))
    assert {"httponly", "secure", "samesite=lax", "path=/login/oidc"} <= {
        part.lower() for part in cookie.split("; ")
    }
    provider.claims = _who()
    browser.cookies["hydrants_oidc"] = "x" + browser.cookies["hydrants_oidc"]
    state = parse_qs(urlsplit(answer.location).query)["state"][0]
    assert browser.get(f"/login/oidc/back?code=code0&state={state}").status == 401


def test_settings_that_are_half(published: Published) -> None:
    whole = {
        "oidc_issuer": "https://id.example.org/",
        "oidc_client_id": CLIENT,
        "portal_url": f"https://{HOST}/",
    }
    made = Settings(_env_file=None, **whole)  # type: ignore[arg-type]
    assert (made.oidc_issuer, made.portal_url) == ("https://id.example.org", f"https://{HOST}")
    for wrong in (
        {"oidc_client_id": ""},
        {"portal_url": ""},
        {"portal_url": "brandkranen.example.org"},
        {"portal_url": f"https://{HOST}/pad"},
        {"portal_url": f"https://iemand@{HOST}"},
        {"oidc_issuer": "http://id.example.org"},
    ):
        with pytest.raises(ValidationError):
            Settings(_env_file=None, **{**whole, **wrong})  # type: ignore[arg-type]


def test_without_settings_there_is_no_such_way(published: Published, people: sa.Engine) -> None:
    house = House(published.settings, people)
    with running(app.create(house)) as port:
        assert Browser(port).get("/login/oidc/").status == 404
        assert "oidc" not in Browser(port).get("/login").text
    house.close()
