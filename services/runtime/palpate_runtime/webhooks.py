"""Signed webhooks (Standard Webhooks), to addresses that are meant to be reached from here and no others.

A webhook's URL is somebody's input.  Without a guard it would be a way to make this server call what only this server
can reach: a metadata service, a database, an admin page on loopback.  So the name is resolved here, every address that
it has must be a public one, the connection goes to the address that was checked (a second look-up could give another
one), and no redirect is followed.
"""

import asyncio
import ipaddress
import socket
import ssl
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache

import httpx
from standardwebhooks import Webhook as Signer
from standardwebhooks.webhooks import EmptyWebhookSecretError

from palpate_runtime.attempt import Attempt, Sent

GONE = 410
MOST_READ = 65_536
"""Bytes of an answer; a connection whose answer is longer is closed."""
READ_ON_S = 1.0
"""For what follows the head of an answer."""
_LAST_PORT = 65_535
_LATER = {408, 425, 429}
_STEPS = 4
"""Of an exchange, each of which may take the time-out: waiting for a connection, connecting, sending, the answer."""
_MENDABLE = (OSError, ValueError, httpx.InvalidURL, EmptyWebhookSecretError)
"""The name does not resolve, the URL cannot be read, or the secret is none: somebody can mend that."""

_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
"""What IANA gives out.  Python calls global what lies outside, too: site-local addresses, IPv4-compatible ones
(`::/96`), a network's own NAT64 (`64:ff9b:1::/48`)."""
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
"""RFC 6052: the last 32 bits are an IPv4 address, which a gateway puts in its place."""


class NotAllowed(ValueError):
    """A URL that this server must not call."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is posted.  The same message has the same id, however often it is sent."""

    id: str
    body: str
    content_type: str = "application/json"


def longest_attempt_s(timeout_s: float) -> float:
    """How long `post` takes at most: looking up the name, the exchange, and what follows the answer."""
    return (1 + _STEPS) * timeout_s + READ_ON_S


def new_client(timeout_s: float) -> httpx.AsyncClient:
    """A client for the webhook of one receiver; its connection is kept for what is sent next.

    Never one for several receivers: connections are told apart by their address alone, and what was made for one name
    must not be used for another that lies at the same address.
    """
    return httpx.AsyncClient(timeout=timeout_s, follow_redirects=False, trust_env=False, verify=_trusted())


async def post(
    message: Message, url: str, secret: str, now: datetime, *, private: bool, client: httpx.AsyncClient
) -> Attempt:
    """One attempt at one message.

    Args:
        message: What.
        url: Where to.
        secret: `whsec_` and the secret in base64.
        now: When; it is signed too.
        private: Whether private and loopback addresses, and plain http, are allowed.
        client: This receiver's.
    """
    try:
        request = await _request(message, url, secret, now, private=private, client=client)
    except NotAllowed:
        return Attempt(Sent.REFUSED, "address not allowed")
    except _MENDABLE as error:
        return Attempt(Sent.LATER, type(error).__name__)
    return await _send(request, client)


async def _request(
    message: Message, url: str, secret: str, now: datetime, *, private: bool, client: httpx.AsyncClient
) -> httpx.Request:
    """What is sent, to the address that was checked."""
    to = plain_url(url)
    headers = {
        "content-type": message.content_type,
        "user-agent": "palpate",
        "webhook-id": message.id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Signer(secret).sign(message.id, now, message.body),
        "host": to.netloc.decode("ascii"),
    }
    async with asyncio.timeout(client.timeout.connect):
        address = await checked_address(url, private=private)
    # The certificate is held against the name, though the connection goes to the address.
    name = {"sni_hostname": to.raw_host.decode("ascii")}
    return client.build_request(
        "POST", to.copy_with(host=address), content=message.body.encode(), headers=headers, extensions=name
    )


def plain_url(url: str) -> httpx.URL:
    """A URL that a webhook may have: http(s), a host, no credentials.

    Raises:
        NotAllowed: it is none.
        httpx.InvalidURL, ValueError: it cannot be read; the text says what is wrong with it.
    """
    to = httpx.URL(url)
    if not to.host or to.userinfo or to.scheme not in {"http", "https"}:
        raise NotAllowed("not a plain http(s) URL")
    if (to.port or 0) > _LAST_PORT:
        raise ValueError(f"there is no port {to.port}")
    return to


async def checked_address(url: str, *, private: bool) -> str:
    """The IP address to connect to.

    Raises:
        NotAllowed: it is no plain http(s) URL, or its name leads to a private address.
        OSError, ValueError, httpx.InvalidURL: it cannot be read, or its name does not resolve.
    """
    to = plain_url(url)
    if to.scheme == "http" and not private:
        raise NotAllowed("not encrypted")
    port = to.port or (443 if to.scheme == "https" else 80)
    # The name as the certificate has it: a second reading of what is not ASCII could be of another name.
    host = to.raw_host.decode("ascii")
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in found]
    if not private and not all(is_public(ipaddress.ip_address(each.partition("%")[0])) for each in addresses):
        raise NotAllowed("leads to an address that is not public")
    return addresses[0]


def is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether an address is one of the public network's, and so is the IPv4 address that is written into it."""
    if isinstance(address, ipaddress.IPv6Address):
        inside = _ipv4_in(address)
        if inside is not None:
            return is_public(inside)
        if address not in _GLOBAL_UNICAST:
            return False
    # `is_global` is false for loopback, private, link-local, shared, documentation and reserved addresses.
    return address.is_global and not address.is_multicast


def _ipv4_in(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Where a packet to this address ends: behind 6to4, or NAT64's well-known prefix, or on this machine's IPv4."""
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour


async def _send(request: httpx.Request, client: httpx.AsyncClient) -> Attempt:
    longest = client.timeout.read
    try:
        # Each step has its own limit, but each byte of an answer is a step: one a second would never end.
        async with asyncio.timeout(None if longest is None else _STEPS * longest):
            answer = await client.send(request, stream=True)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        return Attempt(Sent.LATER, type(error).__name__)
    except (httpx.HTTPError, TimeoutError) as error:
        return Attempt(Sent.UNKNOWN, type(error).__name__)
    await _finish(answer)
    return _meaning(answer.status_code)


async def _finish(answer: httpx.Response) -> None:
    """Read the little that may follow, so that the connection can be used again; what it says does not matter."""
    read = 0
    with suppress(httpx.HTTPError, TimeoutError):
        async with aclosing(answer), asyncio.timeout(READ_ON_S):
            async for chunk in answer.aiter_raw():
                read += len(chunk)
                if read > MOST_READ:
                    break


@cache
def _trusted() -> ssl.SSLContext:
    """Reading the certificates of the system takes some ten milliseconds: once is enough."""
    return ssl.create_default_context()


def _meaning(status: int) -> Attempt:
    if 200 <= status < 300:
        return Attempt(Sent.ACCEPTED)
    if status == GONE:
        return Attempt(Sent.REFUSED, str(status), bounced=True)
    if status >= 500 or status in _LATER:
        return Attempt(Sent.LATER, str(status))
    return Attempt(Sent.REFUSED, str(status))
