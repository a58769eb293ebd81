"""The intake as a process of its own: killed in the middle, and everything that a stranger may send to it."""

import json
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis import Redis

from tests.intake.http.conftest import ACME_URI, EVENT, EVENTS, SOURCES, bearer, event
from tests.intake.x12_text import x12
from tests.processes import ServiceProcess, events_on, eventually, services
from tests.validator.claims import claim_with


@contextmanager
def running(redis_url: str, folder: Path, *others: str, **settings: str) -> Iterator[ServiceProcess]:
    """The intake, and other services beside it."""
    (folder / "sources.toml").write_text(SOURCES, "utf-8")
    settings = {"sources": str(folder / "sources.toml"), "rate": "1000000/minute"} | settings
    with services(redis_url, folder, 1, "intake", *others, **settings) as started:
        yield started["intake"]


def url(process: ServiceProcess, path: str) -> str:
    return f"http://127.0.0.1:{process.port}{path}"


def post(process: ServiceProcess, path: str, body: Any, kind: str) -> httpx.Response:
    return httpx.post(url(process, path), content=body, headers={"content-type": kind, **bearer()}, timeout=30)


def status(process: ServiceProcess, claim_id: str) -> Any:
    return httpx.get(url(process, f"/claims/{claim_id}"), headers=bearer()).json().get("status")


def _head(length: int) -> str:
    return (
        "POST /x12 HTTP/1.1\r\nHost: intake\r\nContent-Type: text/plain\r\n"
        f"Authorization: {bearer()['authorization']}\r\nContent-Length: {length}\r\n\r\n"
    )


CANARIES = {"name": "Canaryname", "birth_date": "1961-07-04", "note": "Canarynote", "member": "CANARY-MEMBER-1"}


def _with_canaries(**changes: Any) -> dict[str, Any]:
    claim = claim_with(
        claim={
            "patient": {"id": "P-1", "name": CANARIES["name"], "birth_date": CANARIES["birth_date"]},
            "member_id": CANARIES["member"],
        },
        note={"text": CANARIES["note"]},
    )
    return {**claim, **changes}


BODIES = [
    ("/events", EVENT, event(_with_canaries())),
    ("/events", EVENT, event(_with_canaries(lines="Canarynote"), event_id="e-2")),
    ("/events", EVENT, event(_with_canaries())[:-40]),
    ("/events", EVENT, json.dumps({"Canaryname": "Canarynote"}).encode()),
    ("/events", EVENTS, b"[" + event(_with_canaries(Canaryname=1, payer={"Canaryname": 1})) + b"]"),
    ("/fhir/Claim", "application/json", json.dumps({"resourceType": "Canaryname", "x": "Canarynote"}).encode()),
    ("/x12", "text/plain", x12(("NM1*IL", "NM1*IL*1*Canaryname*X****MI*CANARY-MEMBER-1~")).encode()),
    ("/x12", "text/plain", x12(("HI*", "HI*Canarynote:Canaryname~")).encode()),
    ("/x12", "Canarynote", b"Canaryname"),
]


def test_nothing_of_a_person_is_in_an_answer_or_a_log_and_the_verdict_comes_back(
    redis_url: str, redis: "Redis", tmp_path: Path
) -> None:
    with running(redis_url, tmp_path, "validator") as intake:
        answers = [post(intake, path, body, kind) for path, kind, body in BODIES]
        eventually(lambda: status(intake, "CLM-1") == "passed", within=20, what="the verdict")
        verdict = httpx.get(url(intake, "/claims/CLM-1"), headers=bearer())
        metrics = httpx.get(url(intake, "/metrics")).text
        with socket.create_connection(("127.0.0.1", intake.port)) as half_sent:
            half_sent.sendall(_head(1_000).encode() + b"ISA")
            # A body that is still on its way does not hold up the end.
            assert intake.stop() == 0
    shown = "".join(f"{answer.headers} {answer.text}" for answer in [*answers, verdict]) + metrics + intake.log_text()
    assert [answer.status_code for answer in answers] == [202, 422, 422, 422, 422, 422, 202, 422, 415]
    assert [canary for canary in CANARIES.values() if canary in shown] == []
    assert 'palpate_taken_in_total{outcome="accepted"}' in metrics
    assert len([line for line in intake.log_lines() if line["event"] == "claims_taken_in"]) == 9


