"""Everything that can go wrong, on one page.

    GLMError                    every error of this package
    ├── InputError              found here, before anything was sent
    │   ├── OptionError         an unknown option, a wrong value, an unclosed quote
    │   ├── UnknownNameError    ``{name}`` is not defined in the notebook
    │   ├── ModelError          no such model, or it cannot take what the message holds
    │   ├── ChatError           no such chat or turn; a chat that cannot be read or saved
    │   ├── MediaError          a picture, path or frame that cannot be sent
    │   └── MissingExtraError   an optional package is not installed
    ├── NoProviderError         nobody to ask: no key, no server chosen
    ├── NetworkError            the server could not be reached, or went silent
    ├── CutShortError           the answer stopped in the middle; what came is kept
    ├── CacheError              the store of vectors cannot be read or written
    ├── EmbeddingError          some texts have no vector; those that have one are in `vectors`
    ├── BudgetError             it would cost, or has cost, more than is allowed; what came is kept
    ├── ToolError               functions were called beyond a limit, or their server does not answer; what came is kept
    ├── LedgerError             the ledger of calls cannot be read or written
    ├── ReplayError             nothing on record fits, or the recordings cannot be read or written
    ├── SchemaError             the answer does not fit the schema; the last one is kept
    └── APIError                the server answered with an error
        ├── AuthenticationError     401, the key is wrong, missing or expired
        ├── AccessError             403 and account states: not allowed
        ├── NotFoundError           404, wrong address
        ├── BadRequestError         400, the request is not acceptable
        │   ├── PromptTooLongError      1261
        │   └── ContentBlockedError     1300, 1301
        ├── RateLimitError          429, too many at once: retried
        ├── QuotaError              429, balance or quota used up: never retried
        └── ServerError             5xx

    GLMWarning                  a UserWarning: sent all the same, but otherwise than might be expected
    OnceWarning                 a GLMWarning that is said once a session
    Interrupted                 a KeyboardInterrupt, not a GLMError: the user pressed ■

Each carries what a program needs (`status`, `code`, `request_id`, `reply`) and a message with a way out for a person.
In IPython it is shown as one short red block; set ``show_traceback`` (or ``%config GLM.show_traceback = True``) for more.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Sequence
from typing import Any

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Controls of a terminal, and those that turn the direction of the text around them."""


NO_KEY_WAY_OUT = (
    "Three ways forward: put a key into ZAI_API_KEY (z.ai) or ZHIPUAI_API_KEY (bigmodel.cn) and restart the kernel; "
    "or `%glm_connect http://localhost:8000/v1` for a server of your own; "
    "or `%glm_connect sandbox` to try everything offline."
)


class GLMWarning(UserWarning):
    """Something was sent otherwise than one might expect; a notebook shows it as a line of its own."""


class OnceWarning(GLMWarning):
    """A `GLMWarning` about this machine, such as a missing font: said once a session."""


def one_line(text: str, limit: int = 500) -> str:
    """Foreign text made fit for a message: no control characters, no line breaks, at most `limit` characters."""
    clean = " ".join(_CONTROL.sub("", text).split())
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


