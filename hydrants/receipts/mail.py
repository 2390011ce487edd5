"""The receipts of a night as one mail per firm. Only composed here: who sends it says when it is sent."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import jinja2
import sqlalchemy as sa

from hydrants import journal, reference, store
from hydrants.journal import Event
from hydrants.receipts import places, summary
from hydrants.receipts.facts import utc
from hydrants.receipts.states import told
from hydrants.reference import profile
from hydrants.settings import Settings
from hydrants.store.tables import receipt, receipt_mail, upload

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
        says: hash of what its receipt says by hash of the content; a receipt that says something else is
            sent again.
        composed_at: when, UTC.
        landing: folder that has the journal.
    """

    contractor: str
    to: list[str]
    subject: str
    html: str
    files: list[Path]
    upload_ids: list[int]
    says: dict[str, str]
    composed_at: datetime
    landing: Path


def unsent(engine: sa.Engine, settings: Settings) -> list[Mail]:
    """The mails to send: of each firm that has addresses, the receipts that say what was not sent yet."""
    journal.catch_up(engine, settings.landing, KINDS)
    composed_at = store.utc_now()
    mails = []
    for contractor, to in sorted(settings.receipt_mail.items()):
        with store.read(engine) as connection:
            lines = _lines(connection, settings.site, contractor)
        if lines:
            mails.append(_compose(contractor, to, lines, composed_at, settings.landing))
    return mails


def mark_sent(engine: sa.Engine, mail: Mail) -> None:
    """Remember that a mail was taken by the mail server."""
    body = {
        "contractor": mail.contractor,
        "composed_at": journal.as_text(mail.composed_at),
        "says": mail.says,
    }
    with store.write(engine, turn=MAILED.turn) as connection:
        event = journal.record(connection, mail.landing, MAILED, body)
        _apply_mailed(connection, mail.landing, event)


def _apply_mailed(connection: sa.Connection, _landing: Path, event: Event) -> None:
    """A firm was told by mail what the receipts of some contents say; the latest mail on each counts."""
    contractor, composed_at = event.body["contractor"], journal.as_moment(event.body["composed_at"])
    known = sa.select(receipt_mail.c.sha256, receipt_mail.c.event)
    latest = dict(
        row._tuple() for row in connection.execute(known.where(receipt_mail.c.contractor == contractor))
    )
    says = {sha: said for sha, said in event.body["says"].items() if latest.get(sha, "") < event.name}
    for sha256 in says.keys() & latest.keys():
        is_it = (receipt_mail.c.sha256 == sha256) & (receipt_mail.c.contractor == contractor)
        connection.execute(sa.delete(receipt_mail).where(is_it))
    same = {"contractor": contractor, "mailed_at": composed_at, "event": event.name}
    store.insert_rows(
        connection, receipt_mail, ({"sha256": sha, "says": said, **same} for sha, said in says.items())
    )
    for sha256 in says:
        answers = sa.select(upload.c.upload_id).where(upload.c.sha256 == sha256).scalar_subquery()
        connection.execute(
            sa.update(receipt).where(receipt.c.upload_id == answers).values(mailed_at=composed_at)
        )


MAILED = journal.Kind("mailed", "mailed", _apply_mailed)
KINDS = (MAILED,)


def settle(engine: sa.Engine) -> None:
    """Note in the table of receipts which were mailed as they are: in a rebuilt store none is noted."""
    query = (
        sa.select(receipt.c.upload_id, receipt.c.written_at, receipt_mail.c.mailed_at, receipt_mail.c.says)
        .join_from(receipt, upload)
        .join(receipt_mail, _is_to_its_firm())
        .where(receipt.c.mailed_at.is_(None))
    )
    with store.write(engine) as connection:
        says = {upload_id: one["says"] for upload_id, one in told(connection).items()}
        for row in connection.execute(query).all():
            if says.get(row.upload_id) == row.says:
                mailed_at, written_at = utc(row.mailed_at), utc(row.written_at)
                values = {"mailed_at": mailed_at, "written_at": min(written_at, mailed_at)}
                is_it = receipt.c.upload_id == row.upload_id
                connection.execute(sa.update(receipt).where(is_it).values(values))


def _is_to_its_firm() -> sa.ColumnElement[bool]:
    is_of_content = receipt_mail.c.sha256 == upload.c.sha256
    return sa.and_(is_of_content, receipt_mail.c.contractor == upload.c.contractor)


def _lines(connection: sa.Connection, site: Path, contractor: str) -> list[dict[str, Any]]:
    """The receipts to send, those that ask for work first; one whose workbook is gone waits for it."""
    query = (
        sa.select(upload, receipt.c.path, receipt_mail.c.says.label("said"))
        .join(receipt, receipt.c.upload_id == upload.c.upload_id)
        .outerjoin(receipt_mail, _is_to_its_firm())
        .where(
            upload.c.contractor == contractor,
            # not one that still lies with the firm in whose folder the file was before
            receipt.c.path.startswith(f"{PurePosixPath(places.PRIVATE, contractor)}/", autoescape=True),
        )
        .order_by(upload.c.landed_at, upload.c.nis, upload.c.file_name, upload.c.sha256)
    )
    counts = told(connection)
    lines = [
        {
            "upload_id": row.upload_id,
            "sha256": row.sha256,
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
        # by what it says, not by when it was written: a rebuilt store writes every receipt anew
        if row.upload_id in counts and counts[row.upload_id]["says"] != row.said
    ]
    there = [line for line in lines if line["file"].is_file()]
    return sorted(
        there, key=lambda line: not (line["rejected_because"] or line["is_held"] or line["refused"])
    )


def _compose(
    contractor: str, to: list[str], lines: list[dict[str, Any]], composed_at: datetime, landing: Path
) -> Mail:
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
        says={line["sha256"]: line["says"] for line in lines},
        composed_at=composed_at,
        landing=landing,
    )


def _some(value: int, one: str, more: str) -> str:
    return f"{summary.number(value)} {one if value == 1 else more}"
