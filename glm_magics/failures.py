"""What a server's error means: business codes and statuses as rows, bodies of every known shape to one `GLMError`.

Sources: the vendor's error-code pages (bigmodel and z.ai); shapes A to F as collected in the wild.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import (
    AccessError,
    APIError,
    AuthenticationError,
    BadRequestError,
    ContentBlockedError,
    NotFoundError,
    PromptTooLongError,
    QuotaError,
    RateLimitError,
    ServerError,
    one_line,
)

_KEY = "Check the key: `%glm_connect` shows where it comes from; keys are made at z.ai or bigmodel.cn."
_ACCOUNT = "Look at the account's page on the vendor's site."
_TOP_UP = "Top up or buy a package on the vendor's site, or choose a free model such as glm-4.5-flash."
_WAIT = "Wait a little, or run fewer requests at once."
_PLAN = "Look at the plan's page on the vendor's site, or `%glm_connect` another endpoint."
_REQUEST = "`--dry-run` shows the request that was sent."
_AGAIN = "Try again; if it stays, quote the request id to the vendor's support."


@dataclass(frozen=True, slots=True)
class Failure:
    """One row: the class to raise, what it means, the way out, and whether trying again can help."""

    error: type[APIError]
    meaning: str
    way_out: str
    is_retryable: bool = False


FAILURES: Mapping[str, Failure] = {
    "500": Failure(ServerError, "The vendor's server failed.", _AGAIN, True),
    "1000": Failure(AuthenticationError, "The key was not accepted.", _KEY),
    "1001": Failure(AuthenticationError, "The request carried no key.", _KEY),
    "1002": Failure(AuthenticationError, "The key is not valid.", _KEY),
    "1003": Failure(AuthenticationError, "The key or token has expired.", _KEY),
    "1004": Failure(AuthenticationError, "The key could not be verified.", _KEY),
    "1005": Failure(AuthenticationError, "The account asks for a second factor.", _ACCOUNT),
    "1100": Failure(AccessError, "The account cannot be read.", _ACCOUNT),
    "1110": Failure(AccessError, "The account is not active.", _ACCOUNT),
    "1111": Failure(AccessError, "The account does not exist.", _ACCOUNT),
    "1112": Failure(AccessError, "The account is locked.", _ACCOUNT),
    "1113": Failure(QuotaError, "The balance is used up.", _TOP_UP),
    "1120": Failure(ServerError, "The account cannot be reached at the moment.", _AGAIN, True),
    "1121": Failure(AccessError, "The account is locked for violations.", _ACCOUNT),
    "1200": Failure(ServerError, "The call failed on the vendor's side.", _AGAIN, True),
    "1210": Failure(BadRequestError, "The server does not accept a parameter.", _REQUEST),
    "1211": Failure(BadRequestError, "The server does not know this model.", "`%glm_models` lists the models."),
    "1212": Failure(BadRequestError, "The model cannot be called this way.", "`%glm_models` says what each takes."),
    "1213": Failure(BadRequestError, "A required field is missing.", _REQUEST),
    "1214": Failure(BadRequestError, "A field has an illegal value.", _REQUEST),
    "1215": Failure(BadRequestError, "Two fields exclude each other.", _REQUEST),
    "1220": Failure(AccessError, "The key may not use this API.", _ACCOUNT),
    "1221": Failure(NotFoundError, "This API has been retired.", "`%glm_connect` shows the address in use."),
    "1222": Failure(NotFoundError, "This API does not exist.", "`%glm_connect` shows the address in use."),
    "1230": Failure(ServerError, "The call failed on the vendor's side.", _AGAIN, True),
    "1231": Failure(BadRequestError, "A request with this id is already running.", "Send it again with a new id."),
    "1234": Failure(ServerError, "The vendor's network failed.", _AGAIN, True),
    "1261": Failure(PromptTooLongError, "The message is longer than the model's context.", "Send less of it."),
    "1300": Failure(ContentBlockedError, "The vendor's policy blocked the request.", "Rephrase it."),
    "1301": Failure(ContentBlockedError, "The vendor's review found unsafe content.", "Rephrase it."),
    "1302": Failure(RateLimitError, "Too many requests at once.", _WAIT, True),
    "1303": Failure(RateLimitError, "Requests come too often.", _WAIT, True),
    "1304": Failure(QuotaError, "The day's quota of calls is used up.", "Go on tomorrow, or with another model."),
    "1305": Failure(RateLimitError, "The model is overloaded.", _WAIT, True),
    "1308": Failure(QuotaError, "The plan's limit is reached.", "Wait for the reset that the message names."),
    "1309": Failure(QuotaError, "The coding plan has expired.", _PLAN),
    "1310": Failure(QuotaError, "The plan's weekly or monthly limit is reached.", "Wait for the reset it names."),
    "1311": Failure(QuotaError, "The plan does not include this model.", _PLAN),
    "1312": Failure(RateLimitError, "The model is busy.", "Wait, or use the model that the message suggests.", True),
    "1313": Failure(AccessError, "The plan's fair-use rule stopped the call.", _PLAN),
    "1314": Failure(AccessError, "The enterprise plan is not valid.", _PLAN),
    "1315": Failure(AccessError, "The key serves the enterprise coding plan only.", _PLAN),
    **{
        str(code): Failure(QuotaError, "The plan's 5-hour or 7-day limit is reached.", "Wait for the reset.")
        for code in range(1316, 1322)
    },
    "1701": Failure(RateLimitError, "Too many web searches at once.", _WAIT, True),
    "1702": Failure(BadRequestError, "No search engine is available.", "Choose another search engine."),
    "1703": Failure(ServerError, "The web search found no data.", "Ask differently."),
}

STATUSES: Mapping[int, Failure] = {
    400: Failure(BadRequestError, "The server does not accept the request.", _REQUEST),
    401: FAILURES["1000"],
    403: Failure(AccessError, "The key may not do this.", _ACCOUNT),
    404: Failure(NotFoundError, "There is nothing at this address.", "`%glm_connect` shows the address in use."),
    408: Failure(ServerError, "The server gave up waiting.", _AGAIN, True),
    409: Failure(ServerError, "The server reports a conflict.", _AGAIN, True),
    413: Failure(BadRequestError, "The request is too large for the server.", "Send fewer or smaller pictures."),
    422: Failure(BadRequestError, "The server does not accept the request.", _REQUEST),
    429: FAILURES["1302"],
    434: Failure(AccessError, "This API is in closed beta.", _ACCOUNT),
    435: Failure(BadRequestError, "A file is larger than 100 MB.", "Send a smaller one."),
}
_MOVED = Failure(NotFoundError, "The server points to another address.", "`%glm_connect` shows the one in use; https, a path?")
_UNKNOWN_4XX = Failure(APIError, "The server refused the request.", _REQUEST)
_UNKNOWN_5XX = Failure(ServerError, "The server failed.", _AGAIN, True)
_UNKNOWN_ERROR = Failure(APIError, "The server reported an error.", _REQUEST)


@dataclass(frozen=True, slots=True)
class Fault:
    """An error as the server told it: what to raise, and whether and when trying again makes sense."""

    error: APIError
    is_retryable: bool


_CODE_PREFIX = re.compile(r"^\s*\[(\d{3,4})\]\s*(?:\[([^\]]*)\])?")


def parse_failure(status: int | None, body: bytes | Mapping[str, Any], request_id: str | None = None) -> Fault:
    """Reads an error body of any known shape (A to F, vLLM's, Ollama's, FastAPI's) into the error to raise.

    Never raises itself: an unreadable body falls back to what the status says.
    """
    payload = body if isinstance(body, Mapping) else _parse_json(body)
    code, message = _code_and_message(payload)
    if code not in FAILURES and (prefix := _CODE_PREFIX.match(message)):
        code = prefix[1]
        message = prefix[2] or message[prefix.end() :]
    row = FAILURES.get(code or "") or _row_for_status(status)
    said = one_line(message).rstrip(".")
    meaning = f"{row.meaning} The server said: “{said}”." if said else row.meaning
    known_id = request_id or _text(payload.get("request_id")) or _text(payload.get("id"))
    error = row.error(meaning, row.way_out, status=status, code=code, request_id=one_line(known_id, 80) or None)
    return Fault(error, row.is_retryable)


def _row_for_status(status: int | None) -> Failure:
    if status is None:
        return _UNKNOWN_ERROR
    if status in STATUSES:
        return STATUSES[status]
    if 300 <= status < 400:
        return _MOVED
    if status < 400:
        return _UNKNOWN_ERROR
    return _UNKNOWN_5XX if status >= 500 else _UNKNOWN_4XX


def _parse_json(body: bytes) -> Mapping[str, Any]:
    try:
        payload = json.loads(body.decode("utf-8", errors="replace"))
    except (ValueError, RecursionError):
        return {}  # HTML or nothing, from a proxy: the status has to do
    return payload if isinstance(payload, dict) else {}


def _code_and_message(payload: Mapping[str, Any]) -> tuple[str | None, str]:
    error = payload.get("error")
    if isinstance(error, Mapping):  # A, B, E; vLLM
        return _code(error.get("code")), _text(error.get("message")) or _text(error.get("msg"))
    if isinstance(error, str):  # D; Ollama
        path = _text(payload.get("path"))
        return None, f"{error}: {path}" if path else error
    detail = payload.get("detail")  # FastAPI: text, or a list of {loc, msg}
    said = payload.get("message") or payload.get("msg") or (detail if isinstance(detail, str) else "")
    if isinstance(detail, list) and detail and isinstance(detail[0], Mapping):
        said = detail[0].get("msg")
    return _code(payload.get("code")), _text(said)  # C


def _code(value: object) -> str | None:
    return one_line(str(value), 80) or None if isinstance(value, str | int) else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
