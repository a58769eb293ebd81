"""An OpenID provider: where to send somebody who wants to sign in, and what the provider's answer has to prove.

The authorization code flow with PKCE (RFC 7636, S256), state and nonce.  Nothing is kept here while somebody is at the
provider: their browser has one random cookie, and all that has to match when they come back is made from it.
"""

import hmac
import secrets
import ssl
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any
from urllib.parse import quote_plus, urlencode, urlsplit

import httpx
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri  # type: ignore[import-untyped]  # Authlib has no types
from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]
from authlib.oidc.core import CodeIDToken  # type: ignore[import-untyped]
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry
from pydantic import AfterValidator, BaseModel, SecretStr, ValidationError

from palpate_notifier.settings import is_safe_address

# Signatures that only the provider can make.  Never `none`, and never HS*, whose key we have, too.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
WAY_LASTS = timedelta(minutes=10)
"""So long may somebody take at the provider."""
CLOCKS_DIFFER_S = 60
METADATA_LASTS = timedelta(hours=1)
LONGEST_ANSWER = 512 * 1024
_TRUE = (True, 1, "true", "True", "1")


class ProviderAway(Exception):
    """The provider does not answer, or not as a provider does.  The text names the step, never what it said."""


class NotProven(Exception):
    """What came back does not prove who somebody is.  The text is a code, never a token."""


@dataclass(frozen=True, slots=True)
class Way:
    """The way of one browser to the provider and back.  Whoever has not its cookie cannot walk it."""

    cookie: str

    @classmethod
    def begin(cls, now: datetime) -> "Way":
        """A new one.  Its time is part of what the rest is made from: nobody can make it younger."""
        return cls(f"{int(now.timestamp())}.{secrets.token_urlsafe(32)}")

    @property
    def state(self) -> str:
        """Comes back in the address: this browser began it."""
        return self._made_for("state")

    @property
    def nonce(self) -> str:
        """Comes back in the token: it was made for this way."""
        return self._made_for("nonce")

    @property
    def verifier(self) -> str:
        """Goes to the provider with the code: a code that somebody else has seen is worth nothing."""
        return self._made_for("verifier")

    def is_ours(self, state: str, now: datetime) -> bool:
        """Whether an answer belongs to it, and in time."""
        began, dot, rest = self.cookie.partition(".")
        if not dot or len(rest) < 43 or not (began.isascii() and began.isdigit() and len(began) < 12):
            return False
        age = timedelta(seconds=now.timestamp() - int(began))
        return hmac.compare_digest(state.encode(), self.state.encode()) and timedelta(seconds=-1) <= age < WAY_LASTS

    def _made_for(self, what: str) -> str:
        made = hmac.digest(self.cookie.encode(), f"palpate openid {what}".encode(), "sha256")
        return urlsafe_b64encode(made).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class Proven:
    """Whom the provider vouches for."""

    subject: str
    email: str | None
    """Only an address that the provider says is theirs."""
    id_token: str
    """Goes back to the provider when they sign out, and nowhere else."""


def _safe(url: str) -> str:
    if not is_safe_address(url):
        raise ValueError("is neither https nor on this machine")
    return url


Address = Annotated[str, AfterValidator(_safe)]


class Metadata(BaseModel):
    """What a provider says of itself (OpenID Connect Discovery 1.0, section 3); what else it says is not needed."""

    issuer: str
    authorization_endpoint: Address
    token_endpoint: Address
    jwks_uri: Address
    userinfo_endpoint: Address | None = None
    end_session_endpoint: Address | None = None
    token_endpoint_auth_methods_supported: list[str] = ["client_secret_basic"]
    authorization_response_iss_parameter_supported: bool = False


