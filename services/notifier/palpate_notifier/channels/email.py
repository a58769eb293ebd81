"""E-mail over SMTP, and what the server's answer means."""

from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime
from enum import StrEnum

import aiosmtplib

from palpate_notifier.settings import NotifierSettings
from palpate_notifier.tables import Delivery


class Sent(StrEnum):
    """How an attempt ended."""

    ACCEPTED = "accepted"
    LATER = "later"
    """The server is away, or says to try again: nothing has been accepted."""
    REFUSED = "refused"
    """The server will never take this message."""
    UNKNOWN = "unknown"
    """The connection broke after the message was given over: it may have arrived."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """The result of one attempt.  `detail` is a code or an error's type, never a server's text: it may quote us."""

    sent: Sent
    detail: str | None = None


def message_of(delivery: Delivery, mail_from: str) -> EmailMessage:
    """The message as it goes over the wire.  The same delivery is the same message, however often it is sent."""
    message = EmailMessage()
    message["From"] = mail_from
    message["To"] = delivery.address
    message["Subject"] = delivery.subject
    message["Date"] = format_datetime(delivery.created_at)
    message["Message-ID"] = delivery.message_id
    # RFC 3834: no out-of-office answers, please.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(delivery.text)
    message.add_alternative(delivery.html, subtype="html")
    return message


async def send(delivery: Delivery, settings: NotifierSettings) -> Attempt:
    """One attempt at one message."""
    client = aiosmtplib.SMTP(
        hostname=settings.smtp_host,
        port=settings.smtp_port,
        timeout=settings.smtp_timeout_s,
        use_tls=settings.smtp_security == "tls",
        start_tls=settings.smtp_security == "starttls",
        username=settings.smtp_username,
        password=settings.smtp_password.get_secret_value() if settings.smtp_password else None,
    )
    message = message_of(delivery, settings.mail_from)
    progress = _Progress()
    try:
        async with client:
            await client.mail(message["From"].addresses[0].addr_spec)
            await client.rcpt(delivery.address)
            progress.given_over = True
            await client.data(message.as_bytes())
            progress.accepted = True
    except aiosmtplib.SMTPResponseException as error:
        if progress.accepted:
            return Attempt(Sent.ACCEPTED)
        return Attempt(Sent.REFUSED if error.code >= 500 else Sent.LATER, str(error.code))
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
        if progress.accepted:
            # The server has answered 250 to the message; how it says good-bye does not matter.
            return Attempt(Sent.ACCEPTED)
        return Attempt(Sent.UNKNOWN if progress.given_over else Sent.LATER, type(error).__name__)
    return Attempt(Sent.ACCEPTED)


@dataclass(slots=True)
class _Progress:
    given_over: bool = False
    accepted: bool = False
