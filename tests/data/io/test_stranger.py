"""A table from a stranger: read, or refused in one sentence; never a crash, a hang, or more memory than it may take."""

import contextlib
import gzip
import io
import json
import os
import subprocess
import sys
import threading
import time

import pyarrow as pa
import pyarrow.csv
import pyarrow.ipc
import pyarrow.json
import pyarrow.parquet as pq
import pytest

from goodfit import DataError
from goodfit.data.io import files
from goodfit.data.io.files import read_source
from goodfit.data.io.json_depth import MAX_DEPTH, validate_depth
from goodfit.data.io.text import validate_width
from goodfit.data.table import read_table

posix = pytest.mark.skipif(os.name != "posix", reason="pipes, devices and links of POSIX")


def file(folder, content, name="table"):
    path = folder / name
    path.write_bytes(content)
    return path


def refusal(path, match):
    with pytest.raises(DataError, match=match) as error:
        read_table(path)
    assert "\n" not in str(error.value)


# --- Arrow -----------------------------------------------------------------------------------------------------------


def arrow_file(table, change=None, kind=pyarrow.ipc.new_file):
    sink = io.BytesIO()
    with kind(sink, table.schema) as writer:
        writer.write_table(table)
    content = bytearray(sink.getvalue())
    if change is not None:
        old, new = change
        assert content.count(old) == 1
        content[content.index(old) : content.index(old) + len(old)] = new
    return bytes(content)


def offsets(*numbers):
    return b"".join(number.to_bytes(4, "little", signed=True) for number in numbers)


@pytest.mark.parametrize("kind", [pyarrow.ipc.new_file, pyarrow.ipc.new_stream])
@pytest.mark.parametrize("wrong", [(0, 3, 7, 2**31 - 1), (0, 3, -5, 9), (0, 7, 3, 9)])
def test_arrow_text_whose_offsets_lead_out_of_the_file_is_refused(kind, wrong, tmp_path):
    """Without the validation, reading such a text ends in a segmentation fault."""
    table = pa.table({"word": ["abc", "defg", "hi"], "y": [1.0, 2.0, 3.0]})
    read_table(file(tmp_path, arrow_file(table, kind=kind)))
    refusal(file(tmp_path, arrow_file(table, (offsets(0, 3, 7, 9), offsets(*wrong)), kind)), "cannot be read")


def test_arrow_text_that_is_no_utf8_is_refused(tmp_path):
    table = pa.table({"word": ["abc", "defg", "hi"], "y": [1.0, 2.0, 3.0]})
    refusal(file(tmp_path, arrow_file(table, (b"abcdefghi", b"abc\xff\xfe\xfdghi"))), "cannot be read")


def test_arrow_codes_beyond_their_dictionary_are_refused(tmp_path):
    table = pa.table({"class": pa.array(["x", "y", "x", "y"] * 4).dictionary_encode()})
    refusal(file(tmp_path, arrow_file(table, (offsets(*[0, 1] * 8), offsets(*[0, 99] * 8)))), "cannot be read")


# --- JSON, CSV and the patterns that tell formats apart --------------------------------------------------------------


@pytest.mark.parametrize(
    "line", ['{"a":' * 10_000, '{"a":' + "[" * 10_000, '{"a":[\n' * 10_000, '{"a":"]]]]","b":' * 9_999]
)
def test_json_that_is_nested_deep_is_refused_before_arrow_sees_it(line, tmp_path):
    refusal(file(tmp_path, line.encode()), "nested more than 64 deep")


def test_the_depth_of_json_does_not_count_what_is_in_texts(tmp_path):
    for inside in ("[" * 999, '\\"[' * 999, "\\\\"):
        validate_depth(b'{"a": "%s", "b": [1]}\n' % inside.encode() * 3, "x")
    deepest = b'{"a": ' + b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1) + b"}"
    validate_depth(deepest, "x")
    with pytest.raises(DataError):
        validate_depth(b'{"a":["' + b"]" * 99 + b'"],"b":' + deepest + b"}", "x")


@pytest.mark.parametrize(
    "content",
    [
        b"%a\n\n" * 40,
        b"%a\n\n" * 40 + b"@relations",
        b" " * 100_000 + b"x",
        b"\n \n" * 50_000 + b"@rel",
        b'"' * 100_001 + b"\n1",
        b"a,b\n" + b"1" * 1_000_000 + b"x,2\n",
        b"a,b\n" + b"+" * 100_000 + b",2\n",
        b"a,b\n" + b"1:" * 100_000 + b"!,2\n",
    ],
)
def test_no_text_makes_a_pattern_slow(content, tmp_path):
    """The first is a CSV of 160 bytes that took longer than a day."""
    began = time.perf_counter()
    with contextlib.suppress(DataError):
        read_table(file(tmp_path, content))
    assert time.perf_counter() - began < 3


def wide_arrow():
    sink = pa.BufferOutputStream()
    table = pa.table([pa.array([1])] * 51, names=[f"c{i}" for i in range(51)])
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize(
    "content",
    [
        b"\n" + b"," * 50 + b"\n",
        b"," * 50,
        b";".join(b"%d" % i for i in range(51)) + b"\n" + b"1;" * 50 + b"1\n",
        json.dumps({f"c{i}": i for i in range(51)}).encode() + b"\n",
        wide_arrow(),
    ],
    ids=["empty line first", "one line", "text", "JSON lines", "Arrow"],
)
def test_more_columns_than_are_read_are_refused(content, tmp_path, monkeypatch):
    monkeypatch.setitem(validate_width.__kwdefaults__, "largest", 50)
    refusal(file(tmp_path, content), "has 51 columns, more than the 50 that are read")


