"""The receipts of a night by mail, through Airflow's own notifier.

Nothing depends on mail. As a teardown of its DAG the task is tried again and then seen to fail, and the
night succeeds all the same.
"""

from datetime import timedelta

from airflow.sdk import get_current_context, task
from airflow.sdk.exceptions import AirflowException, AirflowSkipException

from dags.assets import opened


@task(execution_timeout=timedelta(minutes=10))  # publishing waits for the slot that it holds in the pool
def mail() -> dict[str, int]:
    """One mail to each firm with new receipts; what cannot be sent goes with the next try or night."""
    from logging import getLogger
    from smtplib import SMTPException

    from airflow.providers.smtp.notifications.smtp import SmtpNotifier

    context = get_current_context()
    counts = {"mails_sent": 0, "receipts_sent": 0, "receipts_unsent": 0}
    with opened() as (night, engine, settings):
        if context["params"]["dry_run"] or not settings.receipt_mail:
            raise AirflowSkipException("a dry run, or HYDRANTS_RECEIPT_MAIL names nobody")
        for letter in night.mails(engine, settings):
            content = {"subject": letter.subject, "html_content": letter.html}
            notifier = SmtpNotifier(letter.to, **content, files=[str(path) for path in letter.files])
            try:
                notifier.notify(context)  # calling it instead would take names of files for templates
            except (SMTPException, OSError, AirflowException) as error:
                getLogger(__name__).error("no mail to %s: %s", letter.contractor, error)
                counts["receipts_unsent"] += len(letter.upload_ids)
            else:
                night.mailed(engine, letter)
                counts["mails_sent"] += 1
                counts["receipts_sent"] += len(letter.upload_ids)
    if counts["receipts_unsent"]:
        raise AirflowException(f"the mail server does not take the receipts: {counts}")
    return counts
