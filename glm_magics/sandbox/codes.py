"""The vendor's business codes, and a refusal: an error answer of the sandbox as a value that can be raised."""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """One business code: the HTTP status it comes with, and an English message with ``{detail}`` where facts go."""

    status: int
    message: str


# Source: protocol reference 5.3. Statuses that the vendor leaves open are inferred from its table of HTTP statuses (5.2).
CODES: dict[str, Code] = {
    "500": Code(500, "Internal error"),
    "1000": Code(401, "Authentication failed"),
    "1001": Code(401, "Authentication parameter not received in the header, unable to authenticate"),
    "1002": Code(401, "Authentication token is invalid; please check that it was passed on correctly"),
    "1003": Code(401, "Authentication token has expired; please generate a new one"),
    "1004": Code(401, "Authentication with the provided token failed"),
    "1005": Code(401, "A second authentication factor is required"),
    "1100": Code(429, "Account could not be read or written"),
    "1110": Code(429, "Your account is inactive; please check your account information"),
    "1111": Code(429, "Your account does not exist"),
    "1112": Code(429, "Your account has been locked; please contact customer service"),
    "1113": Code(429, "Insufficient balance or no resource package. Please recharge."),
    "1120": Code(429, "Your account cannot be reached for the moment; please try again later"),
    "1121": Code(429, "Your account has been locked for violations"),
    "1200": Code(500, "API call error"),
    "1210": Code(400, "Invalid API parameter, please check the documentation.{detail}"),
    "1211": Code(400, "Unknown Model, please check the model code.{detail}"),
    "1212": Code(400, "The current model does not support this way of calling.{detail}"),
    "1213": Code(400, "A required parameter was not received.{detail}"),
    "1214": Code(400, "The value of a parameter is not allowed.{detail}"),
    "1215": Code(400, "These parameters cannot be set together.{detail}"),
    "1220": Code(403, "You do not have permission to access this API"),
    "1221": Code(400, "This API has been retired"),
    "1222": Code(400, "This API does not exist"),
    "1230": Code(500, "API call flow error"),
    "1231": Code(400, "A request with this request_id is already running"),
    "1234": Code(500, "Network error, error id: 20260401101528c0ffee1234abcd5e, please try again later"),
    "1261": Code(400, "Prompt exceeds the maximum length.{detail}"),
    "1300": Code(400, "The call was blocked by policy"),
    "1301": Code(400, "The system detected potentially unsafe or sensitive content in the input or the answer"),
    "1302": Code(429, "Rate limit reached for requests"),
    "1303": Code(429, "The call frequency of this API is too high"),
    "1304": Code(429, "The daily call quota of this API has been reached"),
    "1305": Code(429, "The model is overloaded for the moment, please try again later"),
    "1308": Code(429, "Usage limit reached for 5 hours. Your limit will reset at 2030-01-01 05:00:00"),
    "1309": Code(429, "Your coding plan has expired"),
    "1310": Code(429, "Weekly limit reached. Your limit will reset at 2030-01-01 00:00:00"),
    "1311": Code(429, "Your plan does not include this model"),
    "1312": Code(429, "This model is busy; please try another one, such as glm-4.5-air"),
    "1313": Code(429, "Your use of the plan is restricted by the fair-use policy"),
    "1314": Code(429, "Your enterprise plan is not valid"),
    "1315": Code(429, "This key can only be used with the enterprise coding plan"),
    "1316": Code(429, "5-hour limit reached and no overage balance. Your limit will reset at 2030-01-01 05:00:00"),
    "1317": Code(429, "7-day limit reached and no overage balance. Your limit will reset at 2030-01-01 00:00:00"),
    "1318": Code(429, "5-hour limit reached and the sub-account has no overage balance"),
    "1319": Code(429, "7-day limit reached and the sub-account has no overage balance"),
    "1320": Code(429, "5-hour limit reached and the company's overage cap is used up"),
    "1321": Code(429, "7-day limit reached and the company's overage cap is used up"),
    "1701": Code(429, "Web search: too many searches at once"),
    "1702": Code(400, "Web search: no search engine available"),
    "1703": Code(400, "Web search: no data found"),
}


class Refusal(Exception):
    """A request the sandbox does not accept.

    Args:
        code: a key of `CODES`; gives status and message.
        detail: what exactly is wrong, added to the message.
        status: another HTTP status than the code's own.
    """

    def __init__(self, code: str, detail: str = "", *, status: int | None = None) -> None:
        self.code = code
        self.status = status or CODES[code].status
        self.message = CODES[code].message.replace("{detail}", f" {detail}" if detail else "")
        super().__init__(f"{self.code}: {self.message}")

    def body(self) -> bytes:
        """The error body, shape A: the code is a string (protocol reference 5.1)."""
        return error_body(self.code, self.message)


def error_body(code: str, message: str) -> bytes:
    """Shape A: ``{"error":{"code":"1002","message":"…"}}``."""
    return dump({"error": {"code": code, "message": message}})


def dump(value: object) -> bytes:
    """JSON as the vendor writes it: compact, non-ASCII raw. A lone surrogate becomes ``?``."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
