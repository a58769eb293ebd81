"""`palpate diff-rules`: what the book demands differently between two dates of service."""

import json
from typing import Any

from typer.testing import CliRunner, Result

from palpate_cli.main import app


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["diff-rules", *arguments])


def differences(*arguments: str) -> dict[tuple[str, str], dict[str, Any]]:
    listed = json.loads(run(*arguments, "--format", "json").stdout)["differences"]
    return {(each["what"], each["name"]): each for each in listed}


def test_a_dated_value_shows_both_values_with_their_sources() -> None:
    found = differences("--from", "2025-12-31", "--to", "2026-01-01", "--payer", "medicare")
    kx = found["parameter", "kx_threshold"]
    assert (kx["kind"], kx["before"], kx["after"]) == ("changes", "2410.00", "2480.00")
    assert kx["source_before"] != kx["source_after"]
    assert "2025" in kx["source_before"]
    assert "2026" in kx["source_after"]


def test_rules_begin_and_end_and_a_profile_value_begins() -> None:
    found = differences("--from", "2019-12-31", "--to", "2020-01-01", "--payer", "medicare-part-b")
    assert found["rule", "mod-cq-missing"]["kind"] == "begins"
    assert found["rule", "code-dry-needling"]["kind"] == "changes"
    cq_co = found["profile", "medicare-part-b.cq_co"]
    assert (cq_co["before"], cq_co["after"]) == (None, True)
    ended = differences("--from", "2019-06-30", "--to", "2019-07-01")
    assert ended["rule", "ncci-modifier-column"]["kind"] == "ends"


def test_a_pair_that_ends_is_named_with_its_table() -> None:
    found = differences("--from", "2019-12-31", "--to", "2020-01-01")
    pair = found["ncci", "medicare 95831 + 97140"]
    assert (pair["kind"], pair["before"], pair["after"]) == ("ends", "a modifier sets the two apart", None)
    assert pair["source_before"] == "CMS NCCI table of medicare, 2024Q3"


def test_a_payer_that_follows_no_table_has_no_pairs_that_change() -> None:
    found = differences("--from", "2019-12-31", "--to", "2020-01-01", "--payer", "commercial-ama")
    assert ("rule", "mod-cq-missing") not in found
    assert ("parameter", "kx_threshold") not in found


def test_one_day_differs_in_nothing_from_itself() -> None:
    assert differences("--from", "2026-11-24", "--to", "2026-11-24") == {}


def test_the_text_groups_what_differs() -> None:
    lines = run("--from", "2019-12-31", "--to", "2020-01-01", "--payer", "medicare").stdout.splitlines()
    assert [line for line in lines if line and not line.startswith(" ")][1:] == [
        "Rules", "Dated values", "Payer profiles", "NCCI pairs of 97140",
    ]  # fmt: skip
    assert any(line.startswith("           2020-01-01: 2080.00   [") for line in lines)


def test_days_in_the_wrong_order_and_an_unknown_payer_are_refused() -> None:
    order = run("--from", "2026-01-02", "--to", "2026-01-01")
    assert (order.exit_code, order.stderr) == (2, "palpate: --to (2026-01-01) lies before --from (2026-01-02)\n")
    payer = run("--from", "2026-01-01", "--to", "2026-01-02", "--payer", "nobody")
    assert payer.exit_code == 2
    assert "there is no payer profile or program 'nobody'" in payer.stderr
