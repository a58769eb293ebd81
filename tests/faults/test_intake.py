"""On Redis Cluster the intake does everything that it does on one server."""

import json
from pathlib import Path

import httpx
import pytest

from palpate_runtime.servers import client_for
from tests.faults.servers import Cluster
from tests.intake.http.conftest import ACME_URI, EVENTS, SOURCES, bearer, event
from tests.intake.http.test_process import url
from tests.processes import eventually, services
from tests.validator.claims import claim_with


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_the_intake_on_a_cluster(tmp_path: Path, closed_port: int) -> None:
    webhook = f'webhook = {{ url = "http://127.0.0.1:{closed_port}/", secret_file = "acme.secret" }}'
    sources = tmp_path / "sources.toml"
    sources.write_text(SOURCES.replace(f'source = "{ACME_URI}"', f'source = "{ACME_URI}"\n{webhook}'), "utf-8")
    (tmp_path / "acme.secret").write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "utf-8")
    claims = [claim_with(claim={"claim_id": f"C-{number}", "patient": {"id": f"P-{number}"}}) for number in range(20)]
    events = [json.loads(event(claim, event_id=claim["claim_id"])) for claim in claims]
    settings = {
        "sources": str(sources), "partitions": "3", "webhook_private_addresses": "true",
        "retry_first_s": "0.05", "give_up_after_s": "0.5",
    }  # fmt: skip
    with (
        Cluster(tmp_path / "cluster") as cluster,
        services(cluster.url, tmp_path, 1, "intake", "validator", **settings) as started,
        client_for(cluster.url) as redis,
    ):
        intake = started["intake"]
        taken = httpx.post(
            url(intake, "/events"), content=json.dumps(events), headers={"content-type": EVENTS, **bearer()}
        )
        assert (taken.status_code, taken.json()["accepted"]) == (202, 20)
        for claim in claims:
            address = url(intake, f"/claims/{claim['claim_id']}")
            eventually(
                lambda address=address: httpx.get(address, headers=bearer()).json()["status"] == "passed",  # type: ignore[misc]
                within=30,
                what="every verdict",
            )
        eventually(lambda: redis.xlen("webhooks:{0}.dead") == 20, within=30, what="every webhook given up")
        crossed = [line for each in started.values() for line in each.log_lines() if line["level"] == "error"]
    assert crossed == []