def test_killed_before_it_could_answer_it_has_one_event_when_the_sender_sends_again(
    redis_url: str, redis: "Redis", tmp_path: Path
) -> None:
    """The body is never finished, so no answer can come; its first batch is on the stream all the same."""
    claims = "".join(x12(("CLM*", f"CLM*X-{number}*75***11:B:1*Y*A*Y*Y~")) for number in range(300)).encode()
    # Verdicts that the killed one had in hand are its successor's to note, once they have lain for a while.
    soon = {"reclaim_idle_ms": "300", "reclaim_every_ms": "100"}
    with (
        running(redis_url, tmp_path, "validator", **soon) as intake,
        socket.create_connection(("127.0.0.1", intake.port)) as raw,
    ):
        raw.sendall(_head(len(claims)).encode() + claims[:-100])
        eventually(lambda: redis.xlen("claims.created") >= 200, within=20, what="the first batch")
        intake.kill()
        intake.start()
        taken = post(intake, "/x12", claims, "text/plain").json()
        for claim in ("X-299", "X-0"):
            eventually(lambda claim=claim: status(intake, claim) in {"passed", "failed"}, within=20, what="a verdict")
    assert (taken["accepted"], taken["rejected"]) == (300, 0)
    judged = [
        (each["data"]["source_event"]["source"], each["data"]["source_event"]["id"])
        for stream in ("claims.passed", "claims.failed")
        for each in events_on(redis, stream)
    ]
    assert sorted(judged) == sorted((ACME_URI, each["event"]["id"]) for each in taken["claims"])


def with_webhook(url: str) -> str:
    """The sources with a webhook for the last of them."""
    return SOURCES + f'webhook = {{ url = "{url}", secret_file = "x.secret" }}\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "cannot be read \\(FileNotFoundError\\); `palpate intake key NAME`"),
        ("[[source]\n", "Expected '\\]\\]'.*line 1"),
        ('[[source]]\nname = "a"\nsource = "urn:a"\nkeys = ["plpt_secret"]\n', "source number 1, keys.0: "),
        ('[[source]]\nname = "a"\nsource = "urn:a"\n', "source number 1, keys: Field required"),
        (SOURCES + "webhok = 1\n", "source number 2, webhok: Extra inputs are not permitted"),
        (SOURCES + SOURCES, "the name 'acme' is there twice"),
        (with_webhook("http://a\\u0001b/"), "source number 2, webhook.url: not a URL: Invalid non-printable"),
        (with_webhook("https://pms.example:99999/"), "source number 2, webhook.url: there is no port 99999"),
        (with_webhook("https://me:pass@pms.example/"), "source number 2, webhook.url: not a plain"),
    ],
    ids=["none", "no TOML", "a key as it is", "no key", "a misspelt word", "twice", "no URL", "no port", "a password"],
)
def test_a_sources_file_with_a_fault_is_refused_at_the_start_and_no_key_is_repeated(
    text: str | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from palpate_intake.http.sources import WrongSources, load_sources

    file = tmp_path / "sources.toml"
    if text is not None:
        file.write_text(text, "utf-8")
    with pytest.raises(WrongSources, match=said) as refused:
        load_sources(file)
    assert str(file) in str(refused.value)
    assert "plpt_" not in str(refused.value)


def test_a_key_is_shown_once_and_its_lines_open_the_door(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from palpate_cli.main import app
    from palpate_intake.http.sources import load_sources

    made = CliRunner().invoke(app, ["intake", "key", "acme", "--source", "urn:pms:acme:clinic-7"])
    assert made.exit_code == 0
    [key] = re.findall(r"plpt_[\w-]{43}", made.stderr)
    assert key not in made.stdout
    file = tmp_path / "sources.toml"
    file.write_text(made.stdout, "utf-8")
    holder = load_sources(file).holder_of(key)
    assert holder is not None
    assert (holder.name, holder.source) == ("acme", "urn:pms:acme:clinic-7")
    assert CliRunner().invoke(app, ["intake", "key", "No Good"]).exit_code == 2
