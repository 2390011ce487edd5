"""Settings, read from the environment (`HYDRANTS_*`) or from a file `.env`."""

import json
import re
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from hydrants.errors import UnusableSetting

_ADDRESS = re.compile(r"[^\s@,;<>\"]+@[^\s@,;<>\"]+")
_PLAIN_HOST = re.compile(r"(\{s\}\.)?[A-Za-z0-9.-]+(:\d+)?")
_THIS_MACHINE = {"localhost", "127.0.0.1", "::1"}


class Settings(BaseSettings):
    """Where things are and which campaign runs; `.env.example` documents each."""

    model_config = SettingsConfigDict(
        env_prefix="HYDRANTS_",
        env_file=".env",
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,  # some of it is secret
    )

    database_url: str = "sqlite:///var/hydrants.sqlite"
    uploads: Path = Path("var/uploads")
    registers: Path = Path("var/registers")
    landing: Path = Path("var/landing")
    photos: Path = Path("var/photos")
    site: Path = Path("var/site")
    boundaries: Path = Path("var/boundaries.geojson")
    addresses: Path = Path("var/addresses.csv")
    deelgemeenten: Path | Literal[""] = ""
    """Polygons to check a stated deelgemeente against; empty: it is not checked."""

    campaign_start: date = date(2019, 1, 1)
    campaign_end: date = date(2019, 12, 31)

    upload_stable_s: float = Field(default=2.0, ge=0)
    """A file younger than this is taken to be still in transit, and left alone."""

    read_file_mb: int = Field(default=500, ge=1)
    read_unpacked_mb: int = Field(default=500, ge=1)
    read_output_mb: int = Field(default=2000, ge=1)
    read_rows: int = Field(default=2_000_000, ge=1, lt=10_000_000)
    read_memory_mb: int = Field(default=1500, ge=200)
    read_cpu_s: int = Field(default=300, ge=1)
    read_wall_s: int = Field(default=900, ge=1, le=86_400)
    """What one untrusted file may ask of its reader; see `hydrants.formats.limits`."""

    online_geocoder: Literal["", "geolocation", "adresmatch"] = ""
    """The service on the internet that is asked for addresses that the address table does not have."""
    geolocation_url: str = "https://geo.api.vlaanderen.be/geolocation/v4"
    adresmatch_url: str = "https://api.basisregisters.vlaanderen.be/v2"
    adresmatch_key: SecretStr = SecretStr("")
    online_timeout_s: float = Field(default=10.0, gt=0, le=120)
    online_per_second: float = Field(default=5.0, gt=0, le=100)
    online_per_day: int = Field(default=2_000, ge=0)
    online_wait_s_per_day: float = Field(default=3_600.0, ge=0)
    """How long it is waited for on one day, all batches together: a slow service must not hold up a night."""
    online_source_version: str = Field(default="1", min_length=1, max_length=50)
    """Part of what answers are kept under: another one, and every question is asked anew."""

    stale_hours: int = Field(default=36, ge=1)
    """`hydrants health` complains when the last night that ended well is longer ago, or the figures older."""

    tiles_url: str = ""
    """Background of the maps, with {z}, {x} and {y}; empty: none, and no page asks anything elsewhere."""
    tiles_attribution: str = ""

    keep_snapshots_days: int = Field(default=0, ge=0)
    """How long a snapshot is kept after its publication; 0: for ever. See `hydrants.publishing.retention`."""

    workers: int = Field(default=0, ge=0, le=256)
    """Batches worked on at a time; 0: as many as there are processors, on SQLite one."""

    link_probability: float = Field(default=0.85, gt=0.5, lt=1)
    """A record is linked without review from this posterior probability on."""

    accounts_url: str = "sqlite:///var/accounts.sqlite"
    """The portal's accounts, sessions and log: apart from the store, which the portal only reads."""
    portal_url: str = ""
    """How browsers reach it: in one-time links, and the only host it answers to; empty: as it is asked."""
    portal_database_url: str = ""
    """The store by a role that can do nothing but read; empty: database_url, in transactions that read."""
    portal_proxies: str = "127.0.0.1"
    """Whose X-Forwarded-For and -Proto `hydrants serve --behind-proxy` believes: addresses with commas."""
    session_idle_minutes: int = Field(default=720, ge=1, le=43_200)
    session_hours: int = Field(default=168, ge=1, le=2_160)
    """When a login is over: after so long without a request, and in any case so long after it."""
    audit_days: int = Field(default=400, ge=1)
    """How long the portal's log is kept."""

    oidc_issuer: str = ""
    """OpenID Connect: the issuer that people may log in by; empty: none."""
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr = SecretStr("")
    oidc_name: str = Field(default="uw organisatie", max_length=60)
    """What the button on the login page calls it."""

    receipt_mail: Annotated[dict[str, list[str]], NoDecode] = {}
    """Who gets the receipts of a firm by mail: contractor -> addresses. As JSON in the environment."""

    @field_validator("receipt_mail", mode="before")
    @classmethod
    def _mail_as_json(cls, given: Any) -> Any:
        """An object of lists, or of texts with commas between the addresses; empty for nobody."""
        if isinstance(given, str):
            try:
                given = json.loads(given) if given.strip() else {}
            except json.JSONDecodeError as error:
                raise ValueError(f'no JSON such as {{"firm": ["name@example.org"]}}: {error}') from error
        if not isinstance(given, dict):
            raise ValueError('no object such as {"firm": ["name@example.org"]}')
        return {
            firm: re.split(r"\s*[,;]\s*", to.strip()) if isinstance(to, str) else to
            for firm, to in given.items()
        }

    @field_validator("receipt_mail")
    @classmethod
    def _mail_has_addresses(cls, given: dict[str, list[str]]) -> dict[str, list[str]]:
        strange = [
            f"{firm}: {address!r}"
            for firm in given
            for address in given[firm]
            if not (address.isascii() and _ADDRESS.fullmatch(address))
        ]
        if strange:
            raise ValueError(f"no mail addresses: {', '.join(strange)}")
        return {firm: to for firm, to in given.items() if to}

    @field_validator("adresmatch_key")
    @classmethod
    def _key_fits_a_header(cls, given: SecretStr) -> SecretStr:
        """A file or a copied line ends in a line break; anything else that is not printable is a mistake."""
        value = given.get_secret_value().strip()
        if not (value.isascii() and value.isprintable()):
            raise ValueError("no key: it has characters other than printable ASCII")
        return SecretStr(value)

    @field_validator("tiles_url")
    @classmethod
    def _tiles_are_found_by_place(cls, given: str) -> str:
        parts = urlsplit(given)
        is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _THIS_MACHINE)
        has_places = all(place in given for place in ("{z}", "{x}", "{y}"))
        if given and not (is_safe and has_places and _PLAIN_HOST.fullmatch(parts.netloc)):
            raise ValueError("no address such as https://tiles.example.org/{z}/{x}/{y}.png")
        return given

    @field_validator("portal_url")
    @classmethod
    def _portal_is_a_whole_host(cls, given: str) -> str:
        parts = urlsplit(given)
        if given and not (
            parts.scheme in ("http", "https")
            and _PLAIN_HOST.fullmatch(parts.netloc)
            and (parts.path, parts.query, parts.fragment) in (("", "", ""), ("/", "", ""))
        ):
            raise ValueError("no address such as https://brandkranen.example.org")
        return given.rstrip("/")

    @field_validator("geolocation_url", "adresmatch_url", "oidc_issuer")
    @classmethod
    def _service_is_reached_safely(cls, given: str, asked: ValidationInfo) -> str:
        """An API key or an answer that anybody may change on its way is of no use."""
        if not given and asked.field_name == "oidc_issuer":
            return given
        parts = urlsplit(given)
        is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _THIS_MACHINE)
        if not (is_safe and parts.hostname) or "@" in parts.netloc or parts.query or parts.fragment:
            raise ValueError("no address such as https://service.example.org/v4")
        return given.rstrip("/")

    @model_validator(mode="after")
    def _openid_is_whole(self) -> Self:
        if self.oidc_issuer and not (self.oidc_client_id and self.portal_url):
            raise ValueError("HYDRANTS_OIDC_ISSUER needs HYDRANTS_OIDC_CLIENT_ID and HYDRANTS_PORTAL_URL")
        return self

    @model_validator(mode="after")
    def _campaign_runs_forward(self) -> Self:
        if self.campaign_end < self.campaign_start:
            raise ValueError(
                f"HYDRANTS_CAMPAIGN_END {self.campaign_end} lies before "
                f"HYDRANTS_CAMPAIGN_START {self.campaign_start}"
            )
        return self

    def as_of(self, asked: date | None, today: date) -> date:
        """The day the figures speak of: asked for, else today, at most the campaign's last day.

        Raises:
            UnusableSetting: for a day before the campaign or in the future.
        """
        day = asked or min(today, self.campaign_end)
        if not self.campaign_start <= day <= today:
            raise UnusableSetting(
                f"no figures can speak of {day}: "
                f"the campaign began on {self.campaign_start} and today is {today}"
            )
        return day


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process.

    Raises:
        UnusableSetting: naming each variable that cannot be used, and why.
    """
    try:
        return Settings()
    except ValidationError as error:
        wrong = [
            f"HYDRANTS_{'_'.join(map(str, one['loc'])).upper()}: {one['msg']}" if one["loc"] else one["msg"]
            for one in error.errors()
        ]
        raise UnusableSetting("; ".join(wrong)) from error


def geocodes_apart() -> bool:
    """Whether geocoding waits for an address service, and not in the turn of a writer: SQLite has one only.

    Not so with settings that cannot be used: whoever works with them is told.
    """
    try:
        found = settings()
    except UnusableSetting:
        return False
    return bool(found.online_geocoder) and not found.database_url.startswith("sqlite")
