"""The seal: which rows are test rows, and a digest of what is in them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Seal:
    """Numbers of the test rows, from 0, and the SHA-256 of all their cells, read as the kinds of the known rows."""

    rows: tuple[int, ...]
    digest: str