def test_a_line_of_20_million_cells_takes_no_time(tmp_path):
    path = file(tmp_path, b"," * 20_000_000 + b"\n1\n")
    began = time.process_time()
    refusal(path, "has 20,000,001 columns, more than the 200,000 that are read")
    assert time.process_time() - began < 2


def test_an_arff_file_behind_comments_is_still_known(tmp_path):
    refusal(file(tmp_path, b"% weather\n  % of 1990\n\n@RELATION weather\n"), "is an ARFF file")


def test_a_header_cell_of_200_kb_is_named(tmp_path):
    refusal(file(tmp_path, b"a" * 200_000 + b",b\n1,2\n"), r"a cell in the first line has more than 131,072 characters")


def test_a_cell_of_200_kb_below_it_is_read(tmp_path):
    table = read_table(file(tmp_path, b"a,b\n" + b"x" * 200_000 + b",2\nc,3\n"))
    assert (table.n_rows, table.names) == (2, ["a", "b"])


# --- sizes -----------------------------------------------------------------------------------------------------------


def test_a_gzip_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_SMALL", 1 << 20)
    refusal(file(tmp_path, gzip.compress(b"a,b\n" + b"1,2\n" * 2_000_000)), "becomes too large when it is unpacked")
    read_table(file(tmp_path, gzip.compress(b"a,b\n" + b"1,2\n" * 200_000)))


def test_a_parquet_file_of_few_bytes_and_many_rows_is_refused(tmp_path):
    """2³⁰ rows of nothing take a few megabytes."""
    schema = pa.schema([("a", pa.null()), ("b", pa.null())])
    block = pa.table({name: pa.nulls(1 << 22) for name in schema.names}, schema)
    with pq.ParquetWriter(tmp_path / "table", schema) as writer:
        for _ in range(16):
            writer.write_table(block)
    assert (tmp_path / "table").stat().st_size < 400_000
    refusal(tmp_path / "table", "becomes too large when it is unpacked")


@posix
@pytest.mark.parametrize("kind", ["pipe", "device", "link to a device", "sparse"])
def test_only_regular_files_are_read(kind, tmp_path):
    path = tmp_path / "table.csv"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "sparse":
        with open(path, "wb") as sparse:
            sparse.truncate(1 << 43)
    elif kind == "link to a device":
        path.symlink_to("/dev/zero")
    done = []
    name = "/dev/zero" if kind == "device" else path
    match = "is no regular file|more than"
    thread = threading.Thread(target=lambda: done.append(refusal(name, match)), daemon=True)
    thread.start()
    thread.join(20)
    assert done == [None]


@posix
@pytest.mark.parametrize("name", ["-", "/dev/stdin", "/dev/fd/{}", "/proc/self/fd/{}"])
def test_a_stream_that_the_caller_opened_is_read_once(name):
    reading, writing = os.pipe()
    os.write(writing, b"a,b\n1,2\n3,4\n")
    os.close(writing)
    code = f"import goodfit.data.table as t; print(t.read_table({name.format(reading)!r}).n_rows)"
    done = subprocess.run(
        [sys.executable, "-c", code], stdin=reading, pass_fds=[reading], capture_output=True, text=True
    )
    os.close(reading)
    assert done.stdout == "2\n", done.stderr


def test_a_stream_that_nobody_opened_is_named():
    refusal("/dev/fd/987654", "'/dev/fd/987654' cannot be read")


def test_a_source_knows_size_and_hash_of_its_file(tmp_path):
    path = file(tmp_path, b"a,b\n1,2\n3,4\n")
    mark = read_source(path).file
    assert mark.size == 12 and len(mark.sha256) == 64
    assert read_source(path, expected=mark).columns.num_rows == 2
    path.write_bytes(b"a,b\n1,2\n3,5\n")
    with pytest.raises(DataError, match="has changed since the training"):
        read_source(path, expected=mark)


@pytest.mark.parametrize("content", [b"a,b\n1,2\n", b'{"a": 1}\n'])
def test_no_thread_of_arrow_outlives_the_reading(content, tmp_path, monkeypatch):
    """Arrow's threads may still run when the program ends, which then aborts with status 134 now and then."""
    seen = []
    for module, name in ((pyarrow.csv, "read_csv"), (pyarrow.json, "read_json")):
        read = getattr(module, name)
        monkeypatch.setattr(
            module, name, lambda source, options, *rest, read=read: seen.append(options) or read(source, options, *rest)
        )
    read_table(file(tmp_path, content))
    (options,) = seen
    assert not options.use_threads


@pytest.mark.parametrize("name", ["t.csv", "t.parquet", "t.jsonl"])
def test_a_table_larger_than_a_quarter_of_the_memory_is_refused_with_both_numbers(name, tmp_path, monkeypatch):
    (tmp_path / name).write_bytes(b"x" * 1001)
    monkeypatch.setattr("goodfit.data.io.files.memory", lambda: 4000)
    with pytest.raises(DataError, match=r"has 1,001 bytes, more than the 1,000 that are read"):
        read_table(tmp_path / name)
