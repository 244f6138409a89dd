"""Who may come in: a raw ``id.secret`` key, or an HS256 JWT made from one (protocol reference 1.3)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from typing import Any

from glm_magics.sandbox.codes import Refusal

_KEY = re.compile(r"[^\s.]+\.[^\s.]+")


def check_authorization(header: str | None, own_key: str, now_ms: float) -> None:
    """Raise the vendor's refusal unless the ``Authorization`` header is acceptable.

    Any well-formed key is. Of a token made from the sandbox's own key the signature is verified; of others, whose secret
    is not known here, only form and expiry.

    Raises:
        Refusal: 1001 no header, 1002 malformed or wrongly signed, 1003 expired.
    """
    if not header or not header.strip():
        raise Refusal("1001")
    scheme, _, token = header.strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise Refusal("1002")
    if _KEY.fullmatch(token):
        return
    _check_jwt(token, own_key, now_ms)


def _check_jwt(token: str, own_key: str, now_ms: float) -> None:
    parts = token.split(".")
    if len(parts) != 3 or not all(parts):
        raise Refusal("1002")
    header, payload = _json_part(parts[0]), _json_part(parts[1])
    expires_ms = payload.get("exp")
    if header.get("alg") != "HS256" or not isinstance(payload.get("api_key"), str):
        raise Refusal("1002")
    if not isinstance(expires_ms, int | float):
        raise Refusal("1002")
    own_id, _, secret = own_key.partition(".")
    if payload["api_key"] == own_id and not _is_signed(parts, secret):
        raise Refusal("1002")
    # Milliseconds, not the seconds of the JWT standard: a token with seconds is one that expired in 1970.
    if expires_ms < now_ms:
        raise Refusal("1003")


def _is_signed(parts: list[str], secret: str) -> bool:
    signature = hmac.new(secret.encode(), f"{parts[0]}.{parts[1]}".encode(), hashlib.sha256).digest()
    return hmac.compare_digest(base64.urlsafe_b64encode(signature).rstrip(b"="), parts[2].encode())


def _json_part(text: str) -> dict[str, Any]:
    try:
        value = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error):
        raise Refusal("1002") from None
    if not isinstance(value, dict):
        raise Refusal("1002")
    return value
