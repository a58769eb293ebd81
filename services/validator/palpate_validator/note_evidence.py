"""What the words of a visit note show, by whole words of a fixed vocabulary; a finding never quotes the note.

The vocabularies are broad on purpose: a word that may mean the element counts as the element, so that only a note that
clearly lacks it is a fault.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from palpate_schemas.claim import Signature, VisitNote
from palpate_schemas.values import LIMB_REGIONS, Profession
from palpate_validator.rule import MissingFact
from palpate_validator.visit import Visit

COVERAGE_DETERMINATION = "Medicare local coverage determinations on manual therapy (Palmetto GBA; NGS L33631)"
ASSISTANTS = frozenset({Profession.PTA, Profession.OTA})


def _whole_words(*patterns: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(patterns)})(?!\w)", re.IGNORECASE)


_CHANGE = r"(?<!/)\d+ ?(?:°|deg\w*)? ?(?:-+>|→|to) ?\d+"
"""A measurement before and after: `45 to 60`, `40->55`."""
_MOTIONS = (
    r"flex\w*", r"ext", r"extension", r"rot", r"rotation\w*", r"[ei]r", r"abd", r"abduction", r"adduction",
    r"side ?-?bend\w*", r"sb", r"df", r"pf", r"dorsiflex\w*", r"plantarflex\w*", r"supination", r"pronation",
    r"inversion", r"eversion", r"protraction", r"retraction", r"elevation", r"opening",
)  # fmt: skip
_ROMAN_OR_DIGIT = r"(?:[1-5]|i{1,3}|iv|v)[+-]?"

EFFECT = _whole_words(
    r"tolerat\w*", r"improv\w*", r"increas\w*", r"decreas\w*", r"reduc\w*", r"relie[fv]\w*", r"respon\w+",
    r"better", r"wors\w+", r"less", r"eas(?:ed|ier|ing)", r"gain\w*", r"unchanged", r"no change", r"no adverse",
    r"looser", r"post[- ]?(?:tx|treatment|rx|session)", r"after", r"following",
    r"(?:reports?|reported|states?|stated)", r"\d{1,2}/10", r"\d+ ?(?:deg|degs|degrees)", r"\d+ ?°",
    r"centrali[sz]\w*", r"able to", r"soften\w*", r"released", _CHANGE,
)  # fmt: skip
"""How the patient or the tissue answered to the treatment."""

RESTRICTION = _whole_words(
    r"restrict\w*", r"limit\w*", r"hypomob\w*", r"stiff\w*", r"tight\w*", r"adhes\w*", r"adher\w*",
    r"contract(?:ed|ure\w*)", r"capsular", r"end[- ]?feels?", r"guard\w*", r"spasm\w*", r"hyperton\w*",
    r"fibro\w*", r"scar\w*", r"taut", r"trigger points?", r"trps?", r"block(?:ed|age)", r"locked",
    r"shorten\w*", r"immobil\w*", r"ankylos\w*", r"tension", r"a?rom", r"prom", r"range of motion", r"mobility",
    r"extensibility", r"motion", r"tone", r"\d+ ?(?:deg|degs|degrees)", r"\d+ ?°", r"swelling", r"o?edema\w*",
    r"joint play", r"hypo", r"lack\w*", r"loss", r"deficit\w*", r"dec", r"decr\w*", r"diminish\w*", r"↓",
    _CHANGE, *_MOTIONS,
)  # fmt: skip
"""A joint or soft tissue that does not move as it should."""

SKILL = _whole_words(
    r"skill\w*", r"requir\w*", r"necess\w*", r"needed", r"in order to", r"so that", r"because", r"due to",
    r"to (?:restore|improve|increase|reduce|decrease|address|normali[sz]e|regain|facilitate|promote|allow|enable|gain)",
    rf"gr(?:ade|d)?\.? ?{_ROMAN_OR_DIGIT}", r"assess\w*", r"reassess\w*", r"modif\w*", r"progress\w*", r"monitor\w*",
    r"clinical\w*", r"judg\w*", r"adjusted", r"guided", r"specific",
)  # fmt: skip
"""Why a clinician's hands and judgement were needed."""

