"""How deep JSON is nested, before Arrow sees it: its parser calls itself for every level until the stack ends."""

import re

import numpy as np

from goodfit.errors import DataError

MAX_DEPTH = 64
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_STEP = np.zeros(256, np.int8)
_STEP[list(b"[{")], _STEP[list(b"]}")] = 1, -1


def validate_depth(text: bytes, name: str) -> None:
    """Raise DataError if objects and lists are nested more than 64 deep.

    >>> validate_depth(b'{"a": [{"b": "]]]["}]}', "x")
    """
    steps = _STEP[np.frombuffer(_STRING.sub(b"", text), np.uint8)]
    brackets = steps[steps != 0]
    if np.cumsum(brackets, dtype=np.int64).max(initial=0) > MAX_DEPTH:
        raise DataError(f"{name} is JSON that is nested more than {MAX_DEPTH} deep: write one flat object per line")
