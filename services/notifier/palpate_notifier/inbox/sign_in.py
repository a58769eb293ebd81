"""Signing in: a link by mail that works once and for 15 minutes, then a cookie that two clocks end.

Only hashes are kept, of the link and of the cookie: the database, its backups and the logs let nobody in.
"""

import hashlib
import hmac
import secrets
import uuid
from datetime import datetime, timedelta

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from palpate_notifier import audit
from palpate_notifier.directory import Directory, Person
from palpate_notifier.messages import TEMPLATES
from palpate_notifier.tables import Delivery, SignedIn, SignInLink

LINK_LASTS = timedelta(minutes=15)
LINKS_PER_QUARTER = 3
"""So many links are mailed to one person within the life of one; who asks for more has one already."""
TOUCH_EVERY = timedelta(minutes=1)


async def new_link(session: AsyncSession, person: Person, now: datetime) -> str | None:
    """A secret to mail to somebody; None when they have been mailed enough of them."""
    recent = select(func.count()).where(SignInLink.person == person.id, SignInLink.created_at > now - LINK_LASTS)
    if (await session.scalar(recent) or 0) >= LINKS_PER_QUARTER:
        return None
    await session.execute(delete(SignInLink).where(SignInLink.expires_at < now - timedelta(days=1)))
    token = secrets.token_urlsafe(32)
    session.add(
        SignInLink(
            token_hash=hash_of(token), person=person.id, created_at=now, expires_at=now + LINK_LASTS, used_at=None
        )
    )
    return token


async def still_works(session: AsyncSession, token: str, now: datetime) -> bool:
    """Whether a link would let somebody in.  Looking at it uses nothing up: mail scanners look at every link."""
    link = await session.get(SignInLink, hash_of(token))
    return link is not None and link.used_at is None and link.expires_at > now


async def consume(session: AsyncSession, token: str, directory: Directory, now: datetime) -> Person | None:
    """Use a link up: who it was for; None when it lets nobody in."""
    used = (
        update(SignInLink)
        .where(SignInLink.token_hash == hash_of(token), SignInLink.used_at.is_(None), SignInLink.expires_at > now)
        .values(used_at=now)
        .returning(SignInLink.person)
    )
    return directory.people.get((await session.scalar(used)) or "")


async def enter(session: AsyncSession, person: Person, now: datetime, *, by: str, before: str = "") -> str:
    """Sign somebody in.

    Args:
        session: Open, in a transaction.
        person: Who has shown that it is they.
        now: The time.
        by: How they showed it, for the audit: `link` or `openid`.
        before: The cookie that their browser had; that session ends, whoever's it was.

    Returns:
        The value of their cookie, always a new one.
    """
    if before:
        await session.execute(delete(SignedIn).where(SignedIn.cookie_hash == hash_of(before)))
    cookie = secrets.token_urlsafe(32)
    session.add(SignedIn(cookie_hash=hash_of(cookie), person=person.id, since=now, last_seen_at=now))
    await audit.record(
        session, actor=person.id, action="signed in", about=f"person/{person.id}", at=now, detail={"by": by}
    )
    return cookie


async def who_is_it(
    session: AsyncSession, cookie: str, directory: Directory, now: datetime, *, idle: timedelta, longest: timedelta
) -> Person | None:
    """Whose cookie this is, if it is still good; looking counts as being there."""
    if not cookie:
        return None
    row = await session.get(SignedIn, hash_of(cookie))
    if row is None or row.last_seen_at + idle <= now or row.since + longest <= now:
        return None
    if row.last_seen_at + TOUCH_EVERY <= now:
        row.last_seen_at = now
    return directory.people.get(row.person)


async def sign_out(session: AsyncSession, cookie: str, person: Person, now: datetime) -> None:
    """End it, here and now, whatever the browser keeps."""
    await session.execute(delete(SignedIn).where(SignedIn.cookie_hash == hash_of(cookie)))
    await audit.record(session, actor=person.id, action="signed out", about=f"person/{person.id}", at=now)


async def forget_ended(session: AsyncSession, now: datetime, *, idle: timedelta, longest: timedelta) -> None:
    """Take out what has ended by itself."""
    over = or_(SignedIn.last_seen_at <= now - idle, SignedIn.since <= now - longest)
    await session.execute(delete(SignedIn).where(over))


def form_token(cookie: str) -> str:
    """What every form of a signed-in person carries: only who has the cookie can make it."""
    return hmac.new(cookie.encode(), b"palpate form", hashlib.sha256).hexdigest()


def hash_of(secret: str) -> str:
    """SHA-256; the secrets are 256 random bits, so that nothing slower is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()


def letter(person: Person, link: str, until: str, *, now: datetime, domain: str) -> Delivery:
    """The mail with the link.  It is sent at once and kept nowhere: the outbox would keep the link."""
    values = {"name": person.name, "link": link, "until": until, "subject": "Sign in to Palpate"}
    return Delivery(
        channel="email",
        kind="sign_in",
        person=person.id,
        address=person.email,
        message_id=f"<{uuid.uuid4()}@{domain}>",
        subject=values["subject"],
        text=TEMPLATES.get_template("sign_in/text.txt").render(values),
        html=TEMPLATES.get_template("sign_in/page.html").render(values),
        created_at=now,
    )
