"""What is unusual about a visit.  Rules that are about nothing else are not asked on a usual one."""

from enum import StrEnum


class Unusual(StrEnum):
    """One thing that most visits have not."""

    SEVERAL_DAYS = "the claim has services of several days"
    SEVERAL_DIAGNOSES = "the claim has several diagnoses"
    SEVERAL_NOTES = "the claim has several notes"
    SEVERAL_PLANS = "the lines name several disciplines' plans"
    DEATH = "the patient has died"
    AGE = "the birth date is not known, or makes the patient under two or very old"
    COVERAGE = "it is not known that coverage was active"
    NO_REFERRER = "nobody but the rendering provider is named as referring"
    LATE_SERVICE = "a service may be dated after the claim goes out, or it is not known when that is"
    BEFORE_THE_CODE = "the date of service is before 97140 was a code"
    ASSISTANT = "an assistant treated, rendered, or is marked by a modifier"
    OTHER_HANDS = "somebody is neither therapist, assistant, chiropractor nor practitioner, or is not known"
    REPEATED_CODE = "a code is billed on several lines"
    SPAN = "a line runs through another day"
    EXCLUDED_MINUTES = "a line names minutes that do not count"
    ODD_UNITS = "a line's units are no whole positive number"
    ODD_PLACE = "a line's place is not a place where manual therapy is plausible"
    NO_CHARGE = "a line has no charge above zero"
    ODD_MODIFIER = "a modifier is not on the list of its day"
    MANY_MODIFIERS = "a line has more than four modifiers, or one of them twice"
    UNTIMED_UNITS = "a service that does not go by time has several units"
