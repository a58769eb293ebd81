"""The numbers and taxonomies of a claim's providers: whether any of them leaves something to ask."""

from functools import lru_cache

from palpate_schemas.values import Profession
from palpate_validator.npi import npi_fault
from palpate_validator.taxonomy import fits, named_by
from palpate_validator.visit import Visit


def providers_in_question(visit: Visit) -> bool:
    """Whether a number is no NPI, or the rendering provider's taxonomy is not plainly that of who treats."""
    claim = visit.claim
    for line in visit.lines:
        for part in line.performed_by:
            npi = part.npi
            if npi is not None and npi_fault(npi) is not None:
                return True
    for other in claim.supervising_provider, claim.referring_provider:
        if other is not None and npi_fault(other.npi) is not None:
            return True
    billing, rendering = claim.billing_provider, claim.rendering_provider
    return not _plain(billing.npi, rendering.npi, rendering.taxonomy, rendering.profession)


@lru_cache(maxsize=4096)
def _plain(billing: str, rendering: str, taxonomy: str | None, profession: Profession | None) -> bool:
    """A clinic has few providers, and each of its claims names the same ones."""
    if billing == rendering or npi_fault(billing) is not None or npi_fault(rendering) is not None:
        return False
    named = named_by(taxonomy)
    return named is not None and named.individual and fits(named, profession)
