"""Webhooks (Standard Webhooks): nothing in a body is believed before its signature is."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ._errors import InvalidResponse, WebhookError
from ._models import Approval

_PREFIX = "whsec_"
# Seconds since 1970 have ten digits until the year 2286.
_DIGITS_MAX = 10


@dataclass(frozen=True, slots=True)
class Event:
    """What a webhook reports."""

    id: str
    """The same each time that the webhook is sent again: use it to recognise what you have handled."""
    type: str
    """`approval.approved`, `approval.denied`, …, or `webhook.ping`."""
    timestamp: datetime
    approval: Approval | None
    """The approval that ended; `None` for a ping."""

    @property
    def conversation(self) -> str | None:
        """The approval's conversation."""
        return self.approval.conversation if self.approval else None


def verify_webhook(
    body: bytes | str,
    headers: Mapping[str, str],
    secret: str | Sequence[str],
    *,
    tolerance: float = 300,
) -> Event:
    """Checks a webhook's signature and age, and gives what it reports.

    `body` is the request's body as it came. `secret` is the backend's webhook secret (`whsec_…`), or several while it
    is being rotated. `tolerance` is how many seconds the webhook's time may differ from this machine's.

    Raises `WebhookError` if it can't be trusted: answer 401 then. `ValueError` if the secret is empty or not valid.
    """
    if not isinstance(body, bytes | str):
        raise TypeError(f"body is the request's body as it came: bytes or str, not {type(body).__name__}.")
    keys = [_key(one) for one in ([secret] if isinstance(secret, str) else secret)]
    raw = _encoded(body) if isinstance(body, str) else body
    found = {name.lower(): value for name, value in headers.items()}
    try:
        message, sent, signatures = (found[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
    except KeyError as error:
        raise WebhookError(f"The header {error} is missing.") from error
    if not (sent.isascii() and sent.isdigit() and len(sent) <= _DIGITS_MAX):
        raise WebhookError("webhook-timestamp is not a number.")
    if abs(time.time() - int(sent)) > tolerance:
        raise WebhookError("The webhook is too old or too new. Check this machine's clock.")
    signed = _encoded(f"{message}.{sent}.") + raw
    given = [value for version, _, value in (part.partition(",") for part in signatures.split()) if version == "v1"]
    expected = [base64.b64encode(hmac.digest(key, signed, hashlib.sha256)) for key in keys]
    if not any(hmac.compare_digest(one, _encoded(value)) for one in expected for value in given):
        raise WebhookError("The signature does not match the secret.")
    return _event(message, raw)


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.strip().removeprefix(_PREFIX), validate=True)
    except ValueError:
        key = b""
    # Anyone can sign with an empty key.
    if not key:
        raise ValueError("The webhook secret is empty or not valid: it looks like whsec_…")
    return key


def _encoded(text: str) -> bytes:
    """Encodes what may be anyone's: bytes that are not UTF-8 can be surrogates here."""
    return text.encode(errors="surrogatepass")


def _event(message: str, raw: bytes) -> Event:
    try:
        data = json.loads(raw)
        kind, at = str(data["type"]), datetime.fromisoformat(data["timestamp"])
        approval = Approval.from_json(data["data"]) if kind.startswith("approval.") else None
    except (InvalidResponse, KeyError, TypeError, ValueError, RecursionError) as error:
        raise WebhookError(f"The webhook is not readable: {error}") from error
    if approval and kind != f"approval.{approval.status}":
        raise WebhookError(f"The webhook is {kind}, but its approval is {approval.status}.")
    return Event(id=message, type=kind, timestamp=at, approval=approval)