class GLMError(Exception):
    """Base of all errors here.

    Args:
        message: what happened and why, in a sentence.
        way_out: what to do next.
        status: HTTP status, when a server answered.
        code: the vendor's business code, always a string (protocol: bigmodel sends strings, z.ai integers).
        request_id: the id to quote to the vendor's support.
        reply: the `Reply` with what had been received, when something had.
    """

    def __init__(
        self,
        message: str,
        way_out: str = "",
        *,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        reply: Any = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.way_out = way_out
        self.status = status
        self.code = code
        self.request_id = request_id
        self.reply = reply
        self.show_traceback = False

    def __str__(self) -> str:
        facts = [
            f"HTTP {self.status}" if self.status else "",
            f"code {self.code}" if self.code else "",
            f"request {self.request_id}" if self.request_id else "",
        ]
        tail = ", ".join(fact for fact in facts if fact)
        return " ".join(part for part in (self.message, self.way_out, f"({tail})" if tail else "") if part)

    def _render_traceback_(self) -> list[str]:
        """IPython's hook: the lines shown instead of a traceback."""
        if self.show_traceback:
            return traceback.format_exception(type(self), self, self.__traceback__)
        return [f"\x1b[31m{type(self).__name__}\x1b[0m: {self}"]


class InputError(GLMError):
    """Something in the cell or the call is not right; nothing was sent."""


class OptionError(InputError):
    """An unknown option, a wrong value or an unclosed quote."""


class UnknownNameError(InputError):
    """A ``{name}`` in the text that the notebook does not define."""


class ModelError(InputError):
    """The model is unknown, or cannot take what the message holds."""


class MediaError(InputError):
    """A value that cannot be made into something a model takes."""


class ChatError(InputError):
    """There is no such chat or turn, or it cannot be read or saved."""


class MissingExtraError(InputError):
    """An optional package is needed and not installed."""

    @classmethod
    def naming(cls, extra: str, message: str) -> MissingExtraError:
        """The error whose way out is to install `extra`."""
        return cls(message, f'Install it with `pip install "glm-magics[{extra}]"`.')


class NoProviderError(GLMError):
    """No key and no server chosen: nothing is faked, the user decides."""


class NetworkError(GLMError):
    """The server could not be reached, or did not answer in time."""


class CutShortError(GLMError):
    """The answer broke off; `reply` holds what came."""


class CacheError(GLMError):
    """The store of vectors cannot be read or written."""


class EmbeddingError(GLMError):
    """Some texts have no vector.

    Attributes:
        rows: their places in the input.
        vectors: float32, shape (N, dimensions), NaN at those rows; None where nothing came.
    """

    def __init__(self, message: str, way_out: str = "", *, rows: Sequence[int] = (), vectors: Any = None, **facts: Any) -> None:
        super().__init__(message, way_out, **facts)
        self.rows = list(rows)
        self.vectors = vectors


class BudgetError(GLMError):
    """It would cost, or has cost, more than is allowed; `reply` holds what came."""


class ReplayError(GLMError):
    """The request is not on record, or the recordings cannot be read or written."""


class SchemaError(GLMError):
    """No answer fitted the schema; `reply` holds the last one, with the reason in ``.misfit``."""


class ToolError(GLMError):
    """A model goes on calling functions beyond the limits, or an MCP server does not do its part; `reply` holds what came."""


class LedgerError(GLMError):
    """The ledger of calls cannot be read or written."""


class APIError(GLMError):
    """The server answered with an error."""


class AuthenticationError(APIError):
    """The key is missing, wrong or expired."""


class AccessError(APIError):
    """The account or plan does not allow this call."""


class NotFoundError(APIError):
    """There is nothing at this address."""


class BadRequestError(APIError):
    """The server does not accept the request as it is."""


class PromptTooLongError(BadRequestError):
    """The message is longer than the model's context."""


class ContentBlockedError(BadRequestError):
    """The vendor's review blocked the prompt or the answer."""


class RateLimitError(APIError):
    """Too many requests at once; worth trying again."""


class QuotaError(APIError):
    """Balance, package or quota used up; trying again does not help."""


class ServerError(APIError):
    """The server failed."""


class Interrupted(KeyboardInterrupt):
    """The user stopped the answer; `reply` holds what came, `kept` says in a sentence what is kept where there is no reply.

    Not a `GLMError`, so that ``except Exception`` around a loop of calls does not swallow ■.
    """

    def __init__(self, reply: Any = None, kept: str = "") -> None:
        super().__init__("stopped")
        self.reply = reply
        self.kept = kept

    def _render_traceback_(self) -> list[str]:
        arrived = "What had arrived is kept, in _glm too." if self.reply is not None else "Nothing had arrived."
        kept = self.kept or arrived
        return [f"\x1b[33mStopped.\x1b[0m {kept}"]