FUNCTION = _whole_words(
    r"goals?", r"[sl]tgs?", r"functi?o?n\w*", r"i?adls?", r"driv\w+", r"walk\w*", r"ambulat\w*", r"gait",
    r"stairs?", r"reach\w*", r"lift\w*", r"dress\w*", r"bath\w*", r"sleep\w*", r"work\w*", r"job", r"sit\w*",
    r"stand\w*", r"transfer\w*", r"bend\w*", r"squat\w*", r"carry\w*", r"run\w*", r"sport\w*", r"overhead",
    r"grip\w*", r"grasp\w*", r"turn\w*", r"look\w*", r"groom\w*", r"hygiene", r"toilet\w*", r"cook\w*",
    r"house\w*", r"school", r"play\w*", r"chew\w*", r"eat\w*", r"climb\w*", r"kneel\w*", r"breath\w*",
    r"self[- ]care", r"return to", r"activit\w+",
)  # fmt: skip
"""Something that the patient wants or needs to do."""

_LIMB = (
    r"shoulders?", r"gh", r"glenohumeral", r"a/?c joint", r"acj", r"scap\w*", r"rotator", r"cuff",
    r"supraspinatus", r"infraspinatus", r"subscap\w*", r"delt\w*", r"biceps?", r"triceps?", r"elbows?",
    r"epicondyl\w*", r"forearms?", r"radi(?:us|al|o\w*)", r"uln\w+", r"wrists?", r"carp\w*", r"hands?",
    r"thumbs?", r"fingers?", r"digits?", r"mcps?", r"pips?", r"dips?", r"cmc", r"thenar", r"hips?", r"glut\w*",
    r"piriformis", r"itb", r"it band", r"tfl", r"hamstrings?", r"hs", r"quad\w*", r"adductors?", r"knees?",
    r"patell\w*", r"tibi\w*", r"fibul\w*", r"femor\w*", r"femur", r"popliteus", r"gastroc\w*", r"soleus",
    r"calf", r"calves", r"ankles?", r"achilles", r"talo\w*", r"talus", r"subtalar", r"calcane\w*", r"heels?",
    r"f(?:oo|ee)t", r"plantar", r"toes?", r"mtps?", r"metatars\w*", r"midfoot", r"forefoot", r"arms?", r"legs?",
    r"thighs?", r"shins?", r"limbs?", r"extremit\w+", r"u/?es?", r"l/?es?", r"[rlb][ul]es?", r"humer\w*",
)  # fmt: skip
_TRUNK = (
    r"[ctls]-?\d{1,2}", r"[ctl]/?s?[- ]?spine", r"spin\w+", r"neck", r"cerv\w*", r"thor\w*", r"t/?s", r"c/?s",
    r"l/?s", r"lumb\w*", r"lumbosacral", r"back", r"lbp", r"sacr\w*", r"si", r"sij", r"si joints?", r"pelvi\w*",
    r"coccy\w*", r"ribs?", r"cost\w+", r"intercost\w*", r"stern\w*", r"chest", r"pec\w*", r"clavic\w*", r"head",
    r"crani\w*", r"occip\w*", r"sub-?occip\w*", r"oa", r"aa", r"tmj?s?", r"jaw", r"masseter\w*", r"temporal\w*",
    r"pterygoid\w*", r"fac(?:e|ial)", r"trap\w*", r"uts?", r"levator\w*", r"scm", r"scalen\w*", r"rhomb\w*",
    r"paraspin\w*", r"psps?", r"erector\w*", r"multifid\w*", r"qls?", r"quadratus", r"psoas", r"iliopsoas",
    r"iliac\w*", r"ili(?:um|al)", r"lat(?:s|issimus)", r"serratus", r"abdom\w*", r"diaphragm\w*", r"trunk",
    r"facets?", r"axill\w*", r"breast\w*",
)  # fmt: skip

