"""The commands of docs/http-intake.md do what it says, against the running service."""

import json
import re
import subprocess
from pathlib import Path

import httpx
from redis import Redis

from palpate_intake.http.keys import hashed
from tests.intake.http.test_process import running, url
from tests.processes import events_on, eventually

ROOT = Path(__file__).parents[3]
GUIDE, SAMPLES = ROOT / "docs" / "http-intake.md", ROOT / "samples"
SOURCE, KEY = "urn:pms:acme:clinic-7", "plpt_guide"
_SHOWN = re.compile(r"<!-- run: (.*?) -->\n```sh\n(.*?)```\n", re.DOTALL)


def files(folder: Path) -> None:
    """What the commands read."""
    event = json.loads((SAMPLES / "json" / "clean-pt-medicare.json").read_text("utf-8")) | {"source": SOURCE}
    (folder / "key.header").write_text(f"Authorization: Bearer {KEY}\n", "utf-8")
    (folder / "event.json").write_text(json.dumps(event), "utf-8")
    (folder / "claim.json").write_text(json.dumps(event["data"]), "utf-8")
    (folder / "events.json").write_text(json.dumps([event, event | {"id": "2"}]), "utf-8")
    (folder / "bundle.json").write_bytes((SAMPLES / "fhir" / "clean-pt-medicare.json").read_bytes())
    (folder / "claims.837").write_bytes((SAMPLES / "837p" / "clean-two-claims.837").read_bytes())


def test_every_command_of_the_guide_works(redis_url: str, redis: "Redis", tmp_path: Path) -> None:
    files(tmp_path)
    shown = dict(_SHOWN.findall(GUIDE.read_text("utf-8")))
    with running(redis_url, tmp_path) as intake:
        text = f'[[source]]\nname = "acme"\nsource = "{SOURCE}"\nkeys = ["{hashed(KEY)}"]\n'
        (tmp_path / "sources.toml").write_text(text, "utf-8")
        # The file counts when it has rested for a second.
        key = {"authorization": f"Bearer {KEY}"}
        eventually(
            lambda: httpx.get(url(intake, "/claims/none"), headers=key).status_code == 404,
            within=30,
            what="the key is taken",
        )
        said = {}
        for name, command in shown.items():
            done = subprocess.run(
                ["sh", "-eu", "-c", command],
                cwd=tmp_path, capture_output=True, timeout=30, check=True,
                env={"PATH": "/usr/bin:/bin", "INTAKE": f"http://127.0.0.1:{intake.port}"},
            )  # fmt: skip
            said[name] = json.loads(done.stdout)
    assert {name: answer.get("accepted") for name, answer in said.items()} == {
        "one event, structured": 1,
        "one event, binary": 1,
        "several events": 2,
        "FHIR": 1,
        "X12": 2,
        "how a claim stands": {"id": "2", "version": 1},
    }
    assert said["how a claim stands"]["status"] == "waiting"
    assert {each["source"] for each in events_on(redis, "claims.created")} == {SOURCE}


def test_the_guide_names_every_problem_and_every_setting() -> None:
    from palpate_intake.http import problems
    from palpate_intake.settings import IntakeSettings
    from palpate_runtime.settings import RuntimeSettings

    text = GUIDE.read_text("utf-8")
    kinds = [each for each in vars(problems).values() if isinstance(each, problems.Kind)]
    assert [each.name for each in kinds if f"`{each.name}`" not in text] == []
    own = IntakeSettings.model_fields.keys() - RuntimeSettings.model_fields.keys() - {"webhook_timeout_s"}
    assert [each for each in sorted(own) if f"_{each.upper()}`" not in text] == []