class Provider:
    """One provider, of which everybody in the directory is a user."""

    def __init__(
        self,
        issuer: str,
        client_id: str,
        client_secret: SecretStr | None,
        clock: Callable[[], datetime],
        *,
        verified_claim: str = "email_verified",
        timeout_s: float = 10.0,
    ) -> None:
        self.issuer, self._client_id, self._secret, self._clock = issuer, client_id, client_secret, clock
        self._verified_claim, self._timeout_s = verified_claim, timeout_s
        self._tls = ssl.create_default_context()
        self._known: tuple[Metadata, datetime] | None = None

    async def where_to(self, way: Way, redirect_uri: str) -> str:
        """The address of the provider's sign-in page.

        Raises:
            ProviderAway: it does not say where that is.
        """
        metadata = await self._metadata()
        uri = prepare_grant_uri(
            metadata.authorization_endpoint,
            client_id=self._client_id,
            response_type="code",
            redirect_uri=redirect_uri,
            scope="openid email",
            state=way.state,
            nonce=way.nonce,
            code_challenge=create_s256_code_challenge(way.verifier),
            code_challenge_method="S256",
        )
        return str(uri)

    async def proven(self, answer: Mapping[str, str], way: Way, redirect_uri: str) -> Proven:
        """Who came back with this answer.

        Args:
            answer: The query of the address that they came back to; its state is already known to be of this way.
            way: Theirs.
            redirect_uri: The one that they were sent away with.

        Raises:
            ProviderAway: the provider does not answer.
            NotProven: it does not vouch for anybody, or not for this way.
        """
        metadata = await self._metadata()
        # RFC 9207: an answer of another provider, of which our own was made to look the author.
        said_by = answer.get("iss")
        if said_by != self.issuer and (said_by or metadata.authorization_response_iss_parameter_supported):
            raise NotProven("another_issuer")
        tokens = await self._exchange(metadata, answer.get("code", ""), way, redirect_uri)
        id_token, access_token = tokens.get("id_token"), tokens.get("access_token")
        if not isinstance(id_token, str):
            raise NotProven("no_id_token")
        keys = await self._ask("GET", metadata.jwks_uri, "keys")
        claims = self._checked(id_token, access_token, keys, way)
        if "email" not in claims and metadata.userinfo_endpoint and isinstance(access_token, str):
            claims |= await self._user_info(metadata.userinfo_endpoint, access_token, claims["sub"])
        return Proven(claims["sub"], self._verified_email(claims), id_token)

    async def where_to_end(self, id_token: str, back_to: str) -> str | None:
        """The address at which somebody signs out of the provider, too; None where it has none.

        Raises:
            ProviderAway: it does not say.
        """
        end = (await self._metadata()).end_session_endpoint
        if end is None:
            return None
        query = {"client_id": self._client_id, "post_logout_redirect_uri": back_to}
        if id_token:
            query["id_token_hint"] = id_token
        return f"{end}{'&' if urlsplit(end).query else '?'}{urlencode(query)}"

    async def _metadata(self) -> Metadata:
        if self._known is not None and self._known[1] + METADATA_LASTS > self._clock():
            return self._known[0]
        found = await self._ask("GET", f"{self.issuer.rstrip('/')}/.well-known/openid-configuration", "discovery")
        try:
            metadata = Metadata.model_validate(found)
        except ValidationError as error:
            raise ProviderAway("discovery") from error
        if metadata.issuer != self.issuer:
            raise ProviderAway("discovery_of_another_issuer")
        self._known = metadata, self._clock()
        return metadata

    async def _exchange(self, metadata: Metadata, code: str, way: Way, redirect_uri: str) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": way.verifier,
            "client_id": self._client_id,
        }
        secret = self._secret.get_secret_value() if self._secret is not None else None
        if secret is None:
            return await self._ask("POST", metadata.token_endpoint, "token", data=form)
        if "client_secret_basic" in metadata.token_endpoint_auth_methods_supported:
            # RFC 6749, 2.3.1: both are form-encoded first.
            basic = httpx.BasicAuth(quote_plus(self._client_id), quote_plus(secret))
            return await self._ask("POST", metadata.token_endpoint, "token", data=form, auth=basic)
        return await self._ask("POST", metadata.token_endpoint, "token", data=form | {"client_secret": secret})

    def _checked(self, id_token: str, access_token: object, keys: dict[str, Any], way: Way) -> dict[str, Any]:
        """The claims of an id token that is the provider's, for us, of this way and of now."""
        options = {
            "iss": {"essential": True, "value": self.issuer},
            "aud": {"essential": True, "value": self._client_id},
            "sub": {"essential": True},
        }
        known = {"nonce": way.nonce, "client_id": self._client_id, "access_token": access_token}
        try:
            registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
            # `keys` is the provider's own JSON; the library checks its form.
            token = jwt.decode(id_token, KeySet.import_key_set(keys), registry=registry)  # type: ignore[arg-type]
            claims = CodeIDToken(token.claims, token.header, options, known)
            claims.validate(now=int(self._clock().timestamp()), leeway=CLOCKS_DIFFER_S)
        except JoseError as error:
            # The library's own word, and the name of the claim; never what the claim holds.
            raise NotProven(":".join(filter(None, (error.error, getattr(error, "claim", None))))) from error
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise NotProven("unreadable_id_token") from error
        return dict(claims)

    async def _user_info(self, url: str, access_token: str, subject: str) -> dict[str, Any]:
        """What the id token left out; of the same person only (OpenID Connect Core 1.0, section 5.3.2)."""
        found = await self._ask("GET", url, "userinfo", headers={"Authorization": f"Bearer {access_token}"})
        if found.get("sub") != subject:
            raise NotProven("userinfo_of_somebody_else")
        return {name: found[name] for name in ("email", self._verified_claim) if name in found}

    def _verified_email(self, claims: Mapping[str, Any]) -> str | None:
        email, verified = claims.get("email"), claims.get(self._verified_claim)
        return email if isinstance(email, str) and verified in _TRUE else None

    async def _ask(self, method: str, url: str, step: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - httpx's own
        """One request to the provider; its answer as JSON."""
        try:
            async with httpx.AsyncClient(timeout=self._timeout_s, follow_redirects=False, verify=self._tls) as client:
                answer = await client.request(method, url, **more)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ProviderAway(step) from error
        if step == "token" and 400 <= answer.status_code < 500:
            # A code that was used or is too old, or a client that it does not know: not a matter of waiting.
            raise NotProven("code_not_taken")
        if answer.status_code != 200 or len(answer.content) > LONGEST_ANSWER:
            raise ProviderAway(step)
        try:
            found = answer.json()
        except ValueError as error:
            raise ProviderAway(step) from error
        if not isinstance(found, dict):
            raise ProviderAway(step)
        return found
