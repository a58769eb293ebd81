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
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from urllib.parse import urlsplit

import httpx
from standardwebhooks import Webhook as Signer

from palpate_runtime.attempt import Attempt, Sent

GONE = 410
MOST_READ = 65_536
"""Bytes of an answer; a connection whose answer is longer is closed."""
_LATER = {408, 425, 429}


class NotAllowed(ValueError):
    """A URL that this server must not call."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is posted.  The same message has the same id, however often it is sent."""

    id: str
    body: str
    content_type: str = "application/json"


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
        address = await checked_address(url, private=private)
        headers = {
            "content-type": message.content_type,
            "user-agent": "palpate",
            "webhook-id": message.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Signer(secret).sign(message.id, now, message.body),
        }
    except NotAllowed:
        return Attempt(Sent.REFUSED, "address not allowed")
    except (OSError, ValueError) as error:
        # The name does not resolve, or the secret is none: somebody can mend that.
        return Attempt(Sent.LATER, type(error).__name__)
    return await _post(url, address, message.body, headers, client)


async def checked_address(url: str, *, private: bool) -> str:
    """The IP address to connect to.

    Raises:
        NotAllowed: it is not http(s), has credentials in it, or a name that leads to a private address.
        OSError: the name does not resolve.
    """
    parts = urlsplit(url)
    if parts.hostname is None or parts.username is not None or parts.scheme not in {"http", "https"}:
        raise NotAllowed("not a plain http(s) URL")
    if parts.scheme == "http" and not private:
        raise NotAllowed("not encrypted")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    found = await asyncio.get_running_loop().getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in found]
    if not private:
        _only_public(addresses)
    return addresses[0]


def _only_public(addresses: Sequence[str]) -> None:
    for text in addresses:
        address = ipaddress.ip_address(text.partition("%")[0])
        mapped = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
        for each in (address, mapped):
            # `is_global` is false for loopback, private, link-local, shared, documentation and reserved addresses.
            if each is not None and (not each.is_global or each.is_multicast):
                raise NotAllowed("leads to an address that is not public")


async def _post(url: str, address: str, body: str, headers: dict[str, str], client: httpx.AsyncClient) -> Attempt:
    parts = urlsplit(url)
    host = parts.hostname or ""
    request = client.build_request(
        "POST",
        httpx.URL(url).copy_with(host=address),
        content=body.encode(),
        headers={**headers, "host": host if parts.port is None else f"{host}:{parts.port}"},
        # The certificate is held against the name, though the connection goes to the address.
        extensions={"sni_hostname": host},
    )
    try:
        answer = await client.send(request, stream=True)
        await _finish(answer)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        return Attempt(Sent.LATER, type(error).__name__)
    except httpx.HTTPError as error:
        return Attempt(Sent.UNKNOWN, type(error).__name__)
    return _meaning(answer.status_code)


async def _finish(answer: httpx.Response) -> None:
    """Read the little that may follow, so that the connection can be used again; what it says does not matter."""
    read = 0
    with suppress(httpx.HTTPError, TimeoutError):
        async with asyncio.timeout(1):
            async for chunk in answer.aiter_raw():
                read += len(chunk)
                if read > MOST_READ:
                    break
    await answer.aclose()


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
