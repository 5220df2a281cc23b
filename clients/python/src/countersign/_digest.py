"""The digest that ties an approval to its arguments."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

# ECMAScript writes numbers from 1e-6 to below 1e21 without an exponent.
_PLAIN_BELOW = 21
_PLAIN_ABOVE = -6


def arguments_digest(arguments: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical JSON (RFC 8785), as `Approval.arguments_digest` has it.

    Raises `ValueError` for what has no canonical JSON: NaN, integers that a double can't hold, lone surrogates, and
    values that are not JSON.
    """
    return "sha256:" + hashlib.sha256(_canonical(arguments).encode()).hexdigest()


def _canonical(value: Any) -> str:
    match value:
        case None | bool() | str():
            return json.dumps(value, ensure_ascii=False)
        case int() | float():
            return _number(value)
        case Mapping():
            if not all(isinstance(name, str) for name in value):
                raise ValueError("the names of an object must be strings")
            # RFC 8785 sorts by UTF-16 code units.
            names = sorted(value, key=lambda name: name.encode("utf-16-be"))
            return "{" + ",".join(f"{_canonical(name)}:{_canonical(value[name])}" for name in names) + "}"
        case list() | tuple():
            return "[" + ",".join(map(_canonical, value)) + "]"
    raise ValueError(f"{type(value).__name__} is not JSON")


def _number(value: int | float) -> str:
    """Writes a number as ECMAScript does."""
    try:
        double = float(value)
    except OverflowError:
        double = float("inf")
    if double != value or double in (float("inf"), float("-inf")):
        raise ValueError(f"{value} is not a number that a double holds")
    if double == 0:
        return "0"
    # `repr` has the fewest digits that read back as the same double, as ECMAScript wants them.
    sign, digits, exponent = Decimal(repr(double)).normalize().as_tuple()
    text = "".join(map(str, digits))
    point = len(text) + int(exponent)
    if len(text) <= point <= _PLAIN_BELOW:
        text = text.ljust(point, "0")
    elif 0 < point <= _PLAIN_BELOW:
        text = f"{text[:point]}.{text[point:]}"
    elif _PLAIN_ABOVE < point <= 0:
        text = f"0.{'0' * -point}{text}"
    else:
        text = f"{text[0]}{'.' if len(text) > 1 else ''}{text[1:]}e{point - 1:+d}"
    return f"-{text}" if sign else text
