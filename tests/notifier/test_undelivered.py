"""Who hears that somebody could not be reached, and what they are told: their own practice's cases alone."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from palpate_notifier.database import Sessions
from palpate_notifier.inbox.access import covers_elsewhere
from palpate_notifier.messages import MOST_IN_FULL, Named, not_delivered
from palpate_notifier.sender import Sender
from palpate_notifier.settings import NotifierSettings
from palpate_notifier.tables import DisabledChannel
from tests.conftest import MailSink
from tests.notifier.conftest import Clock
from tests.notifier.stories import TWO_PRACTICES, Story

HILL = "1679576722"


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime(2026, 11, 3, 15, 0, tzinfo=UTC))


@pytest.fixture
def begin(sessions: Sessions, clock: Clock, tmp_path: Path) -> Any:
    def _begin(**more: Any) -> Story:
        return Story.begin(sessions, clock, tmp_path, team=TWO_PRACTICES, **more)

    return _begin


async def fails_in_both(story: Story) -> None:
    """Two claims of Ada's at Harbor, one at Hill, told in one message."""
    await story.fail(1)
    await story.fail(2)
    await story.fail(3, practice=HILL)
    await story.wait(minutes=2)


async def test_each_manager_hears_of_their_own_cases_where_every_address_of_somebody_has_bounced(begin: Any) -> None:
    story = begin(inbox_url=None)
    async with story.sessions.begin() as session:
        session.add(
            DisabledChannel(
                channel="email", address="ada@harbor.example", person="ada", reason="550", since=story.clock()
            )
        )
    await fails_in_both(story)
    texts = {each.person: each.text for each in await story.deliveries()}
    named = {
        person: [claim for claim in ("CLM-1", "CLM-2", "CLM-3") if claim in text] for person, text in texts.items()
    }
    assert named == {"pat": ["CLM-1", "CLM-2"], "mo": ["CLM-3"]}


@pytest.mark.parametrize("inbox_url", [None, "https://inbox.harbor.example"])
async def test_each_manager_hears_of_their_own_cases_where_a_message_is_refused(
    begin: Any, mail_sink: MailSink, inbox_url: str | None
) -> None:
    story = begin(inbox_url=inbox_url)
    await fails_in_both(story)
    mail_sink.answers = ["554 not wanted"]
    settings = NotifierSettings(smtp_port=mail_sink.port, mail_domain="palpate.test", inbox_url=inbox_url)
    await Sender(story.sessions, story.directory, settings, story.clock).send_due()
    texts = {each.person: each.text for each in await story.deliveries() if each.kind == "undelivered"}
    named = {
        person: [claim for claim in ("CLM-1", "CLM-2", "CLM-3") if claim in text] for person, text in texts.items()
    }
    assert named == ({"pat": ["CLM-1", "CLM-2"], "mo": ["CLM-3"]} if inbox_url is None else {"pat": [], "mo": []})
    assert "nobody may know yet that 2 claims need correcting" in " ".join(texts["pat"].split())
    assert "Ada Quist, PT of Hill Physical Therapy" in texts["mo"]


@pytest.mark.parametrize("channels", ['["webhook"]', '["apprise"]'])
async def test_what_goes_through_somebody_elses_server_names_no_claim(
    begin: Any, mail_sink: MailSink, channels: str
) -> None:
    pat = f"""channels = {channels}
apprise = ["mailto://x:y@chat.example"]
webhook = {{ url = "https://hook.example", secret_file = "/secret" }}"""
    story = begin(inbox_url=None, pat=pat)
    await fails_in_both(story)
    mail_sink.answers = ["554 not wanted"]
    settings = NotifierSettings(smtp_port=mail_sink.port, mail_domain="palpate.test")
    await Sender(story.sessions, story.directory, settings, story.clock).send_due()
    [to_pat] = [each for each in await story.deliveries() if each.person == "pat"]
    assert to_pat.channel in channels
    for word in ("CLM-1", "CLM-2", (await story.case(1)).reference):
        assert word not in to_pat.text + to_pat.html
    assert "2 claims need correcting" in " ".join(to_pat.text.split())


def test_a_mail_names_so_many_claims_and_counts_the_rest() -> None:
    cases = [Named(f"REF-{number:03}", f"CLM-{number:03}") for number in range(MOST_IN_FULL + 2)]
    message = not_delivered(
        name="Pat", practice="Harbor", cases=cases, person="Ada", channel="email", disabled=False,
        inbox_url=None, in_full=True,
    )  # fmt: skip
    for form in (message.text, message.html):
        assert (form.count("CLM-"), form.count("REF-")) == (MOST_IN_FULL, MOST_IN_FULL)
        assert "And 2 more" in form


@pytest.mark.parametrize(
    ("ada", "found"), [('cover = "ben"', {HILL: 1}), ('cover = "mo"', {"1497758544": 1}), ("", {})]
)
def test_whoever_covers_without_seeing_the_cases_is_said_at_start(begin: Any, ada: str, found: dict[str, int]) -> None:
    assert covers_elsewhere(begin(ada=ada).directory) == found
