"""The bench itself, in its tiniest form, so that it does not rot: what it measures is not looked at here."""

import importlib
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as Xml

import psutil
import pytest

from bench import claims
from bench.__main__ import PARTS
from bench.asked import Asked, Section
from bench.environments import HERE
from bench.figures import Figure, figures, percentile
from bench.parts import service
from bench.parts.latency import latencies_ms
from bench.results import page
from bench.rig import REPOSITORY
from bench.svg import bars
from palpate_schemas.events import ClaimEvent
from tests.processes import eventually


def bench(*words: str, path: Path | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "bench", *words],
        cwd=REPOSITORY,
        env=os.environ | ({"PATH": f"{path}{os.pathsep}{os.environ['PATH']}"} if path else {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_claims_are_events_of_three_lines_each_with_an_id_of_its_own() -> None:
    read = [ClaimEvent.model_validate_json(raw) for raw in claims.events(3, first=claims.DIFFERENT - 1)]
    assert [len(event.data.lines) for event in read] == [3, 3, 3]
    assert [event.data.claim_id for event in read] == ["000000001999", "000000002000", "000000002001"]


def test_a_ratio_is_the_median_of_the_rounds_own_ratios() -> None:
    # The second round was disturbed for both alike.
    fast, slow = Figure((100, 50, 90)), Figure((10, 5, 10))
    assert fast.to(slow) == 10


def test_what_was_not_measured_in_every_round_is_left_out() -> None:
    assert figures([{"a": 1, "b": 2}, {"a": 3}]) == {"a": Figure((1, 3))}


@pytest.mark.parametrize(("share", "value"), [(0.5, 51), (0.99, 100), (1.0, 100)])
def test_a_percentile_is_a_value_that_was_measured(share: float, value: int) -> None:
    assert percentile(range(1, 101), share) == value


def test_a_plot_is_xml_with_a_bar_for_each_row() -> None:
    root = Xml.fromstring(bars("a < b", [("Palpate", 10, 9, 11), ("other & more", 2, 1, 3)], "claims a second"))
    svg = "{http://www.w3.org/2000/svg}"
    assert len(root.findall(f"{svg}rect")) == 3  # the ground, and two bars


def test_the_page_says_which_bars_were_met() -> None:
    section = Section("Latency", bars=[("p99, ms", 20.0, 15.0, False), ("ratio", 0.6, 0.5, True)])
    text = page([section], Asked(), "python -m bench", load=0.0)
    assert "| p99, ms | 20 | under 15 | **no** |" in text
    assert "| ratio | 0.6 | at least 0.5 | yes |" in text


def test_every_part_is_there_and_everything_it_compares_is_pinned() -> None:
    for part in PARTS:
        assert callable(importlib.import_module(f"bench.parts.{part}").run)
    for name, each in service.OTHERS.items():
        assert (HERE / "workers" / f"{each.module}.py").exists(), name
        if each.group != "own":
            pins = HERE / (f"requirements-{each.group}.txt" if each.group else "requirements.txt")
            assert re.search(rf"^{re.escape(each.package)}==", pins.read_text("utf-8"), re.MULTILINE), name


def test_the_limit_the_validator_and_the_textbook_way_are_measured() -> None:
    textbook = service.OTHERS[service.TEXTBOOK]
    for seen in (service.bare(2_000), service.palpate(1_500), service.other(textbook, Path(sys.executable), 60)):
        assert seen.per_second > 0
        assert seen.cpu_us > 0


def test_latency_is_measured_of_every_claim_once_warm() -> None:
    seen = latencies_ms(rate=500, seconds=0.2)
    assert len(seen) == 100
    assert min(seen) >= 0


def test_results_and_plots_are_written(tmp_path: Path) -> None:
    told, trouble = bench(
        *("backlog", "--backlog", "2000", "--rounds", "1", "--seconds", "0.5", "--to", str(tmp_path))
    ).communicate(timeout=100)
    assert (tmp_path / "RESULTS.md").exists(), told + trouble
    assert "| memory at 2,000 waiting, MB |" in (tmp_path / "RESULTS.md").read_text("utf-8")


def test_nothing_is_left_behind_by_a_bench_that_is_interrupted() -> None:
    running = bench("durability", "--rounds", "50")
    seen = psutil.Process(running.pid)
    # A Redis and a validator.
    eventually(lambda: len(seen.children(recursive=True)) >= 2, within=60, what="servers and workers")
    children = seen.children(recursive=True)
    running.send_signal(signal.SIGTERM)
    running.communicate(timeout=60)
    assert psutil.wait_procs(children, timeout=10)[1] == []


def test_a_part_that_cannot_be_measured_does_not_throw_away_the_others(tmp_path: Path) -> None:
    server = tmp_path / "redis-server"
    server.write_text("#!/bin/sh\necho no >&2; exit 1\n", "utf-8")
    server.chmod(0o755)
    running = bench("durability", "backlog", "--backlog", "1000", "--to", str(tmp_path), path=tmp_path)
    _, trouble = running.communicate(timeout=60)
    assert running.returncode == 1
    assert "Not measured: durability, backlog" in trouble
    assert "did not start" in (tmp_path / "RESULTS.md").read_text("utf-8")


@pytest.mark.parametrize("words", [["nonsense"], ["engine", "--claims", "3"]])
def test_what_cannot_be_measured_is_said(words: list[str]) -> None:
    running = bench(*words)
    _, trouble = running.communicate(timeout=60)
    assert running.returncode == 2
    assert "no such part: nonsense" in trouble or "too little to measure" in trouble
