"""Webhooks that are signed and go nowhere they should not; addresses that bounce; chat through Apprise."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import select
from standardwebhooks import Webhook as Verifier

from palpate_notifier.channels import apprise, webhook
from palpate_notifier.database import Sessions
from palpate_notifier.directory import Channel, Person, Webhook
from palpate_notifier.sender import Sender
from palpate_notifier.settings import NotifierSettings
from palpate_notifier.tables import Delivery, DisabledChannel
from palpate_runtime.attempt import Attempt, Sent
from palpate_runtime.webhooks import NotAllowed, checked_address
from tests.conftest import MailSink
from tests.notifier.conftest import Clock
from tests.notifier.stories import Story
from tests.processes import serving

SECRET = "whsec_" + base64.b64encode(b"a secret of twenty-four b").decode()


class Hook:
    """A real HTTP server that keeps what it is given and answers as it is told."""

    def __init__(self) -> None:
        self.calls: list[tuple[dict[str, str], bytes]] = []
        self.status, self.location = 204, ""
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                hook.calls.append(({key.lower(): value for key, value in self.headers.items()}, body))
                self.send_response(hook.status)
                if hook.location:
                    self.send_header("location", hook.location)
                self.end_headers()

            def log_message(self, *_args: Any) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()
    with serving(made.server):
        yield made


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text(SECRET + "\n", "utf-8")
    return path


NOW = datetime.now(UTC).replace(microsecond=0)
OPEN = NotifierSettings(webhook_private_addresses=True, webhook_timeout_s=2)


def delivery(**changes: Any) -> Delivery:
    values: dict[str, Any] = {
        "id": "11111111-2222-3333-4444-555555555555",
        "channel": "webhook",
        "kind": "notice",
        "person": "ada",
        "practice": "1497758544",
        "address": "fingerprint",
        "subject": "1 claim needs correcting",
        "text": "1 claim to correct before it is sent.",
        "created_at": NOW,
    }
    return Delivery(**(values | changes))


def to(url: str, secret: Path) -> Webhook:
    return Webhook(url=url, secret_file=secret)


async def test_a_webhook_is_signed_so_that_its_receiver_can_tell(hook: Hook, secret: Path) -> None:
    assert await webhook.send(delivery(), to(hook.url, secret), OPEN, datetime.now(UTC)) == Attempt(Sent.ACCEPTED)
    [(headers, body)] = hook.calls
    said = Verifier(SECRET).verify(body, headers)
    assert said["type"] == "palpate.notice"
    assert said["data"]["subject"] == "1 claim needs correcting"
    assert headers["webhook-id"] == delivery().id
    assert headers["content-type"] == "application/json"
    assert headers["host"] == f"127.0.0.1:{hook.server.server_port}"


async def test_a_body_that_was_changed_on_the_way_does_not_fit_its_signature(hook: Hook, secret: Path) -> None:
    await webhook.send(delivery(), to(hook.url, secret), OPEN, datetime.now(UTC))
    [(headers, body)] = hook.calls
    with pytest.raises(Exception, match="signature"):
        Verifier(SECRET).verify(body.replace(b"1 claim", b"9 claim"), headers)


ANSWERS = {
    200: Attempt(Sent.ACCEPTED),
    204: Attempt(Sent.ACCEPTED),
    302: Attempt(Sent.REFUSED, "302"),
    400: Attempt(Sent.REFUSED, "400"),
    408: Attempt(Sent.LATER, "408"),
    410: Attempt(Sent.REFUSED, "410", bounced=True),
    429: Attempt(Sent.LATER, "429"),
    500: Attempt(Sent.LATER, "500"),
    503: Attempt(Sent.LATER, "503"),
}


@pytest.mark.parametrize(("status", "means"), ANSWERS.items(), ids=map(str, ANSWERS))
async def test_what_an_answer_means(hook: Hook, secret: Path, status: int, means: Attempt) -> None:
    hook.status = status
    assert await webhook.send(delivery(), to(hook.url, secret), OPEN, NOW) == means


async def test_no_redirect_is_followed(hook: Hook, secret: Path) -> None:
    hook.status, hook.location = 307, hook.url
    await webhook.send(delivery(), to(hook.url, secret), OPEN, NOW)
    assert len(hook.calls) == 1


async def test_a_server_that_is_away_is_tried_later(closed_port: int, secret: Path) -> None:
    attempt = await webhook.send(delivery(), to(f"http://127.0.0.1:{closed_port}/", secret), OPEN, NOW)
    assert attempt == Attempt(Sent.LATER, "ConnectError")


async def test_a_secret_that_is_not_there_is_tried_later(hook: Hook, tmp_path: Path) -> None:
    attempt = await webhook.send(delivery(), to(hook.url, tmp_path / "nothing"), OPEN, NOW)
    assert (attempt.sent, hook.calls) == (Sent.LATER, [])


async def test_a_private_address_is_not_called_unless_it_is_allowed(hook: Hook, secret: Path) -> None:
    attempt = await webhook.send(delivery(), to(hook.url, secret), NotifierSettings(), NOW)
    assert (attempt, hook.calls) == (Attempt(Sent.REFUSED, "address not allowed"), [])


NOT_ALLOWED = {
    "loopback": "https://127.0.0.1/",
    "loopback by name": "https://localhost/",
    "loopback as one number": "https://2130706433/",
    "loopback, IPv6": "https://[::1]/",
    "loopback inside IPv6": "https://[::ffff:127.0.0.1]/",
    "every address of this machine": "https://0.0.0.0/",
    "a private network": "https://10.1.2.3/",
    "another": "https://172.16.0.1/",
    "a third": "https://192.168.1.1/",
    "a cloud's metadata": "https://169.254.169.254/latest/meta-data",
    "a carrier's network": "https://100.64.0.1/",
    "a local IPv6 network": "https://[fd00::1]/",
    "a link-local address": "https://[fe80::1]/",
    "a private network inside 6to4": "https://[2002:0a01:0203::1]/",
    "loopback through NAT64": "https://[64:ff9b::7f00:1]/",
    "a network's own NAT64": "https://[64:ff9b:1::1]/",
    "a site-local address": "https://[fec0::1]/",
    "loopback inside IPv6, the old way": "https://[::127.0.0.1]/",
    "many at once": "https://224.0.0.1/",
    "not encrypted": "http://93.184.215.14/",
    "with a password": "https://user:pass@93.184.215.14/",
    "not HTTP": "ftp://93.184.215.14/",
    "nothing": "https:///path",
}


@pytest.mark.parametrize("url", NOT_ALLOWED.values(), ids=NOT_ALLOWED.keys())
async def test_a_webhook_goes_nowhere_it_should_not(url: str) -> None:
    with pytest.raises(NotAllowed):
        await checked_address(url, private=False)


async def test_a_public_address_is_fine() -> None:
    assert await checked_address("https://93.184.215.14/hook", private=False) == "93.184.215.14"


# -- through the sender --------------------------------------------------------------------------------------------


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime(2026, 11, 3, 15, 0, tzinfo=UTC))


@pytest.fixture
def begin(sessions: Sessions, clock: Clock, tmp_path: Path) -> Any:
    def _begin(**settings: Any) -> Story:
        return Story.begin(sessions, clock, tmp_path, **settings)

    return _begin


def sender(story: Story, sink: MailSink, **settings: Any) -> Sender:
    chosen = NotifierSettings(
        smtp_port=sink.port, mail_domain="palpate.test", webhook_private_addresses=True, smtp_timeout_s=5, **settings
    )
    return Sender(story.sessions, story.directory, chosen, story.clock)


async def disabled(sessions: Sessions) -> list[tuple[str, str, str]]:
    async with sessions() as session:
        return [(row.channel, row.person, row.reason) for row in await session.scalars(select(DisabledChannel))]


async def test_a_mailbox_that_is_not_there_is_not_written_to_again_and_the_manager_is_told(
    begin: Any, sessions: Sessions, mail_sink: MailSink
) -> None:
    story = begin()
    mail_sink.answers = ["550 no such user"]
    await story.fail(1)
    await story.wait(minutes=2)
    sending = sender(story, mail_sink, inbox_url="https://inbox.harbor.example")
    await sending.send_due()
    assert await disabled(sessions) == [("email", "ada", "550")]
    await sending.send_due()
    [mail] = mail_sink.wait_for(1)
    assert mail["To"] == "pat@harbor.example"
    text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "Ada Quist, PT of Harbor Physical Therapy could not be delivered" in text
    assert "That address is not used again" in text
    assert "CLM-1" not in mail.as_string()
    await story.fail(2)
    await story.wait(minutes=2)
    assert [person for person, _ in await story.mails()][-1] == "pat"


async def test_a_message_that_is_refused_for_what_it_says_disables_no_address(
    begin: Any, sessions: Sessions, mail_sink: MailSink
) -> None:
    story = begin()
    mail_sink.answers = ["554 looks like spam"]
    await story.fail(1)
    await story.wait(minutes=2)
    await sender(story, mail_sink).send_due()
    assert await disabled(sessions) == []
    assert [(each.person, each.status) for each in await story.deliveries()] == [("ada", "failed"), ("pat", "queued")]


async def test_somebody_is_told_by_each_channel_that_they_chose_and_one_that_is_gone_leaves_the_other(
    begin: Any, sessions: Sessions, mail_sink: MailSink, hook: Hook, secret: Path
) -> None:
    ada = f'channels = ["email", "webhook"]\nwebhook = {{ url = "{hook.url}", secret_file = "{secret}" }}'
    story = begin(ada=ada, inbox_url=None)
    hook.status = 410
    await story.fail(1)
    await story.wait(minutes=2)
    sending = sender(story, mail_sink)
    await sending.send_due()
    [mail] = mail_sink.wait_for(1)
    assert mail["To"] == "ada@harbor.example"
    # Without an inbox the mail names the claim; what goes through somebody else's server never does.
    [(_, body)] = hook.calls
    assert b"CLM-1" not in body
    assert json.loads(body)["data"]["subject"] == "1 claim needs correcting at Harbor Physical Therapy"
    assert await disabled(sessions) == [("webhook", "ada", "410")]
    await story.fail(2)
    await story.wait(minutes=2)
    channels = [each.channel for each in await story.deliveries() if each.person == "ada"]
    assert sorted(channels) == ["email", "email", "webhook"]


# One of the services that Apprise looks for imports a module that Python 3.13 no longer has.
@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
@pytest.mark.skipif(not apprise.is_there(), reason="the extra palpate[apprise] is not installed")
async def test_apprise_takes_a_message_to_wherever_somebody_is(hook: Hook) -> None:
    person = Person(
        id="ada",
        name="Ada",
        email="ada@harbor.example",
        channels=(Channel.APPRISE,),
        apprise=(SecretStr(f"json://127.0.0.1:{hook.server.server_port}/hook"),),
    )
    assert await apprise.send(delivery(channel="apprise"), person) == Attempt(Sent.ACCEPTED)
    [(_, body)] = hook.calls
    assert json.loads(body)["title"] == "1 claim needs correcting"
    hook.status = 500
    assert (await apprise.send(delivery(channel="apprise"), person)).sent is Sent.LATER
