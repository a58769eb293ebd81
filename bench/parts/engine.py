"""The engine alone, next to a bare parse of the same claims, and claim-validator on its own checks."""

import gc
import subprocess
import time
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime

from bench import claims
from bench.asked import Asked, Section
from bench.environments import python_of, version_of
from bench.figures import Figure, figures, number, table
from bench.rig import REPOSITORY, scratch
from bench.svg import bars
from palpate_schemas.events import ClaimEvent
from palpate_schemas.lean import read_claim_event, to_json
from palpate_validator.app import GROUP
from palpate_validator.book import shipped_rule_book
from palpate_validator.engine import judge
from palpate_validator.verdicts import answers

PARSE, LEAN = "parse with the models", "read lean, as Palpate does"
ENGINE, ANSWER, THEIRS = "Palpate's engine", "Palpate, event to verdict", "claim-validator"


def run(asked: Asked) -> Section:
    """Parse, judge, and all from bytes to bytes, in turn; claim-validator in a process of its own after each round."""
    count = asked.share(2)
    events = list(claims.events(count))
    parsed = [read_claim_event(raw).data for raw in events]
    book, now = shipped_rule_book(), datetime.now(UTC)
    gc.collect()
    gc.freeze()  # as the service does

    def whole() -> Iterator[bytes]:
        # As many together as the service does.
        for first in range(0, count, GROUP):
            for found in answers([(raw, "-") for raw in events[first : first + GROUP]], book, now):
                yield to_json(found.event)

    cpu_s(whole())  # what is remembered of rules and payers is remembered now
    rounds = []
    for turn in range(asked.rounds):
        seconds = {
            PARSE: cpu_s(ClaimEvent.model_validate_json(raw) for raw in events),
            LEAN: cpu_s(read_claim_event(raw) for raw in events),
            ENGINE: cpu_s(judge(claim, claim.submitted_on, book) for claim in parsed),
            ANSWER: cpu_s(whole()),
        }
        rates = {name: count / taken for name, taken in seconds.items()}
        rounds.append(rates | {THEIRS: 1e6 / theirs_us(asked.share(6))})
        print(f"  round {turn + 1}: " + ", ".join(f"{name} {number(each)}/s" for name, each in rounds[-1].items()))
    gc.unfreeze()
    return _section(figures(rounds), len(book.rules))


def cpu_s(work: Iterator[object]) -> float:
    """Seconds of processor time of all steps, none of their results kept: a growing heap would be measured too."""
    started = time.process_time()
    deque(work, maxlen=0)
    return time.process_time() - started


def theirs_us(count: int) -> float:
    """claim-validator's microseconds a claim."""
    with scratch() as folder:
        file = folder / "events.jsonl"
        file.write_bytes(b"\n".join(claims.events(count)))
        done = subprocess.run(
            [python_of(""), "-m", "bench.workers.claim_validator_loop", str(file), "1"],
            check=False,
            capture_output=True,
            text=True,
            cwd=REPOSITORY,
        )
    if done.returncode:
        raise RuntimeError(f"claim-validator ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return float(done.stdout.split()[0])


def _section(speed: dict[str, Figure], rules: int) -> Section:
    section = Section("The engine alone")
    section.text.append(
        f"By processor time, in one process. The engine asks the full book ({rules} rules) of parsed claims; *event to "
        "verdict* is reading the JSON, judging, the digest of the claim and writing the verdict."
    )
    section.text.append(
        f"claim-validator {version_of(python_of(''), 'claim-validator')} makes its rule-based checks of any "
        "professional claim: NPI check digits, taxonomy, ICD-10-CM and HCPCS codes in its tables, pointers, place of "
        "service, charges, dates and filing, repeated lines, form of modifiers. It knows nothing of timed units, "
        "notes, NCCI or payers, which is what Palpate's rules are about: the two do different work, and the figure "
        "only says what such a library costs."
    )
    section.text.append(
        table(
            ["", "claims/s a core", "µs a claim", "to the parse"],
            [
                [name, str(each), number(1e6 / each.median), f"{each.to(speed[PARSE]):.3f}"]
                for name, each in speed.items()
            ],
        )
    )
    section.plots["engine.svg"] = bars(
        "One core, no Redis",
        [(name, each.median, min(each.rounds), max(each.rounds)) for name, each in speed.items()],
        "claims a second",
    )
    section.bars.append(("engine, claims/s a core", speed[ENGINE].median, 15_000.0, True))
    return section
