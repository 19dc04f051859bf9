"""Files are read so that a stranger's file cannot harm, and written so that no other file is touched."""

import os
import re
import secrets
import threading

import pytest

from goodfit.files import UnsafeFile, locked, read_file, read_stream, write_file

posix = pytest.mark.skipif(os.name != "posix", reason="pipes, devices and links of POSIX")


def test_what_is_written_is_read(tmp_path):
    for content in (b"old", b"new", b""):
        write_file(tmp_path / "file", content)
        assert read_file(tmp_path / "file", limit=3) == content
    assert os.listdir(tmp_path) == ["file"]


def test_files_are_whole_or_not_there(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_file(path, b"old")

    def crash(*_):
        raise OSError("the disk is gone")

    monkeypatch.setattr(os, "replace", crash)
    with pytest.raises(OSError, match="gone"):
        write_file(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@posix
def test_links_under_the_temporary_names_of_old_lead_nowhere(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    folder = tmp_path / "mailed"
    folder.mkdir()
    for pid in range(os.getpid() - 50, os.getpid() + 50):
        (folder / f".report.html.{pid}.tmp").symlink_to(victim)
    write_file(folder / "report.html", b"new")
    assert victim.read_text() == "mine" and (folder / "report.html").read_bytes() == b"new"


@posix
@pytest.mark.parametrize("victim", ["there", "not there"])
def test_even_a_guessed_temporary_name_is_not_followed(victim, tmp_path, monkeypatch):
    (tmp_path / "there").write_text("mine")
    monkeypatch.setattr(secrets, "token_hex", lambda n: "0" * 2 * n)
    (tmp_path / f".{'0' * 32}.tmp").symlink_to(tmp_path / victim)
    with pytest.raises(FileExistsError):
        write_file(tmp_path / "report.html", b"new")
    assert (tmp_path / "there").read_text() == "mine" and not (tmp_path / "not there").exists()


@posix
def test_a_link_is_replaced_and_not_followed(tmp_path):
    (tmp_path / "victim").write_text("mine")
    (tmp_path / "report.html").symlink_to(tmp_path / "victim")
    write_file(tmp_path / "report.html", b"new")
    assert (tmp_path / "victim").read_text() == "mine"
    assert (tmp_path / "report.html").read_bytes() == b"new"


@posix
def test_a_pipe_or_a_folder_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "folder"):
        with pytest.raises(OSError, match="no regular file"):
            write_file(tmp_path / name, b"new")


def test_a_file_that_appears_meanwhile_is_not_replaced(tmp_path):
    path = tmp_path / "file"
    write_file(path, b"first", replace=False)
    with pytest.raises(FileExistsError):
        write_file(path, b"second", replace=False)
    assert path.read_bytes() == b"first" and os.listdir(tmp_path) == ["file"]


@posix
def test_file_and_folder_are_on_disk_before_writing_returns(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(os.fstat(handle).st_ino))
    write_file(tmp_path / "file", b"new")
    assert synced == [(tmp_path / "file").stat().st_ino, tmp_path.stat().st_ino]


# --- reading ---------------------------------------------------------------------------------------------------------


@posix
@pytest.mark.parametrize("links", [True, False])
def test_pipes_devices_and_large_files_are_not_read(links, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/zero")
    with open(tmp_path / "sparse", "wb") as file:
        file.truncate(12 << 30)
    for name in ("pipe", "link", "sparse"):
        with pytest.raises(UnsafeFile, match=r"regular|link|more than"):
            read_file(tmp_path / name, limit=1000, links=links)


@posix
def test_a_link_is_read_only_where_links_may_be(tmp_path):
    write_file(tmp_path / "file", b"text")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    assert read_file(tmp_path / "link", limit=9, links=True) == b"text"
    with pytest.raises(UnsafeFile, match="symbolic link"):
        read_file(tmp_path / "link", limit=9)


@pytest.mark.parametrize("change", [b"more", b"othe"])
def test_a_file_that_changes_while_it_is_read_is_noticed(change, tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_file(path, b"text")
    fstat, calls = os.fstat, []

    def meanwhile(handle):
        calls.append(handle)
        if len(calls) == 2:
            with open(path, "ab" if change == b"more" else "r+b") as file:
                file.write(change)
        return fstat(handle)

    monkeypatch.setattr(os, "fstat", meanwhile)
    with pytest.raises(UnsafeFile, match="changed while it was read"):
        read_file(path, limit=9)


def test_standard_input_has_a_limit(tmp_path, monkeypatch):
    write_file(tmp_path / "file", b"12345")
    for limit in (5, 4):
        handle = os.open(tmp_path / "file", os.O_RDONLY)
        monkeypatch.setattr("builtins.open", lambda *_, handle=handle, **__: os.fdopen(handle, "rb"))
        if limit == 5:
            assert read_stream("-", limit=limit) == b"12345"
        else:
            with pytest.raises(UnsafeFile, match="more than the 4 bytes"):
                read_stream("-", limit=limit)


def test_a_lock_lets_one_through_at_a_time(tmp_path):
    inside, most = [], []

    def enter():
        with locked(tmp_path):
            inside.append(1)
            most.append(len(inside))
            threading.Event().wait(0.005)
            inside.pop()

    threads = [threading.Thread(target=enter) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 8 and max(most) == 1


def test_temporary_names_cannot_be_guessed(tmp_path, monkeypatch):
    seen = []
    opened = os.open
    monkeypatch.setattr(os, "open", lambda path, *rest: seen.append(str(path)) or opened(path, *rest))
    for _ in range(2):
        write_file(tmp_path / "file", b"")
    names = {name for path in seen if (name := os.path.basename(path)).endswith(".tmp")}
    assert len(names) == 2 and all(re.fullmatch(r"\.[0-9a-f]{32}\.tmp", name) for name in names)
