"""E-mail over SMTP, and what the server's answer means."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime

import aiosmtplib

from palpate_notifier.settings import NotifierSettings
from palpate_notifier.tables import Delivery
from palpate_runtime.attempt import Attempt, Sent


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


# RFC 5321, 4.2.3: mailbox unavailable, user not local, mailbox name not allowed.
_NO_SUCH_MAILBOX = {550, 551, 553}


async def _nothing() -> None:
    """Nobody writes down when this message is handed over."""


async def send(
    delivery: Delivery, settings: NotifierSettings, handing_over: Callable[[], Awaitable[None]] = _nothing
) -> Attempt:
    """One attempt at one message.

    Args:
        delivery: The message.
        settings: Where the server is.
        handing_over: Called when the server has agreed to the recipient, before it is given the message.  What it
            raises ends the attempt.
    """
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
            progress.recipient_named = True
            await client.rcpt(delivery.address)
            await handing_over()
            progress.given_over = True
            await client.data(message.as_bytes())
            progress.accepted = True
    except aiosmtplib.SMTPResponseException as error:
        if progress.accepted:
            return Attempt(Sent.ACCEPTED)
        if error.code < 500:
            return Attempt(Sent.LATER, str(error.code))
        return Attempt(Sent.REFUSED, str(error.code), bounced=progress.is_about_the_address(error.code))
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
        if progress.accepted:
            # The server has answered 250 to the message; how it says good-bye does not matter.
            return Attempt(Sent.ACCEPTED)
        return Attempt(Sent.UNKNOWN if progress.given_over else Sent.LATER, type(error).__name__)
    return Attempt(Sent.ACCEPTED)


@dataclass(slots=True)
class _Progress:
    recipient_named: bool = False
    given_over: bool = False
    accepted: bool = False

    def is_about_the_address(self, code: int) -> bool:
        """Whether a refusal is of this recipient, and not of us, of the sender or of what the message says."""
        return self.recipient_named and (not self.given_over or code in _NO_SUCH_MAILBOX)
