"""What can go wrong. Nothing here ever means that a call was approved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx


class CountersignError(Exception):
    """The base of all errors of this package."""


class Unreachable(CountersignError):
    """The service could not be reached within `retry_for`. The request may still have arrived."""


class InvalidResponse(CountersignError):
    """The service sent a response that this version of the package can't read."""


class WebhookError(CountersignError):
    """A webhook was not sent by Countersign, is too old or too new, or is not readable. Do not act on it."""


class ApiError(CountersignError):
    """The service refused the request: a problem of RFC 9457 (see docs/errors.md)."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        """The HTTP status."""
        self.type: str = str(problem.get("type", "about:blank")).removeprefix("urn:countersign:problem:")
        """The problem's type without its prefix, such as `invalid-request`. Stable."""
        self.title: str = str(problem.get("title", f"HTTP {status}"))
        """What is wrong, in short."""
        self.detail: str = str(problem.get("detail", ""))
        """What to do."""
        # A proxy in between may send JSON of its own.
        faults = problem.get("errors")
        self.errors: list[dict[str, Any]] = (
            [one for one in faults if isinstance(one, dict)] if isinstance(faults, list) else []
        )
        """Everything that is wrong with the request, with JSON pointers."""
        listed = "".join(f" {fault.get('pointer')}: {fault.get('detail')}." for fault in self.errors)
        super().__init__(f"{self.title.rstrip('.')} ({status}). {self.detail}{listed}".strip())

    @classmethod
    def from_response(cls, response: httpx.Response) -> ApiError:
        try:
            problem = response.json()
        except (ValueError, RecursionError):
            problem = None
        return cls(response.status_code, problem if isinstance(problem, dict) else {})
