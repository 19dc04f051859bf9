"""Files: read so that a stranger's file cannot harm, written so that no other file is touched and none is left half."""

import contextlib
import errno
import hashlib
import os
import platform
import re
import secrets
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

NO_LINK = getattr(os, "O_NOFOLLOW", 0)
NO_WAIT = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_STREAM = re.compile(r"-|/dev/stdin|/(?:dev|proc/self)/fd/(\d{1,9})")
"""Standard input, and what the caller opened for this process, such as ``<(zcat table.csv.gz)`` in a shell: the one
kind of source that may be a pipe or a device."""

Version = tuple[int, ...]

_TEMPORARY = re.compile(r"\.[0-9a-f]{32}\.tmp")


class UnsafeFile(OSError):
    """A file that is not read: no regular file, a link, too large, or changed while it was read."""

    def __init__(self, reason: str) -> None:
        super().__init__(errno.EINVAL, reason)


class FileMark(NamedTuple):
    """Size and SHA-256 of a file's content."""

    size: int
    sha256: str


def mark_of(content: bytes) -> FileMark:
    """Return the size and the SHA-256 of a content."""
    return FileMark(len(content), hashlib.sha256(content).hexdigest())


def machine() -> str:
    """Return a mark of this machine that says nothing about it, to notice that a folder was made on another one."""
    try:
        name = Path("/etc/machine-id").read_bytes().strip()
    except OSError:
        name = b""
    return hashlib.sha256(b"goodfit:" + (name or platform.node().encode())).hexdigest()[:16]


def memory() -> int:
    """Return the bytes of this machine's memory."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return 8 << 30


def size_of(path: Path, *, links: bool) -> int:
    """Return the size of a regular file in bytes, without opening it.

    Raises:
        UnsafeFile: it is a folder, a pipe, a device, or a link that may not be followed. OSError: it is not there.
    """
    return _regular(path.stat() if links else path.lstat()).st_size


def read_file(path: Path, *, limit: int, links: bool = False) -> bytes:
    """Return the content of a regular file of at most ``limit`` bytes.

    Args:
        links: whether ``path`` itself may be a symbolic link.

    Raises:
        UnsafeFile: no regular file, too large, or changed while it was read. OSError: it cannot be opened.
    """
    try:
        handle = os.open(path, os.O_RDONLY | NO_WAIT | (0 if links else NO_LINK))
    except OSError as error:
        raise UnsafeFile("is a symbolic link") if error.errno == errno.ELOOP else error from error
    with open(handle, "rb") as file:
        before = _regular(os.fstat(handle))
        if before.st_size > limit:
            raise UnsafeFile(f"has {before.st_size:,} bytes, more than the {limit:,} that are read")
        content = file.read(before.st_size + 1)
        after = os.fstat(handle)
    if len(content) != before.st_size or _version(before) != _version(after):
        raise UnsafeFile("changed while it was read")
    return content


def scan_file(path: Path, on_chunk: Callable[[bytes], None], *, piece: int) -> tuple[FileMark, Version]:
    """Read a regular file, or a link to one, in pieces of so many bytes, and return its mark and version.

    Raises:
        UnsafeFile: no regular file, or changed while it was read. OSError: it cannot be opened.
    """
    digest, size = hashlib.sha256(), 0
    handle = os.open(path, os.O_RDONLY | NO_WAIT)
    with open(handle, "rb", buffering=0) as file:
        before = _version(_regular(os.fstat(handle)))
        while chunk := file.read(piece):
            digest.update(chunk)
            size += len(chunk)
            on_chunk(chunk)
        if before != _version(os.fstat(handle)):
            raise UnsafeFile("changed while it was read")
    return FileMark(size, digest.hexdigest()), before


def version_of(path: Path) -> Version:
    """Return what changes when a regular file is written: its size, time of change and number."""
    return _version(_regular(path.stat()))


def is_stream(name: object) -> bool:
    """Whether a name is that of standard input or of another open descriptor, which can be read only once.

    >>> is_stream("-"), is_stream("/dev/fd/63"), is_stream("/dev/zero")
    (True, True, False)
    """
    return _STREAM.fullmatch(str(name)) is not None


def read_stream(name: str, *, limit: int) -> bytes:
    """Return what is left to read of a stream, at most ``limit`` bytes; UnsafeFile for more."""
    found = _STREAM.fullmatch(name)
    with open(int(found[1] or 0) if found else 0, "rb", closefd=False) as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise UnsafeFile(f"has more than the {limit:,} bytes that are read")
    return content


def write_file(path: Path, content: bytes, *, replace: bool = True) -> None:
    """Write a file in one step: after a crash the old content or the new one is there, whole.

    The temporary name is random and the temporary file new, so that a link prepared in its place is never followed. A
    link at ``path`` is replaced and not followed.

    Raises:
        UnsafeFile: a folder, a pipe or a device is at ``path``. FileExistsError: a file is, unless ``replace``.
    """
    temporary = path.with_name(f".{secrets.token_hex(16)}.tmp")
    if _is_special(path):
        raise UnsafeFile("is no regular file")
    handle = _made(temporary)
    try:
        with open(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(handle)
        if not replace:
            os.close(_made(path))  # claims the name: whoever comes second is told
        os.replace(temporary, path)
        sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def remove_leftovers(folder: Path) -> None:
    """Delete the temporary files of ``write_file`` that a process left which was killed."""
    for path in folder.iterdir():
        if _TEMPORARY.fullmatch(path.name):
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Let one process or thread at a time through; the lock ends with the process."""
    if sys.platform == "win32":
        handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT)
    else:
        handle = os.open(folder, os.O_RDONLY)
    try:
        if sys.platform == "win32":
            msvcrt.locking(handle, msvcrt.LK_LOCK, 1)
        else:
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on disk; Windows has no such call and needs none."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def is_running(process: int) -> bool:
    """Whether a process of this machine runs; on Windows, where asking would end it, always True."""
    if sys.platform == "win32":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _made(path: Path) -> int:
    """Open a new file, never one that is there, and through no link."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_LINK | NO_WAIT, 0o666)


def _is_special(path: Path) -> bool:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISLNK(mode))


def _regular(found: os.stat_result) -> os.stat_result:
    if stat.S_ISLNK(found.st_mode):
        raise UnsafeFile("is a symbolic link")
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(found.st_mode):
        raise UnsafeFile("is no regular file")
    return found


def _version(found: os.stat_result) -> Version:
    return found.st_size, found.st_mtime_ns, found.st_ino
