"""E-mail over SMTP, and what the server's answer means."""

import re
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


# RFC 3463, 3.2 and RFC 7505: no such mailbox, no such domain, no address at all, moved without a new one, a domain that
# takes no mail.  5.1.7 and 5.1.8 are of the sender, and 5.1.0 is said of both.
_NO_SUCH_MAILBOX = {"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10"}
_ENHANCED = re.compile(r"\s*(5\.\d{1,3}\.\d{1,3})\b")
# Servers that say no such status (Exim, for one) answer 550 to a mailbox that is not there, and to a client that has
# lost its right to relay or is on a block list.  In doubt it is not the address.
_SAYS_SO = re.compile(
    r"(user|recipient|mailbox|address)( is)? (unknown|not found|unavailable|does( not|n't) exist)"
    r"|(unknown|no such|invalid|unrouteable) (local )?(user|recipient|mailbox|address|person)",
    re.IGNORECASE,
)


def meaning_of(code: int, text: str, *, recipient_named: bool, given_over: bool) -> Attempt:
    """What a refusal means.  Pure.

    What is wrong with us (a password, a right to relay, a block list) is mended here and not at the address: it is
    tried again.  Only a mailbox that is not there is never written to again, and only a mailbox or a message that is
    not wanted is given up at once.

    Args:
        code: The server's, of three digits.
        text: What it says after that.
        recipient_named: The server had taken the sender, and was asked for the recipient.
        given_over: It had taken the recipient, and was given the message.
    """
    found = _ENHANCED.match(text)
    status = found.group(1) if found else ""
    detail = f"{code} {status}".strip()
    if code < 500 or not recipient_named:
        return Attempt(Sent.LATER, detail)
    if status in _NO_SUCH_MAILBOX or (not status and code in {550, 551, 553} and _SAYS_SO.search(text)):
        return Attempt(Sent.REFUSED, detail, bounced=True)
    if given_over or status.startswith("5.2."):
        return Attempt(Sent.REFUSED, detail)
    return Attempt(Sent.LATER, detail)


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
        return meaning_of(
            error.code, error.message, recipient_named=progress.recipient_named, given_over=progress.given_over
        )
    except UnicodeEncodeError:
        return Attempt(Sent.REFUSED, "an address beyond ASCII")
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
