"""Webhooks (Standard Webhooks): nothing in a body is believed before its signature is."""

from __future__ import annotations

import base64
import binascii
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

    Raises `WebhookError` if it can't be trusted: answer 401 then.
    """
    raw = body.encode() if isinstance(body, str) else body
    found = {name.lower(): value for name, value in headers.items()}
    try:
        message, sent, signatures = (found[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
    except KeyError as error:
        raise WebhookError(f"The header {error} is missing.") from error
    if not (sent.isascii() and sent.isdigit()):
        raise WebhookError("webhook-timestamp is not a number.")
    if abs(time.time() - int(sent)) > tolerance:
        raise WebhookError("The webhook is too old or too new. Check this machine's clock.")
    signed = f"{message}.{sent}.".encode() + raw
    given = [value for version, _, value in (part.partition(",") for part in signatures.split()) if version == "v1"]
    secrets = [secret] if isinstance(secret, str) else secret
    expected = [base64.b64encode(hmac.digest(_key(one), signed, hashlib.sha256)) for one in secrets]
    if not any(hmac.compare_digest(one, value.encode()) for one in expected for value in given):
        raise WebhookError("The signature does not match the secret.")
    return _event(message, raw)


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("The webhook secret is not valid: it looks like whsec_…") from error


def _event(message: str, raw: bytes) -> Event:
    try:
        data = json.loads(raw)
        kind, at = str(data["type"]), datetime.fromisoformat(data["timestamp"])
        approval = Approval.from_json(data["data"]) if kind.startswith("approval.") else None
    except (InvalidResponse, KeyError, TypeError, ValueError) as error:
        raise WebhookError(f"The webhook is not readable: {error}") from error
    if approval and kind != f"approval.{approval.status}":
        raise WebhookError(f"The webhook is {kind}, but its approval is {approval.status}.")
    return Event(id=message, type=kind, timestamp=at, approval=approval)
