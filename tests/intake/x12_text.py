"""A right 837P of one claim, as text, with some segments changed: what the mapping tests start from."""

from io import BytesIO

from palpate_intake.hints import NO_HINTS, Hints
from palpate_intake.outcome import Outcome, ReadClaim
from palpate_intake.x12 import read_x12

ISA = "ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *261119*0930*^*00501*000000001*0*T*:~"
GS = "GS*HC*SENDER*RECEIVER*20261119*0930*1*X*005010X222A1~"

BODY = (
    "ST*837*0001*005010X222A1~",
    "BHT*0019*00*1*20261119*0930*CH~",
    "NM1*41*2*SYNTHETIC PMS*****46*S1~",
    "NM1*40*2*SYNTHETIC PAYER*****46*R1~",
    "HL*1**20*1~",
    "PRV*BI*PXC*261QP2000X~",
    "NM1*85*2*CLINIC*****XX*1497758544~",
    "HL*2*1*22*0~",
    "SBR*P*18*******MB~",
    "NM1*IL*1*SYNTHETIC*PATIENT****MI*MEMBER1~",
    "DMG*D8*19510504*F~",
    "NM1*PR*2*MEDICARE*****PI*00882~",
    "CLM*C-1*165***11:B:1*Y*A*Y*Y~",
    "HI*ABK:M542*ABF:M5412~",
    "NM1*DN*1*DOE*JO****XX*1122334455~",
    "NM1*82*1*QUIST*ADA****XX*1245319599~",
    "PRV*PE*PXC*225100000X~",
    "LX*1~",
    "SV1*HC:97140:GP:59*110*UN*2***1:2~",
    "DTP*472*D8*20261116~",
    "LX*2~",
    "SV1*HC:97110:GP*55*UN*1***1~",
    "DTP*472*D8*20261116~",
)


def x12(*changes: tuple[str, str]) -> str:
    """The text of the whole file.

    Args:
        changes: `(begins with, instead)`: the segment that begins so is replaced; an empty text takes it away.
    """
    segments = list(BODY)
    for begins, instead in changes:
        index = next(index for index, segment in enumerate(segments) if segment.startswith(begins))
        segments[index] = instead
    kept = [segment for each in segments if each for segment in each.replace("~", "~\n").splitlines()]
    return "\n".join([ISA, GS, *kept, f"SE*{len(kept) + 1}*0001~", "GE*1*1~", "IEA*1*000000001~"]) + "\n"


def read(text: str | bytes, hints: Hints = NO_HINTS) -> list[Outcome]:
    """Every outcome of a text."""
    raw = text if isinstance(text, bytes) else text.encode()
    return list(read_x12(BytesIO(raw), "claims.837", hints))


def read_one(text: str | bytes, hints: Hints = NO_HINTS) -> ReadClaim:
    """The one claim of a text."""
    (outcome,) = read(text, hints)
    assert isinstance(outcome, ReadClaim), outcome
    return outcome
