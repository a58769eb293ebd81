"""The HTTP intake as an ASGI application."""

from collections.abc import Awaitable, Callable, Mapping

import structlog
from redis.exceptions import RedisError
from starlette.applications import Starlette
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from palpate_intake.http import openapi
from palpate_intake.http.answers import Taken
from palpate_intake.http.bindings import fhir_reader, media_type, reader_of_events, x12_reader
from palpate_intake.http.doorkeeper import Doorkeeper
from palpate_intake.http.index import ClaimIndex
from palpate_intake.http.operations import SEND_EVENTS, SEND_FHIR, SEND_X12, SHOW_CLAIM, Operation
from palpate_intake.http.problems import AWAY, BROKEN, NOT_FOUND, SAFE_HEADERS, WRONG_TYPE, Refused, of_status
from palpate_intake.http.taking_in import RETRY_AFTER_S, Intake, Progress, Reader
from palpate_intake.settings import IntakeSettings
from palpate_runtime import metrics
from palpate_runtime.logs import describe

log = structlog.stdlib.get_logger()

Endpoint = Callable[[Request], Awaitable[Response]]


class _ClaimNumber(StringConvertor):
    """Whatever a system numbers its claims by: with slashes, with line breaks."""

    regex = r"[\s\S]+"


register_url_convertor("claim_number", _ClaimNumber())


class Api:
    """Answers requests."""

    def __init__(self, intake: Intake, index: ClaimIndex, doorkeeper: Doorkeeper, settings: IntakeSettings) -> None:
        self._intake, self._index, self._doorkeeper, self._settings = intake, index, doorkeeper, settings
        self._document = openapi.text().encode()

    def asgi(self) -> Starlette:
        """The application, to be mounted at the root."""
        app = Starlette(
            routes=[
                self._route(SEND_EVENTS, self._events),
                self._route(SEND_FHIR, self._fhir),
                self._route(SEND_X12, self._x12),
                self._route(SHOW_CLAIM, self._claim, path="/claims/{claim_id:claim_number}"),
                Route("/openapi.json", self._openapi),
            ],
            exception_handlers={HTTPException: _not_routed},
        )
        # No redirect to an address without the slash: its host is whatever the request said, and it asks for no key.
        app.router.redirect_slashes = False
        return app

    def _route(self, operation: Operation, endpoint: Endpoint, path: str | None = None) -> Route:
        async def answer(request: Request) -> Response:
            response = await _answered(endpoint, request)
            metrics.REQUESTS.labels(operation.path, response.status_code).inc()
            return response

        return Route(path or operation.path, answer, methods=[operation.method], name=operation.name)

    async def _events(self, request: Request) -> Response:
        source = self._doorkeeper.let_in(request)
        kind = _accepted_type(request, SEND_EVENTS.accepts)
        reader = Reader(reader_of_events(kind, request.headers), self._settings.max_json_bytes)
        return _taken(await self._intake.take(request, source, reader))

    async def _fhir(self, request: Request) -> Response:
        source = self._doorkeeper.let_in(request)
        _accepted_type(request, SEND_FHIR.accepts)
        reader = Reader(fhir_reader, self._settings.max_json_bytes)
        return _taken(await self._intake.take(request, source, reader))

    async def _x12(self, request: Request) -> Response:
        source = self._doorkeeper.let_in(request)
        _accepted_type(request, SEND_X12.accepts)
        reader = Reader(x12_reader, self._settings.max_body_bytes)
        return _taken(await self._intake.take(request, source, reader))

    async def _claim(self, request: Request) -> Response:
        source = self._doorkeeper.let_in(request)
        try:
            found = await self._index.status(source.source, request.path_params["claim_id"])
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("not_looked_up", **describe(error))
            raise Refused(AWAY, "ask again in a while", headers={"Retry-After": str(RETRY_AFTER_S)}) from None
        if found is None:
            raise Refused(NOT_FOUND, "this source has sent no such claim, or its verdict is no longer kept")
        return JSONResponse(found.model_dump(mode="json", exclude_none=True), headers=SAFE_HEADERS)

    async def _openapi(self, _request: Request) -> Response:
        return Response(self._document, media_type="application/json", headers={"X-Content-Type-Options": "nosniff"})


async def _answered(endpoint: Endpoint, request: Request) -> Response:
    """An endpoint's answer; what it refuses, and what breaks in it, as a problem."""
    try:
        return await endpoint(request)
    except Refused as refused:
        return refused.answer()
    except Exception as error:  # noqa: BLE001 - the edge of a request: logged without its text, which may hold PHI
        log.error("request_failed", **describe(error))
        return Refused(BROKEN, "the log says where; sending it again is safe").answer()


async def _not_routed(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - it is registered for these
    return of_status(error.status_code, error.headers).answer()


def _accepted_type(request: Request, accepts: Mapping[str, object]) -> str:
    kind = media_type(request.headers)
    if kind not in accepts:
        raise Refused(WRONG_TYPE, f"send one of {', '.join(accepts)}", headers={"Accept": ", ".join(accepts)})
    return kind


def _taken(progress: Progress) -> Response:
    taken = Taken(accepted=progress.accepted, rejected=progress.rejected, claims=tuple(progress.results))
    location = taken.claims[0].location if len(taken.claims) == 1 else None
    return JSONResponse(
        taken.model_dump(mode="json", exclude_none=True),
        status_code=202,
        headers=SAFE_HEADERS if location is None else {**SAFE_HEADERS, "Location": location},
    )
