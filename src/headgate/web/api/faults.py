"""Every error in one shape, also those that the web framework raises by itself."""

import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from headgate.errors import (
    HeadgateError,
    InvalidBody,
    Malformed,
    MethodNotAllowed,
    NotFound,
    TooLarge,
    error_body,
)
from headgate.names import shown
from headgate.web.api.guards import guard

log = logging.getLogger(__name__)

MOST_DETAILS = 5
OF_STATUS: dict[int, type[HeadgateError]] = {400: Malformed, 404: NotFound, 405: MethodNotAllowed, 413: TooLarge}


def request_id(request: Request) -> str:
    """The id that the door gave this request."""
    return str(getattr(request.state, "id", ""))


def error_response(error: HeadgateError, identity: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The error as it is sent."""
    sent = dict(headers or {})
    if error.status == 401:
        sent["WWW-Authenticate"] = "Bearer"
    if error.retry_after is not None:
        sent["Retry-After"] = f"{error.retry_after:g}"
    return JSONResponse(error_body(error, identity), status_code=error.status, headers=sent)


def install(app: FastAPI) -> None:
    """Answer every exception in our shape."""
    app.add_exception_handler(HeadgateError, _ours)
    app.add_exception_handler(HTTPException, _framework)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _unforeseen)


def _ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, HeadgateError)
    if error.status >= 500:
        log.error("request %s failed: %s: %s", request_id(request), error.code, error.message)
    return error_response(error, request_id(request))


def _framework(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kind = OF_STATUS.get(error.status_code, HeadgateError if error.status_code >= 500 else Malformed)
    said = {
        404: f"There is nothing at {shown(request.url.path)}. GET /api/v1/openapi.json lists what there is.",
        405: f"{shown(request.url.path)} does not take {shown(request.method, 20)}.",
        413: "The body is over the limit of this address.",
    }
    translated = kind(said.get(error.status_code, "The request cannot be read."))
    return error_response(translated, request_id(request), error.headers)


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    try:
        # a body that cannot be read is met before the guard: whoever may not call learns nothing from it
        guard(request)
    except HeadgateError as stop:
        return error_response(stop, request_id(request))
    problems = error.errors()[:MOST_DETAILS]
    if any(problem["type"] == "json_invalid" for problem in problems):
        place = problems[0]["loc"][-1]
        return error_response(Malformed(f"The body is not JSON, at byte {place}."), request_id(request))
    listed = [_problem(problem) for problem in problems]
    sentence = "; ".join(f"{each['place']}: {each['expected']}" for each in listed)
    return error_response(
        InvalidBody(f"This is not what is taken here: {sentence}.", detail=listed), request_id(request)
    )


def _problem(problem: Mapping[str, Any]) -> dict[str, Any]:
    place = ".".join(_plain(part, 64) for part in problem["loc"])
    return {"place": place, "expected": _plain(problem["msg"], 200), "got": _brief(problem.get("input"))}


def _plain(value: Any, limit: int) -> str:
    """Text of a stranger, without what cannot be sent or would break a line."""
    return shown(str(value), limit)[1:-1]


def _brief(value: Any) -> str:
    return shown(value if isinstance(value, str) else repr(value), 64)


def _unforeseen(request: Request, error: Exception) -> Response:
    # the server logs the trace; the caller gets the id to ask about
    log.error("request %s failed: %s", request_id(request), type(error).__name__)
    said = f"Something failed inside Headgate. The log of the control plane has it under {request_id(request)}."
    return error_response(HeadgateError(said), request_id(request))
