"""Secrets in a text barred before it leaves, and put back into what comes. Pure.

No rule finds every secret. These find what is written beside a telling name, what looks like a well-known service's key, and the
values that the caller knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_TELLING = (
    r"(?:api[_-]?key|secret|token(?!iz)|passw(?:or)?d|passphrase|passwd|\bpwd|credential|authorization"
    r"|access[_-]?key|private[_-]?key|client[_-]?key)"
)
TELLING_NAME = re.compile(_TELLING, re.IGNORECASE)
"""What a name says that holds a secret."""

_RULES = tuple(
    re.compile(pattern, re.IGNORECASE | re.MULTILINE)
    for pattern in (
        # api_key = "…", "password": "…", token="…", os.environ["X_KEY"] = "…", key: str = "…"
        rf"{_TELLING}\w{{0,40}}[\"'\]]*(?:\s*:\s*\w+)?\s*[=:]\s*[rbfu]{{0,2}}(?P<mark>[\"'])(?P<secret>[^\"'\n]{{4,}})(?P=mark)",
        rf"^\s*(?:%env|%set_env|!?\s*export)\s+\w{{0,40}}?{_TELLING}\w{{0,40}}\s*[= ]\s*(?P<secret>[^\s\"']{{4,}})",
        r"\bbearer\s+(?P<secret>[\w.~+/=-]{8,})",
        r"\w://[^/\s:@\"']*:(?P<secret>[^@\s/\"']+)@",
        r"[?&](?:api_?key|key|token|signature|sig|access_token|password)=(?P<secret>[^&\s\"']{6,})",
        r"(?P<secret>-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]{0,20000}?-----END [A-Z ]*PRIVATE KEY-----)",
    )
)
_SHAPES = tuple(
    re.compile(rf"(?<![\w-])(?P<secret>{pattern})(?![\w-])")
    for pattern in (
        r"[0-9a-f]{32}\.[A-Za-z0-9]{16}",  # the vendor's own
        r"sk-[\w-]{16,}",
        r"(?:ghp|gho|ghs|ghu|ghr)_\w{20,}",
        r"github_pat_\w{20,}",
        r"glpat-[\w-]{16,}",
        r"hf_[A-Za-z0-9]{20,}",
        r"AKIA[0-9A-Z]{16}",
        r"AIza[\w-]{30,}",
        r"xox[abprs]-[\w-]{10,}",
        r"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{4,}",  # a JSON web token
    )
)


class Bars:
    """Bars secrets in one text after another; the same secret has the same mark in all of them.

    Args:
        known: values that are secret wherever they stand.
    """

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._known = sorted({value for value in known if len(value) >= 6}, key=len, reverse=True)
        self._marks: dict[str, str] = {}  # by secret

    def bar(self, text: str) -> str:
        """The text with ``<secret-1>`` in the place of each secret."""
        for value in self._known:
            if value in text:
                text = text.replace(value, self._mark(value))
        for rule in (*_RULES, *_SHAPES):
            text = rule.sub(self._barred, text)
        return text

    def restore(self, text: str) -> str:
        """The text with the secrets back in their places."""
        for secret, mark in reversed(self._marks.items()):  # a later one may hold an earlier one
            text = text.replace(mark, secret)
        return text

    def __len__(self) -> int:
        return len(self._marks)

    def _barred(self, found: re.Match[str]) -> str:
        secret = found["secret"]
        if secret in self._marks.values():
            return found[0]
        start, end = found.start("secret") - found.start(), found.end("secret") - found.start()
        return f"{found[0][:start]}{self._mark(secret)}{found[0][end:]}"

    def _mark(self, secret: str) -> str:
        return self._marks.setdefault(secret, f"<secret-{len(self._marks) + 1}>")


def secrets_of(environment: Mapping[str, str]) -> list[str]:
    """The values of variables whose names say that they are secret."""
    return [value for name, value in environment.items() if TELLING_NAME.search(name) and len(value) >= 8]
