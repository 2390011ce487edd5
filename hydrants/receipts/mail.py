"""The receipts of a night as one mail per firm. Only composed here: who sends it says when it is sent."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import jinja2
import sqlalchemy as sa

from hydrants import reference, store
from hydrants.receipts import places, summary
from hydrants.receipts.facts import utc
from hydrants.receipts.states import told
from hydrants.reference import profile
from hydrants.settings import Settings
from hydrants.store.tables import receipt, upload

MAX_ATTACHED_BYTES, MAX_ATTACHED_FILES = 10_000_000, 50
"""Of a mail; many mailboxes refuse more. Beyond that the text says where the receipts lie."""


class Mail(NamedTuple):
    """A mail to a firm.

    Args:
        contractor: firm.
        to: addresses.
        subject, html: text, in Dutch.
        files: workbooks to attach.
        upload_ids: the uploads that it answers.
        composed_at: when, UTC; a receipt that changes later is sent again.
    """

    contractor: str
    to: list[str]
    subject: str
    html: str
    files: list[Path]
    upload_ids: list[int]
    composed_at: datetime


def unsent(engine: sa.Engine, settings: Settings) -> list[Mail]:
    """The mails to send: of each firm that has addresses, the receipts that changed since they were sent."""
    composed_at = store.utc_now()
    mails = []
    for contractor, to in sorted(settings.receipt_mail.items()):
        with store.read(engine) as connection:
            lines = _lines(connection, settings.site, contractor)
        if lines:
            mails.append(_compose(contractor, to, lines, composed_at))
    return mails


def mark_sent(engine: sa.Engine, mail: Mail) -> None:
    """Remember that a mail was taken by the mail server."""
    with store.write(engine) as connection:
        connection.execute(
            sa.update(receipt)
            .where(receipt.c.upload_id == sa.bindparam("sent_id"))
            .values(mailed_at=mail.composed_at),
            [{"sent_id": upload_id} for upload_id in mail.upload_ids],
        )


def _lines(connection: sa.Connection, site: Path, contractor: str) -> list[dict[str, Any]]:
    """The receipts to send, those that ask for work first; one whose workbook is gone waits for it."""
    query = (
        sa.select(upload, receipt.c.path)
        .join(receipt, receipt.c.upload_id == upload.c.upload_id)
        .where(
            upload.c.contractor == contractor,
            # not one that still lies with the firm in whose folder the file was before
            receipt.c.path.startswith(f"{PurePosixPath(places.PRIVATE, contractor)}/", autoescape=True),
            receipt.c.mailed_at.is_(None) | (receipt.c.mailed_at < receipt.c.written_at),
        )
        .order_by(upload.c.landed_at, upload.c.nis, upload.c.file_name, upload.c.sha256)
    )
    counts = told(connection)
    lines = [
        {
            "upload_id": row.upload_id,
            "file_name": row.file_name,
            "gemeente": reference.gemeenten()[row.nis].name_nl,
            "received_at": utc(row.landed_at),
            "rejected_because": row.rejected_because,
            "is_held": row.held_because is not None,
            "path": f"{row.path}.xlsx",
            "file": places.receipt_file(site, row.path, ".xlsx"),
            **counts[row.upload_id],
        }
        for row in connection.execute(query)
        if row.upload_id in counts
    ]
    there = [line for line in lines if line["file"].is_file()]
    return sorted(
        there, key=lambda line: not (line["rejected_because"] or line["is_held"] or line["refused"])
    )


def _compose(contractor: str, to: list[str], lines: list[dict[str, Any]], composed_at: datetime) -> Mail:
    files = [line["file"] for line in lines]
    size_bytes = sum(file.stat().st_size for file in files)
    has_files = size_bytes <= MAX_ATTACHED_BYTES and len(files) <= MAX_ATTACHED_FILES
    refused = sum(line["refused"] for line in lines)
    subject = f"Brandkranen: {_some(len(lines), 'ontvangstbewijs', 'ontvangstbewijzen')}"
    if refused:
        subject += f", {_some(refused, 'rij', 'rijen')} te verbeteren"
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"number": summary.number, "moment": summary.moment}
    html = environment.get_template("mail.html.j2").render(
        firm=profile.load(contractor).name, lines=lines, refused=refused, has_files=has_files
    )
    return Mail(
        contractor=contractor,
        to=to,
        subject=subject,
        html=html,
        files=files if has_files else [],
        upload_ids=[line["upload_id"] for line in lines],
        composed_at=composed_at,
    )


def _some(value: int, one: str, more: str) -> str:
    return f"{summary.number(value)} {one if value == 1 else more}"