BODY = _whole_words(*_LIMB, *_TRUNK)
"""A muscle, joint or region."""

LIMB = _whole_words(*_LIMB)
"""A muscle, joint or region of an arm or a leg: one that has a side."""

SIDE = _whole_words(
    r"left", r"right", r"bilat\w*", r"b/l", r"both", r"[lr]t", r"(?-i:[LRB])", r"[rlb][ul]es?", r"unilat\w*",
    r"contralateral", r"ipsilateral", r"(?:un)?involved", r"affected",
)  # fmt: skip
"""Left, right or both."""

UNSIDED = frozenset(LIMB_REGIONS)
"""Regions that have a side and do not say it."""

JOINT_MOBILIZATION = _whole_words(
    r"(?<!tissue )(?<!scar )(?<!neural )(?<!nerve )(?<!edema )(?<!fascial )(?<!fascia )mob(?:s|ili[sz]\w+)?",
    r"glides?", r"maitland", r"kaltenborn", r"mulligan", r"mwms?", r"s?nags?", r"[uc]pas?", r"joint manip\w*",
)  # fmt: skip

SOFT_TISSUE = _whole_words(
    r"stm", r"soft[- ]tissue", r"stw", r"mfr", r"myofascial", r"active release", r"cross[- ]friction",
    r"friction", r"xfm", r"tfm", r"i?astm", r"astym", r"graston", r"gua sha", r"scar mob\w*",
    r"trigger point (?:release|pressure)", r"ischemic compression", r"suboccipital release",
    r"fascial? (?:stretch|mob)\w*",
)  # fmt: skip

THRUST = _whole_words(r"(?<!non-)(?<!non )(?<!no )thrust", r"hvlat?", r"gr(?:ade)?\.? ?v", r"tjm")

MAINTENANCE = _whole_words(
    r"maintenance (?:care|therapy|program\w*|treatment|visit|phase|tx|plan)",
    r"(?:for|on) maintenance",
    r"functional maintenance",
)
"""Treatment that keeps what there is instead of improving it."""

WELLNESS_PURPOSE = _whole_words(
    r"(?:for|purpose:?|to promote|to improve|to maintain) (?:(?:general|overall|his|her|their) ){0,2}"
    r"(?:wellness|fitness|well[- ]?being|stress (?:relief|reduction|management)"
    r"|(?:relaxation|prophyla\w+|prevention)(?! of))",
    r"(?:wellness|fitness|relaxation|prophylactic|recreational) (?:visit|session|treatment|massage)",
)
"""Wellness, fitness, relaxation or prevention as what the treatment is for."""

_PURPOSE_STEMS = (
    "maintenance", "wellness", "fitness", "being", "relaxation", "stress", "prophyla", "prevention", "recreational",
)  # fmt: skip
"""A text without any of these speaks of neither purpose."""

NEGATED = re.compile(r"(?<!\w)(?:no|not|never|denie[sd]|without|rather than|instead of)(?: \w+){0,2} ?$", re.IGNORECASE)
"""Ends a stretch of words that cancels what comes next."""


def filled(text: str | None) -> bool:
    """Whether a field holds more than blanks."""
    return text is not None and not text.isspace() and bool(text)


def words_of(note: VisitNote) -> str:
    """Everything that the note says in words, as one text."""
    fields = note.text, note.response, note.medical_necessity, note.restricted_motion, note.goals
    parts = [field for field in fields if field]
    if techniques := note.techniques:
        parts += techniques
    return " \n ".join(parts)


def purpose_in_question(visit: Visit) -> bool:
    """Whether the note may speak of maintenance or of wellness: by parts of those words, quicker than the phrases.

    Raises:
        MissingFact: no note is shared, or one without a word.
    """
    notes = visit.notes
    words = words_of(notes[0] if len(notes) == 1 else visit.note).lower()
    if not words:
        raise MissingFact("documentation/text")
    return True in [stem in words for stem in _PURPOSE_STEMS]


