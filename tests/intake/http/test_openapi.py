"""The OpenAPI document is valid, up to date, and true: schemathesis holds the running service to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from openapi_spec_validator import validate
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from palpate_intake.http import openapi
from palpate_intake.http.operations import OPERATIONS, Operation
from tests.intake.http.conftest import bearer
from tests.intake.http.test_process import running, url

COMMITTED = Path(__file__).parents[3] / "schemas" / "openapi.json"


def test_the_document_is_openapi_3_1() -> None:
    validate(openapi.document())


def test_the_committed_document_is_up_to_date() -> None:
    assert COMMITTED.read_text("utf-8") == openapi.text(), "run `palpate schema --write schemas`"


@pytest.fixture(scope="module")
def service(redis_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(redis_server, tmp_path_factory.mktemp("intake")) as intake:
        yield url(intake, "/openapi.json")


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_the_service_does_what_the_document_says(operation: Operation, mode: GenerationMode, service: str) -> None:
    described = schemathesis.openapi.from_url(service)[operation.path][operation.method]

    # Making an event that fits its schema takes schemathesis a quarter of a second.
    examples = 4 if operation.name == "sendEvents" else 20

    @settings(max_examples=examples, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(case=described.as_strategy(generation_mode=mode))
    def holds(case: schemathesis.Case) -> None:
        # What fits the schema may still be no claim: an 837P is only "a text" in OpenAPI, and a key has one source.
        case.call_and_validate(headers=bearer(), excluded_checks=[positive_data_acceptance])

    holds()
