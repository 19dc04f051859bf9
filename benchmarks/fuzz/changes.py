"""Random changes of a file, each from its number alone."""

import random

WORDS = ["-1", "0", "1e308", "-1e-308", "nan", "inf", "9223372036854775807", "4294967296", "null", "true", "[]", "{}"]


def changed(content: bytes, rng: random.Random) -> bytes:
    """The content with one to three random changes."""
    data = bytearray(content)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        rng.choice([_flip, _set, _cut, _insert, _repeat, _truncate, _number, _word])(data, rng)
    return bytes(data)


def _flip(data: bytearray, rng: random.Random) -> None:
    if data:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _set(data: bytearray, rng: random.Random) -> None:
    if data:
        data[rng.randrange(len(data))] = rng.choice([0, 1, 0x7F, 0x80, 0xFF, *b'"{}[],:-0\n'])


def _cut(data: bytearray, rng: random.Random) -> None:
    place = rng.randrange(len(data) + 1)
    del data[place : place + rng.choice([1, 4, 8, 100])]


def _insert(data: bytearray, rng: random.Random) -> None:
    place = rng.randrange(len(data) + 1)
    data[place:place] = rng.choice([b"\0" * 8, b"[" * 200, b"{", b'"', rng.randbytes(9)])


def _repeat(data: bytearray, rng: random.Random) -> None:
    place = rng.randrange(len(data) + 1)
    data[place:place] = data[place : place + rng.choice([1, 8, 64, 1000])]


def _truncate(data: bytearray, rng: random.Random) -> None:
    del data[rng.randrange(len(data) + 1) :]


def _number(data: bytearray, rng: random.Random) -> None:
    """A number of four or eight bytes that lengths and offsets break at."""
    size = rng.choice([4, 8])
    value = rng.choice([0, 1, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**63 - 1, 2**64 - 1]) % 2 ** (8 * size)
    place = rng.randrange(max(1, len(data) - size)) // size * size
    data[place : place + size] = value.to_bytes(size, "little")


def _word(data: bytearray, rng: random.Random) -> None:
    """Another value in place of one of JSON."""
    places = [i for i, byte in enumerate(data) if byte in b":[,"]
    if places:
        place = rng.choice(places) + 1
        end = next((i for i in range(place, len(data)) if data[i] in b",]}\n"), place)
        data[place:end] = rng.choice(WORDS).encode()
