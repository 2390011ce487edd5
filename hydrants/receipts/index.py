"""The page on which a firm's office finds its receipts; static, so that any web server can show it."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

import jinja2
import sqlalchemy as sa

from hydrants import reference, store
from hydrants.errors import ProfileError
from hydrants.receipts import places, summary
from hydrants.receipts.facts import utc
from hydrants.receipts.states import told
from hydrants.reference import profile
from hydrants.store.tables import receipt, upload

_HERE = Path(__file__).parent
_STYLE = "receipts.css"


def write(engine: sa.Engine, site: Path, contractor: str) -> None:
    """Bring a firm's page up to date; what says the same already is left as it is."""
    with places.alone(site, contractor, "index"):
        with store.read(engine) as connection:
            lines = _lines(connection, contractor)
        folder = places.folder_of(site, contractor)
        _put(folder / "index.html", _html(contractor, lines))
        _put(folder / _STYLE, (_HERE / "static" / _STYLE).read_text(encoding="utf-8"))


def _lines(connection: sa.Connection, contractor: str) -> list[dict[str, Any]]:
    """The receipts that lie in the firm's folder, newest upload first."""
    folder = f"{PurePosixPath(places.PRIVATE, contractor)}/"
    query = (
        sa.select(upload, receipt.c.path)
        .join(receipt, receipt.c.upload_id == upload.c.upload_id)
        .where(receipt.c.path.startswith(folder, autoescape=True))
        .order_by(upload.c.landed_at.desc(), upload.c.nis, upload.c.file_name, upload.c.sha256)
    )
    counts = told(connection)
    return [
        {
            "file_name": row.file_name,
            "gemeente": reference.gemeenten()[row.nis].name_nl,
            "received_at": utc(row.landed_at),
            "is_refused": row.rejected_because is not None,
            "is_held": row.held_because is not None,
            "link": row.path.removeprefix(folder),
            **counts[row.upload_id],
        }
        for row in connection.execute(query)
        if row.upload_id in counts
    ]


def _html(contractor: str, lines: list[dict[str, Any]]) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=jinja2.StrictUndefined
    )
    environment.filters |= {"number": summary.number, "moment": summary.moment}
    template = environment.get_template("index.html.j2")
    return template.render(firm=_name(contractor), lines=lines, style=_STYLE)


def _name(contractor: str) -> str:
    """The firm's name; its key when its profile is gone."""
    try:
        return profile.load(contractor).name
    except ProfileError:
        return contractor


def _put(target: Path, text: str) -> None:
    if target.is_file() and target.read_text(encoding="utf-8") == text:
        return
    places.aside(target).write_text(text, encoding="utf-8")
    places.put_in_place(target)
