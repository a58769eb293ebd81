"""Correct claims without end: over payers, professions, dates of service 2019-2026 and codes that are given together.

Made from domain knowledge alone, with nothing of the rule book's code: what a careful practice would send.
`correct_claim` takes a `random.Random`, so that a seed is a claim.  Facts that a practice need not share are left out
now and then.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any, NamedTuple

Json = dict[str, Any]

FIRST_DAY, LAST_DAY = date(2019, 1, 1), date(2026, 11, 20)


class Who(NamedTuple):
    """Who renders and who gives the service."""

    rendering: str
    taxonomy: str
    plan: str
    """The therapy modifier of the plan that they work under."""
    assistant: str | None = None


PT, OT = Who("PT", "225100000X", "GP"), Who("OT", "225X00000X", "GO")
PT_WITH_PTA, OT_WITH_OTA = PT._replace(assistant="PTA"), OT._replace(assistant="OTA")
MD, DO = Who("MD", "208100000X", "GP"), Who("DO", "204D00000X", "GP")
NP, PA = Who("NP", "363L00000X", "GP"), Who("PA", "363A00000X", "GP")
CHIROPRACTOR = Who("DC", "111N00000X", "GP")
LMT = Who("LMT", "225700000X", "GP")

_THERAPISTS = (PT, PT, PT, OT, OT, PT_WITH_PTA, OT_WITH_OTA)
_EVERYONE_ELSE = (*_THERAPISTS, MD, DO, CHIROPRACTOR)


@dataclass(frozen=True)
class PayerKind:
    """How a payer is named on a claim and what it asks for."""

    named: Json
    people: tuple[Who, ...]
    counts: str = "both"
    """`cms`, `ama`, or `both` where it is not known: then only minutes that come out the same are billed."""
    plan_since: date | None = None
    """Therapy modifiers are asked for from this day; None: it is not known, some practices send them."""
    assistant_since: date | None = None
    filing_days: int = 90
    authorization: bool = False
    pair_97530: bool = False


_ALWAYS = date(1999, 1, 1)

MEDICARE = PayerKind(
    {"program": "medicare"}, (*_THERAPISTS, MD, NP, PA, CHIROPRACTOR), "cms", _ALWAYS, date(2020, 1, 1), filing_days=365
)
PAYERS = (
    MEDICARE,
    MEDICARE,
    MEDICARE,
    PayerKind({"program": "medicare_advantage"}, (*_THERAPISTS, MD), "cms", _ALWAYS, date(2020, 1, 1)),
    PayerKind({"program": "medicaid"}, _THERAPISTS, "cms", filing_days=300),
    PayerKind({"program": "tricare"}, _THERAPISTS, "cms", None, date(2021, 1, 1), filing_days=300),
    PayerKind({"program": "va"}, (*_THERAPISTS, CHIROPRACTOR), "cms", date(2019, 1, 1), None, 170, authorization=True),
    PayerKind(
        {"program": "commercial", "profile": "uhc-commercial"},
        _EVERYONE_ELSE,
        "cms",
        date(2020, 4, 1),
        date(2022, 1, 1),
    ),
    PayerKind({"program": "commercial", "profile": "aetna"}, _EVERYONE_ELSE),
    PayerKind({"program": "commercial", "profile": "cigna"}, _EVERYONE_ELSE),
    PayerKind({"program": "commercial", "profile": "anthem"}, _EVERYONE_ELSE, pair_97530=True),
    PayerKind({"program": "commercial", "profile": "humana"}, _EVERYONE_ELSE, assistant_since=date(2022, 1, 1)),
    PayerKind({"program": "commercial", "profile": "bcbs-nebraska"}, _EVERYONE_ELSE, "cms"),
    PayerKind({"program": "commercial", "profile": "bcbs-north-dakota"}, _EVERYONE_ELSE),
    PayerKind({"program": "commercial", "profile": "commercial-cms"}, _EVERYONE_ELSE, "cms"),
    PayerKind({"program": "commercial", "profile": "commercial-ama"}, _EVERYONE_ELSE, "ama"),
    PayerKind({"program": "commercial"}, _EVERYONE_ELSE),
    PayerKind({"program": "workers_comp"}, (*_EVERYONE_ELSE, LMT)),
    PayerKind({"program": "auto"}, (*_EVERYONE_ELSE, LMT)),
)

KX_THRESHOLD = {2019: 2040, 2020: 2080, 2021: 2110, 2022: 2150, 2023: 2230, 2024: 2330, 2025: 2410, 2026: 2480}

DAY_WITHOUT_97530_PAIR = date(2020, 1, 1)


class Place(NamedTuple):
    """A region with a diagnosis that treatment there rests on, and words of a note."""

    region: str
    diagnosis: str
    words: str
    first: date = date.min
    last: date = date.max


_M54_5_SPLIT = date(2021, 10, 1)
PLACES = (
    Place("cervical", "M54.2", "cervical"),
    Place("thoracic", "M54.6", "thoracic"),
    Place("lumbar", "M54.5", "lumbar", last=date(2021, 9, 30)),
    Place("lumbar", "M54.50", "lumbar", first=_M54_5_SPLIT),
    Place("lumbar", "M54.59", "lumbar", first=_M54_5_SPLIT),
    Place("shoulder.right", "M25.511", "right shoulder"),
    Place("shoulder.left", "M75.42", "left shoulder"),
    Place("shoulder.right", "M25.611", "right shoulder"),
    Place("elbow.left", "M77.12", "left elbow"),
    Place("wrist.right", "M25.631", "right wrist"),
    Place("hand.left", "M25.642", "left hand"),
    Place("hip.left", "M25.552", "left hip"),
    Place("knee.right", "M25.561", "right knee"),
    Place("knee.left", "M25.662", "left knee"),
    Place("knee.right", "S83.511D", "right knee"),
    Place("ankle.right", "S93.401D", "right ankle"),
    Place("foot.right", "M72.2", "right foot"),
    Place("ankle.left", "M25.572", "left ankle"),
    Place("lower_limb.left", "I89.0", "left leg"),
)
SPINE = {"cervical", "thoracic", "lumbar"}

TECHNIQUES = {
    "joint mobilization": "Joint mobs gr III to the {words} to restore motion; end feel firm.",
    "soft tissue mobilization": "STM and myofascial release to restricted {words} tissue for extensibility.",
    "instrument-assisted soft tissue mobilization": "IASTM to the {words}, adhesions along the restricted tissue.",
    "muscle energy": "Muscle energy technique to the {words}, three repetitions, motion improved.",
    "manual traction": "Manual traction and joint mobs of the {words}, relief of restricted motion.",
    "manual lymph drainage": "MLD to the {words}, girth down 2 cm, tissue softer.",
}
DRAINAGE = "manual lymph drainage"
_NO_TRACTION = {"hand.left", "wrist.right", "elbow.left"}

TIMED_WORDS = {
    "97110": "Therapeutic exercise: strengthening, 3 sets of 10.",
    "97112": "Neuromuscular re-education: balance and proprioception.",
    "97530": "Therapeutic activities: lifting mechanics and transfers.",
    "97535": "Home management training: dressing with joint protection.",
    "97116": "Gait training on level ground and stairs.",
    "97035": "Ultrasound 1 MHz.",
}
SET_APART = {
    "97012": ("97140", "Mechanical traction of the pelvis with the table afterwards, 10 min."),
    "97750": ("97750", "Physical performance test with a report of its own."),
}
"""Codes that NCCI pairs with 97140: the line that the modifier goes on, and words of a note."""
EVALUATION = "97161"
UNTIMED = {
    EVALUATION: "Evaluation of low complexity.",
    "G0283": "Unattended electrical stimulation (IFC) afterwards.",
    "97016": "Vasopneumatic compression afterwards.",
}

NPIS = ("1234567893", "1245319599", "1497758544", "1003000126")
"""Numbers whose check digit is right."""


def correct_claim(random: Random) -> Json:
    """One claim that no payer has reason to deny, as JSON values."""
    return _Making(random).claim()


class _Making:
    """One claim in the making; every choice is drawn from `random`."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.payer = random.choice(PAYERS)
        self.day = FIRST_DAY + timedelta(days=random.randrange((LAST_DAY - FIRST_DAY).days + 1))
        self.who = random.choice(self.payer.people)
        self.place = random.choice([each for each in PLACES if each.first <= self.day <= each.last])
        self.technique = self._technique()
        self.pays_medicare = self.payer.named["program"] == "medicare"
        self.excluded_by_statute = self.pays_medicare and self.who is CHIROPRACTOR
        self.at_home = random.random() < 0.1
        self.beside = self._set_apart()
        self.minutes = self._minutes()
        self.units = units_for(self.minutes, self.payer.counts)
        self.manipulated = self._manipulated()
        self.rendering, self.billing, self.referring, self.assistant = random.sample(NPIS, 4)

    # -- what was given -----------------------------------------------------------------------------------------------

    def _technique(self) -> str:
        if self.place.diagnosis == "I89.0":
            return DRAINAGE
        fitting = [each for each in TECHNIQUES if each != DRAINAGE]
        if self.place.region in _NO_TRACTION:
            fitting.remove("manual traction")
        return self.random.choice(fitting)

    def _set_apart(self) -> str | None:
        """A service given apart from 97140 that NCCI pairs with it."""
        if self.who not in {PT, PT_WITH_PTA} or self.technique == "manual traction" or self.random.random() < 0.9:
            return None
        return self.random.choice(sorted(SET_APART))

    def _minutes(self) -> dict[str, int]:
        """Minutes by timed code; every code comes to a unit, and to the same number under an unknown count."""
        beside = ["97110", "97112", self.random.choice(("97530", "97535"))]
        if self.place.region.partition(".")[0] in {"hip", "knee", "ankle", "foot"}:
            beside.append("97116")
        if self.who in {CHIROPRACTOR, LMT}:
            beside = ["97110"] if self.who is CHIROPRACTOR and not self.pays_medicare else []
        codes = ["97140", *self.random.sample(beside, self.random.randint(0, min(2, len(beside))))]
        if self.beside == "97750":
            codes = ["97140", "97750"]
        if self.payer.counts == "both":
            most = 4 // len(codes)
            return {code: 15 * self.random.randint(1, min(2, most)) for code in codes}
        while True:
            minutes = {code: self.random.randint(8, 38) for code in codes}
            if all(units_for(minutes, self.payer.counts).values()):
                return minutes

    def _manipulated(self) -> Place | None:
        """Where a chiropractor also manipulated: another region of the spine."""
        chiropractor = self.who is CHIROPRACTOR and not self.pays_medicare
        if not chiropractor or self.place.region in SPINE or self.random.random() < 0.5:
            return None
        return self.random.choice([PLACES[0], PLACES[1]])

    @property
    def untimed(self) -> tuple[str, ...]:
        if self.beside == "97012":
            return ("97012",)
        if self.beside or self.who not in {PT, PT_WITH_PTA} or self.random.random() < 0.7:
            return ()
        return (self.random.choice(sorted(UNTIMED)),)

    # -- the claim ----------------------------------------------------------------------------------------------------

    def claim(self) -> Json:
        untimed = self.untimed
        lines = self._lines(untimed)
        claim: Json = {
            "claim_id": f"CLM-{self.random.randrange(10**9)}",
            "submitted_on": _iso(
                self.day + timedelta(days=self.random.randint(0, min(40, self.payer.filing_days - 20)))
            ),
            "payer": {"id": f"PAYER-{self.random.randrange(10)}", **self.payer.named},
            "patient": self._patient(),
            "billing_provider": {"npi": self.billing, "name": "Clinic", "taxonomy": "261QP2000X"},
            "rendering_provider": {
                "npi": self.rendering,
                "taxonomy": self.who.taxonomy,
                "profession": self.who.rendering,
            },
            "referring_provider": {"npi": self.referring, "profession": "MD"},
            "place_of_service": "12" if self.at_home else "11",
            "diagnoses": [self.place.diagnosis, *([self.manipulated.diagnosis] if self.manipulated else [])],
            "lines": lines,
            "coverage": {"active_on_service_date": True, "part_a_stay": False, "home_health_episode": False},
            "therapy_accrual": self.accrual,
            "documentation": [self._note(untimed)],
        }
        if self.payer.authorization:
            claim["prior_authorization"] = {
                "number": "AUTH-1",
                "valid_from": _iso(self.day - timedelta(days=20)),
                "valid_through": _iso(self.day + timedelta(days=20)),
                "units_authorized": "40",
                "units_used": "10",
            }
        if self.who.assistant:
            claim["supervising_provider"] = {
                "npi": self.rendering,
                "profession": self.who.rendering,
                "taxonomy": self.who.taxonomy,
                "on_site": True,
            }
        return self._unshared(self._with_a_second_day(claim))

    def _with_a_second_day(self, claim: Json) -> Json:
        """The same services two days later, on the same claim."""
        later = self.day + timedelta(days=2)
        if later.month != self.day.month or self.random.random() < 0.8:
            return claim
        lines, (note,) = claim["lines"], claim["documentation"]
        second = [
            {**line, "service_date": _iso(later), "line_number": number}
            for number, line in enumerate(lines, start=len(lines) + 1)
        ]
        since = note["progress_report"]["treatment_days_since"] + 1
        again = {
            **note,
            "service_date": _iso(later),
            "signed_on": _iso(later),
            "text": f"{note['text']} Less stiff than on the visit before.",
            "progress_report": {**note["progress_report"], "treatment_days_since": since},
        }
        submitted_on = date.fromisoformat(claim["submitted_on"]) + timedelta(days=2)
        return {
            **claim,
            "lines": [*lines, *second],
            "documentation": [note, again],
            "submitted_on": _iso(submitted_on),
        }

    def _unshared(self, claim: Json) -> Json:
        """What a practice need not share is left out now and then."""
        for fact in ("documentation", "therapy_accrual", "coverage"):
            if self._now_and_then():
                del claim[fact]
        if self._now_and_then():
            del claim["patient"]["birth_date"]
        if self._now_and_then():
            # Medicaid wants the taxonomy code; elsewhere either of the two says who renders.
            medicaid = self.payer.named["program"] == "medicaid"
            del claim["rendering_provider"][
                "profession" if medicaid else self.random.choice(("profession", "taxonomy"))
            ]
        if self._now_and_then():
            claim["diagnoses"] = [code.replace(".", "") for code in claim["diagnoses"]]
        if self._now_and_then():
            _drop(claim["lines"], ["regions"])
        if self._now_and_then():
            _drop(claim.get("documentation", []), self.random.sample(sorted(_MAY_BE_UNSHARED), 3))
        return claim

    def _now_and_then(self) -> bool:
        return self.random.random() < 0.15

    def _patient(self) -> Json:
        age = timedelta(days=365 * self.random.randint(66 if self.pays_medicare else 18, 90))
        return {"id": "PT-1001", "birth_date": _iso(self.day - age), "sex": self.random.choice("FM")}

    # -- lines --------------------------------------------------------------------------------------------------------

    def _lines(self, untimed: tuple[str, ...]) -> list[Json]:
        above = self.pays_medicare and not self.excluded_by_statute and self.random.random() < 0.2
        threshold = KX_THRESHOLD[self.day.year]
        before = threshold + 200 if above else self.random.randint(0, threshold // 2)
        own, other = ("ot", "pt_slp") if self.who.plan == "GO" else ("pt_slp", "ot")
        self.accrual = {"year": self.day.year, own: f"{before}.00", other: "0.00"}
        plan = self._plan_modifiers() + (["KX"] if above else []) + (["GY"] if self.excluded_by_statute else [])
        by_assistant = bool(self.who.assistant)
        clock = 9 * 60
        lines: list[Json] = []
        for code, minutes in self.minutes.items():
            line = self._line(code, self.units[code], plan + self._assistant_modifiers(code))
            line["minutes"] = minutes
            line["intervals"] = [{"start": _clock(clock), "end": _clock(clock + minutes)}]
            clock += minutes
            if code == "97140":
                line["regions"] = [self.place.region]
                if self.manipulated:
                    line["modifiers"] = [self.random.choice(("59", "XS")), *line["modifiers"]]
            if self._needs_59(code):
                line["modifiers"] = ["59", *line["modifiers"]]
            if by_assistant:
                line["performed_by"] = [self._performer(code, minutes)]
            lines.append(line)
        lines += [self._line(code, 1, plan + self._assistant_modifiers(code)) for code in untimed]
        if by_assistant:
            for line in lines[len(self.minutes) :]:
                line["performed_by"] = [self._performer(line["procedure_code"], None)]
        if self.manipulated:
            manipulation = self._line("98940", 1, [])
            manipulation["regions"], manipulation["diagnosis_pointers"] = [self.manipulated.region], [2]
            lines.append(manipulation)
        self.random.shuffle(lines)
        for number, line in enumerate(lines, start=1):
            line["line_number"] = number
        return lines

    def _needs_59(self, code: str) -> bool:
        """Whether the line is column 2 of a pair, the other code of which was given at another time."""
        if self.beside and code == SET_APART[self.beside][0]:
            return True
        return code == "97530" and (self.day < DAY_WITHOUT_97530_PAIR or self.payer.pair_97530)

    def _line(self, code: str, units: int, modifiers: list[str]) -> Json:
        return {
            "service_date": _iso(self.day),
            "procedure_code": code,
            "modifiers": modifiers,
            "units": units,
            "charge": f"{45 * units}.00",
            "diagnosis_pointers": [1],
        }

    def _plan_modifiers(self) -> list[str]:
        if self.payer.plan_since is None:
            # CQ and CO go with GP and GO, whoever else asks for these.
            wanted = self._assistant_modifiers("97140") or self.random.random() < 0.5
            return [self.who.plan] if wanted and self.who.rendering in {"PT", "OT"} else []
        return [self.who.plan] if self.day >= self.payer.plan_since else []

    def _by_assistant(self, code: str) -> bool:
        """Where an assistant is there, they give 97140 and what is untimed; the therapist the rest, and evaluates."""
        return self.who.assistant is not None and code in {"97140", *UNTIMED} - {EVALUATION}

    def _assistant_modifiers(self, code: str) -> list[str]:
        since = self.payer.assistant_since
        if not self._by_assistant(code) or since is None or self.day < since:
            return []
        return ["CQ" if self.who.assistant == "PTA" else "CO"]

    def _performer(self, code: str, minutes: int | None) -> Json:
        helped = self._by_assistant(code)
        performer: Json = {
            "npi": self.assistant if helped else self.rendering,
            "profession": self.who.assistant if helped else self.who.rendering,
        }
        return performer if minutes is None else {**performer, "minutes": minutes}

    # -- the note -----------------------------------------------------------------------------------------------------

    def _note(self, untimed: tuple[str, ...]) -> Json:
        timed = sum(self.minutes.values())
        established = self.day - timedelta(days=self.random.randint(0, 20))
        words = self.place.words
        return {
            "service_date": _iso(self.day),
            "clinician": {"npi": self.rendering, "profession": self.who.rendering},
            "text": self._text(untimed),
            "techniques": [self.technique],
            "regions": [self.place.region],
            "start": "09:00",
            "end": _clock(9 * 60 + timed + 20),
            "total_timed_minutes": timed,
            "total_treatment_minutes": timed + (15 if untimed else 5),
            "response": f"Motion of the {words} better by 15 degrees, pain 6 to 3 of 10",
            "medical_necessity": f"Restricted {words} motion limits dressing; skilled mobilization required",
            "location": "patient's home" if self.at_home else "office",
            "signed_by": {"name": "A. Clinician", "credentials": self.who.rendering},
            "signed_on": _iso(self.day),
            "patients_treated_at_once": 1,
            "restricted_motion": f"{words} motion restricted",
            "goals": f"Full {words} motion for dressing and overhead reach",
            "contributors": self._contributors(),
            "service_minutes": dict(self.minutes),
            "plan_of_care": {
                "established_on": _iso(established),
                "certified_on": _iso(established + timedelta(days=self.random.randint(0, 10))),
                "certified_through": _iso(established + timedelta(days=85)),
                "visits_per_week": 3,
                "procedure_codes": ["97140", *TIMED_WORDS, *SET_APART, *UNTIMED],
            },
            "progress_report": {"last_on": _iso(established), "treatment_days_since": self.random.randint(1, 8)},
        }

    def _contributors(self) -> list[Json]:
        if self.who.assistant is None:
            return []
        credentials = {"PTA": "PTA", "OTA": "COTA"}[self.who.assistant]
        return [
            {"npi": self.assistant, "profession": self.who.assistant, "name": "B. Helper", "credentials": credentials}
        ]

    def _text(self, untimed: tuple[str, ...]) -> str:
        said = [TECHNIQUES[self.technique].format(words=self.place.words)]
        said += [TIMED_WORDS[code] for code in self.minutes if code in TIMED_WORDS]
        said += [UNTIMED[code] for code in untimed if code in UNTIMED]
        if self.beside:
            said.append(SET_APART[self.beside][1])
        if self.manipulated:
            said.append(f"{self.manipulated.words.capitalize()} spine adjusted separately.")
        return " ".join(said)


_MAY_BE_UNSHARED = {
    "techniques", "regions", "start", "end", "response", "location", "restricted_motion", "goals", "service_minutes",
    "plan_of_care", "progress_report", "medical_necessity", "patients_treated_at_once", "text",
}  # fmt: skip
"""Facts of a note without which a rule can only say that it cannot tell, or ask."""


def units_for(minutes: dict[str, int], counts: str) -> dict[str, int]:
    """Units by code: Medicare's count from the total, or each code by its own midpoint."""
    if counts != "cms":
        return {code: (each + 7) // 15 for code, each in minutes.items()}
    units = {code: each // 15 for code, each in minutes.items()}
    left_over = sorted(minutes, key=lambda code: -(minutes[code] % 15))
    for code in left_over[: (sum(minutes.values()) + 7) // 15 - sum(units.values())]:
        units[code] += 1
    return units


def _drop(objects: list[Json], facts: list[str]) -> None:
    for each in objects:
        for fact in facts:
            each.pop(fact, None)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _iso(day: date) -> str:
    return day.isoformat()