def treatment_words(note: VisitNote) -> str:
    """What the note says was done: its techniques and its free text."""
    return " \n ".join([*(note.techniques or ()), note.text or ""])


def documents(note: VisitNote, field: str, vocabulary: re.Pattern[str]) -> bool:
    """Whether the note holds an element, in the field of its own or anywhere in its words.

    Raises:
        MissingFact: neither that field nor any free text is shared.
    """
    own: str | None = getattr(note, field)
    if filled(own):
        return True
    if own is None and not filled(note.text):
        raise MissingFact(f"documentation/{field}", f"The shared note has neither `{field}` nor free text.")
    return vocabulary.search(words_of(note)) is not None


def affirms(vocabulary: re.Pattern[str], words: str) -> bool:
    """Whether the words say it at least once without a "not" close before."""
    return any(not NEGATED.search(words[max(0, hit.start() - 40) : hit.start()]) for hit in vocabulary.finditer(words))


_LETTERS = re.compile(r"[A-Za-z]+")
_ASSISTANT_LETTERS = frozenset({"PTA", "LPTA", "SPTA", "OTA", "COTA"})
_CLINICIAN_LETTERS = frozenset({
    "PT", "DPT", "MPT", "MSPT", "RPT", "LPT", "OT", "OTR", "OTD", "MOT", "DC", "MD", "DO", "DPM", "NP", "FNP", "APRN",
    "DNP", "PA", "CNS", "LMT", "AT", "ATC", "LAT", "SLP", "LAC",
})  # fmt: skip


def credentials_in(*texts: str | None) -> frozenset[str]:
    """The letters of licences and degrees in some texts: `OTR/L` gives OTR."""
    return frozenset().union(*[_credentials(text) for text in texts if text])


@lru_cache(maxsize=1024)
def _credentials(text: str) -> frozenset[str]:
    letters = {word.upper() for word in _LETTERS.findall(text)}
    return frozenset(letters & (_ASSISTANT_LETTERS | _CLINICIAN_LETTERS))


def signature_has_credentials(signature: Signature) -> bool:
    """Whether a signature shows the signer's credentials, on their own or behind the name's comma."""
    return filled(signature.credentials) or bool(credentials_in((signature.name or "").partition(",")[2]))


def _signer_letters(signature: Signature | None) -> frozenset[str]:
    if signature is None:
        return frozenset()
    return credentials_in(signature.credentials, (signature.name or "").partition(",")[2])


def _letters(note: VisitNote) -> frozenset[str]:
    """The credentials of whoever signed or took part."""
    return _signer_letters(note.signed_by) | credentials_in(*(c.credentials for c in note.contributors or ()))


def _professions(note: VisitNote) -> Iterable[Profession]:
    author = None if note.clinician is None else note.clinician.profession
    contributors = [each.profession for each in note.contributors] if note.contributors else []
    return [profession for profession in (author, *contributors) if profession is not None]


def names_an_assistant(note: VisitNote) -> bool:
    """Whether its author, signer, contributors or words tell of an assistant."""
    return (
        not ASSISTANTS.isdisjoint(_professions(note))
        or not _letters(note).isdisjoint(_ASSISTANT_LETTERS)
        or ASSISTANT_WORDS.search(words_of(note)) is not None
    )


def names_a_supervisor(note: VisitNote) -> bool:
    """Whether its author, signer, contributors or words tell of a clinician who is not an assistant."""
    return (
        not ASSISTANTS.issuperset(_professions(note))
        or not _letters(note).isdisjoint(_CLINICIAN_LETTERS)
        or SUPERVISION_WORDS.search(words_of(note)) is not None
    )


ASSISTANT_WORDS = _whole_words(r"ptas?", r"c?otas?", r"therap\w+ assistants?")
SUPERVISION_WORDS = _whole_words(r"supervis\w*", r"direction of")
