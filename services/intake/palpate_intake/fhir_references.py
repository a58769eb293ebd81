"""References between FHIR resources: contained ones, entries of the same Bundle, and those that lead nowhere."""

from typing import Any

from palpate_intake.fhir_values import Resource, obj, objects, text


class References:
    """The resources that a claim can refer to."""

    def __init__(self, bundle: Resource | None = None) -> None:
        self._known: dict[str, dict[str, Any]] = {}
        self._claim: Resource | None = None
        self._contained: dict[str, dict[str, Any]] = {}
        """What that claim contains, by id: looked through once, however often it refers to it."""
        for entry in objects((bundle or {}).get("entry")):
            resource = obj(entry.get("resource"))
            kind, own_id = text(resource.get("resourceType")), text(resource.get("id"))
            if (address := text(entry.get("fullUrl"))) is not None:
                self._known.setdefault(address, resource)
            if kind and own_id:
                self._known.setdefault(f"{kind}/{own_id}", resource)
                self._known.setdefault(f"urn:uuid:{own_id}", resource)

    def resolve(self, reference: object, claim: Resource) -> dict[str, Any]:
        """What a reference leads to; empty where it leads nowhere.

        Args:
            reference: A `Reference`.
            claim: The claim that refers, for what it contains.
        """
        address = text(obj(reference).get("reference"))
        if address is None:
            return {}
        if address.startswith("#"):
            return self._within(claim).get(address[1:].rpartition("/")[2], {})
        return self._known.get(address) or self._known.get("/".join(address.split("/")[-2:])) or {}

    def _within(self, claim: Resource) -> dict[str, dict[str, Any]]:
        if self._claim is not claim:
            self._claim, self._contained = claim, {}
            for each in objects(claim.get("contained")):
                if isinstance(own_id := each.get("id"), str):
                    self._contained.setdefault(own_id, each)
        return self._contained


def last_part(reference: object) -> str | None:
    """The id that a reference ends with, whether or not it leads anywhere."""
    address = text(obj(reference).get("reference"))
    return None if address is None else address.rpartition("/")[2].removeprefix("urn:uuid:").lstrip("#") or None
