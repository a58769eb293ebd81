"""OpenID providers on loopback: a process of its own that keeps to the rules, and one here that lies as it is told."""

import base64
import hashlib
import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from palpate_runtime.embedded import free_port
from tests.processes import eventually

CLIENT, SECRET = "palpate-inbox", "a secret+of the client"
ACCOUNTS: dict[str, dict[str, Any]] = {
    "ada": {"email": "Ada@harbor.example", "email_verified": True},
    "pat": {"email": "pat@harbor.example", "email_verified": True},
    "unsure": {"email": "ben@harbor.example", "email_verified": False},
    "stranger": {"email": "stranger@elsewhere.example", "email_verified": True},
    "impostor": {"email": "cleo@harbor.example", "email_verified": True},
    "entra": {"email": "ada@harbor.example", "xms_edov": "1"},
    "00u-cleo": {"email": "an-old-address@harbor.example", "email_verified": False},
}


KEY = RSAKey.generate_key(2048, {"kid": "one"}, auto_kid=False)


@contextmanager
def provider_process(folder: Path) -> Iterator[str]:
    """`oidc-provider-mock`, with the accounts; its issuer."""
    port = free_port()
    issuer = f"http://127.0.0.1:{port}"
    accounts = [f"--user-claims={json.dumps({'sub': name, **claims})}" for name, claims in ACCOUNTS.items()]
    with (folder / "provider.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "oidc_provider_mock", f"--port={port}", "--require-nonce=true", *accounts],
            stdout=log,
            stderr=log,
        )
        try:
            eventually(lambda: _answers(issuer), within=30, what="an OpenID provider")
            yield issuer
        finally:
            process.kill()
            process.wait(20)


def _answers(issuer: str) -> bool:
    try:
        return httpx.get(f"{issuer}/.well-known/openid-configuration").status_code == 200
    except httpx.HTTPError:
        return False


def agree(address: str, account: str, **changed: str) -> str:
    """Somebody presses the button of their account at the provider; where it sends them."""
    url = httpx.URL(address).copy_merge_params(changed)
    answer = httpx.post(url, data={"sub": account} if account else {"action": "deny"})
    assert answer.is_redirect, answer.text
    return str(answer.headers["location"])


@dataclass
class Liar:
    """A provider that checks PKCE and the client strictly, and whose answers a test can bend."""

    issuer: str
    key: RSAKey = field(default_factory=lambda: KEY)
    claims: dict[str, Any] = field(default_factory=dict)
    """Put into the id token, over what belongs there; None takes a claim out."""
    answers: dict[str, Response] = field(default_factory=dict)
    """Given instead, by path."""
    metadata: dict[str, Any] = field(default_factory=dict)
    user_info: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=lambda: {"alg": "RS256", "kid": "one"})
    sign_with: Any = None
    asked: dict[str, dict[str, str]] = field(default_factory=dict)
    tokens_given: int = 0

    def authorize(self, address: str, **more: str) -> str:
        """The query with which somebody comes back."""
        query = dict(parse_qsl(urlsplit(address).query))
        code = secrets.token_urlsafe(16)
        self.asked[code] = query
        return str(httpx.QueryParams({"code": code, "state": query["state"]} | more))

    @property
    def app(self) -> Starlette:
        paths = {"/.well-known/openid-configuration": self._discovery, "/keys": self._keys, "/me": self._me}
        return Starlette(
            routes=[Route(path, self._bent(call)) for path, call in paths.items()]
            + [Route("/token", self._bent(self._token), methods=["POST"])]
        )

    def _bent(self, call: Any) -> Any:
        async def answer(request: Request) -> Response:
            return self.answers.get(request.url.path) or await call(request)

        return answer

    async def _discovery(self, _request: Request) -> Response:
        told = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "userinfo_endpoint": f"{self.issuer}/me",
        }
        return JSONResponse(told | self.metadata)

    async def _keys(self, _request: Request) -> Response:
        return JSONResponse({"keys": [self.key.as_dict(private=False)]})

    async def _me(self, request: Request) -> Response:
        assert request.headers["authorization"] == "Bearer access"
        return JSONResponse(self.user_info)

    async def _token(self, request: Request) -> Response:
        form = dict(await request.form())
        began = self.asked.pop(str(form["code"]), None)
        if began is None or not self._is_theirs(form, began) or not self._is_client(request, form):
            return JSONResponse({"error": "invalid_grant"}, status_code=400)
        self.tokens_given += 1
        return JSONResponse({"access_token": "access", "token_type": "Bearer", "id_token": self._id_token(began)})

    def _is_theirs(self, form: dict[str, Any], began: dict[str, str]) -> bool:
        digest = hashlib.sha256(str(form["code_verifier"]).encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        assert began["code_challenge_method"] == "S256"
        return (challenge, form["redirect_uri"]) == (began["code_challenge"], began["redirect_uri"])

    def _is_client(self, request: Request, form: dict[str, Any]) -> bool:
        if "client_secret_post" in self.metadata.get("token_endpoint_auth_methods_supported", []):
            return (form["client_id"], form["client_secret"]) == (CLIENT, SECRET)
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        return scheme == "Basic" and base64.b64decode(given) == b"palpate-inbox:a+secret%2Bof+the+client"

    def _id_token(self, began: dict[str, str]) -> Any:
        now = int(datetime.now(UTC).timestamp())
        claims = {
            "iss": self.issuer, "aud": CLIENT, "sub": "ada", "iat": now, "exp": now + 300, "nonce": began["nonce"],
            "email": "ada@harbor.example", "email_verified": True,
        } | self.claims  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        if self.header["alg"] == "none":
            parts = [json.dumps(each).encode() for each in (self.header, claims)]
            return ".".join(base64.urlsafe_b64encode(each).rstrip(b"=").decode() for each in parts) + "."
        key = self.sign_with or self.key
        return jwt.encode(self.header, claims, key, algorithms=[self.header["alg"]])


def html() -> Response:
    """What a gateway in front of a provider says."""
    return HTMLResponse("<h1>Sorry</h1>")


def shared_key() -> OctKey:
    """The client's secret as a key: what HS256 would be checked with."""
    return OctKey.import_key(SECRET)
