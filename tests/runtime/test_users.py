"""The rights of the runbook are enough: both services do their work with them, and nobody has more."""

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import NoPermissionError

from palpate_intake.http.keys import hashed
from palpate_runtime.commit import Commit
from palpate_runtime.embedded import EmbeddedRedis
from tests.conftest import MailSink
from tests.processes import ServiceProcess, event, eventually, services
from tests.validator.claims import claim_with

PAGE = Path(__file__).parents[2] / "docs" / "runbooks" / "redis-users.md"


SOURCES = """
[[source]]
name = "acme"
source = "urn:pms:acme"
keys = ["{hashed}"]
webhook = {{ url = "http://127.0.0.1:{port}/", secret_file = "acme.secret" }}
"""


def intake_settings(sources: Path) -> dict[str, str]:
    """Of an intake that gives up soon."""
    quick = {"retry_first_s": "0.05", "give_up_after_s": "0.1", "webhook_private_addresses": "true"}
    return {"sources": str(sources), **quick}


def over_http(intake: ServiceProcess, method: str, path: str, body: bytes | None = None) -> Any:
    """What the intake answers."""
    headers = {"authorization": "Bearer key", "content-type": "application/cloudevents+json"}
    answer = httpx.request(method, f"http://127.0.0.1:{intake.port}{path}", content=body, headers=headers)
    return answer.raise_for_status().json()


def rights() -> dict[str, list[str]]:
    """What the page says, by user."""
    text = PAGE.read_text("utf-8").split("```")[1].replace("\\\n", " ")
    return {words[2]: words[3:] for line in text.strip().splitlines() if (words := line.split())}


def test_every_user_of_the_page_is_limited() -> None:
    assert set(rights()) == {"palpate-pms", "palpate-validator", "palpate-notifier", "palpate-intake", "palpate-ops"}
    assert not [user for user, words in rights().items() if "+@all" in words or "~*" in words]


@pytest.mark.timeout(120)
def test_the_services_do_their_work_with_these_rights(tmp_path: Path, mail_sink: MailSink, closed_port: int) -> None:
    sources = tmp_path / "sources.toml"
    sources.write_text(SOURCES.format(hashed=hashed("key"), port=closed_port), "utf-8")
    (tmp_path / "acme.secret").write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "utf-8")
    with EmbeddedRedis(tmp_path / "redis") as server, Redis(port=server.port) as admin:
        for user, words in rights().items():
            admin.execute_command("ACL", "SETUSER", user, *words)
        urls = {user: server.url.replace("://", f"://{user}:PASSWORD@") for user in rights()}
        with Redis.from_url(urls["palpate-pms"]) as pms:
            pms.xadd("claims.created", {"event": event(claim_with(lines=[{"modifiers": []}]), event_id="1")})
            with pytest.raises(NoPermissionError):
                pms.xrange("claims.created")
        with (
            services(urls["palpate-validator"], tmp_path, mail_sink.port, "validator") as validators,
            services(urls["palpate-notifier"], tmp_path, mail_sink.port, "notifier") as notifiers,
            services(urls["palpate-intake"], tmp_path, mail_sink.port, "intake", **intake_settings(sources)) as intakes,
        ):
            intake = intakes["intake"]
            sent = event(claim_with(), event_id="2", source="urn:pms:acme")
            assert over_http(intake, "POST", "/events", sent)["accepted"] == 1
            # Its webhook is away, so that it is queued, tried, put off and at last given up.
            eventually(lambda: admin.xlen("webhooks.dead"), within=20, what="the dead letter")
            assert over_http(intake, "GET", "/claims/CLM-1")["status"] == "passed"
            mail_sink.wait_for(1)
            eventually(lambda: admin.xlen("corrections") == 1, within=10, what="the correction")
            # By now each has also balanced its books, looked for abandoned entries and trimmed: its first round does.
            refused = [
                line
                for each in (validators["validator"], notifiers["notifier"], intake)
                for line in each.log_lines()
                if line.get("reason") == "not_permitted"
            ]
        assert refused == []
    assert not re.search(r"PASSWORD", "".join(path.read_text("utf-8") for path in tmp_path.glob("*.log")))


@pytest.mark.parametrize("command", ["xadd", "set", "get", "hincrby", "xack"])
async def test_a_right_that_is_missing_is_found_before_a_claim_is_acknowledged(tmp_path: Path, command: str) -> None:
    with EmbeddedRedis(tmp_path / "redis") as server, Redis(port=server.port) as admin:
        words = [*rights()["palpate-validator"], f"-{command}"]
        admin.execute_command("ACL", "SETUSER", "nearly", *words)
        admin.execute_command("ACL", "SETUSER", "enough", *rights()["palpate-validator"])
        admin.xgroup_create("claims.created", "validator", id="0", mkstream=True)
        for user, refused in (("enough", False), ("nearly", True)):
            async with AsyncRedis.from_url(server.url.replace("://", f"://{user}:PASSWORD@")) as redis:
                rehearsal = Commit(redis, "claims.created", "validator").rehearse()
                if refused:
                    with pytest.raises(NoPermissionError, match=command.upper()):
                        await rehearsal
                else:
                    await rehearsal
        assert admin.keys() == [b"claims.created"]
        assert admin.xlen("claims.created") == 0
