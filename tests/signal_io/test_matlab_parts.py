"""Tests of :mod:`deepvanet.signal_io.matlab_parts`."""

import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from deepvanet.schema import UserError
from deepvanet.signal_io import matlab_parts
from deepvanet.signal_io.matlab_arrays import load_variables
from deepvanet.signal_io.matlab_parts import count_cells, load_part
from small_amigos import pack

HEADER = b"MATLAB 5.0 MAT-file, by a stranger".ljust(124) + b"\x00\x01IM"
RNG = np.random.default_rng(0)
PEOPLE = [
    {
        "Age": "22",
        "EEG": {"stimuli": pack([RNG.normal(size=(30 + k, 3)), np.ones((1, 2))]).T},
        "few": np.array([[1, 2, 3]], dtype="u1"),
        "none": np.empty((0, 0)),
    }
    for k in range(4)
]
COMPRESSED = pytest.mark.parametrize("compressed", [True, False])


def write(path, *, compressed=True):
    held = {"other": np.ones((3, 3)), "IT": {"Data": pack(PEOPLE), "n": 4.0}}
    savemat(path, held, do_compression=compressed)
    return path


@COMPRESSED
@pytest.mark.parametrize("place", range(4))
def test_a_part_is_what_scipy_reads_there(tmp_path, compressed, place):
    path = write(tmp_path / "a.mat", compressed=compressed)

    part = load_part(path, "IT", ["Data", place])

    wanted = loadmat(path)["IT"][0, 0]["Data"][0, place][0, 0]
    assert list(part) == list(wanted.dtype.names) == ["Age", "EEG", "few", "none"]
    assert part["Age"] == wanted["Age"][0] == "22"
    stimuli = wanted["EEG"][0, 0]["stimuli"]
    assert len(part["EEG"]["stimuli"]) == len(stimuli)
    for found, cell in zip(part["EEG"]["stimuli"], stimuli[:, 0], strict=True):
        np.testing.assert_array_equal(found, cell)
    np.testing.assert_array_equal(part["few"], wanted["few"])
    assert not part["none"].size


@COMPRESSED
def test_cells_are_counted_and_what_lies_behind_a_part_is_found(tmp_path, compressed):
    path = write(tmp_path / "a.mat", compressed=compressed)

    assert count_cells(path, "IT", ["Data"]) == 4
    assert load_part(path, "IT", ["n"]) == 4.0
    assert load_part(path, "IT", ["Data", 2, "EEG", "stimuli", 0]).shape == (32, 3)


@pytest.mark.parametrize(
    ("name", "steps", "message"),
    [
        ("it", ["Data"], "its variable it is missing, got other, IT"),
        ("IT", ["data"], "its field data is missing, got Data, n"),
        ("IT", ["Data", 4], "it has no cell 5"),
        ("IT", ["Data", "Age"], "it has no struct that could hold Age"),
        ("IT", ["n", 0], "it has no cell 1"),
        ("other", ["n"], "it has no struct that could hold n"),
    ],
)
def test_a_part_that_is_not_there_is_named(tmp_path, name, steps, message):
    path = write(tmp_path / "a.mat")

    with pytest.raises(UserError, match=message) as caught:
        load_part(path, name, steps)

    assert str(caught.value).startswith(f"{path}: not a MATLAB file that can be read: ")


def test_what_has_no_cells_is_not_counted(tmp_path):
    with pytest.raises(UserError, match=r"IT\.n is no cell array"):
        count_cells(write(tmp_path / "a.mat"), "IT", ["n"])


def test_a_struct_is_still_refused_where_none_is_asked_for(tmp_path):
    with pytest.raises(UserError, match="it holds a struct"):
        load_variables(write(tmp_path / "a.mat"), ["IT"])


def test_one_part_is_in_memory_not_the_file(tmp_path):
    people = [{"x": np.arange(2.0**16) * k} for k in range(24)]
    path = tmp_path / "a.mat"
    savemat(path, {"IT": {"Data": pack(people)}}, do_compression=True)

    tracemalloc.start()
    part = load_part(path, "IT", ["Data", 23])
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert part["x"][0, 1] == 23
    assert most < 4 * 2**20 < 24 * 2**19


# --- files of strangers


def element(kind, content):
    return struct.pack("<II", kind, len(content)) + content + bytes(-len(content) % 8)


def matrix(kind, shape, content, *, name=b"IT", length=None):
    head = element(6, struct.pack("<II", kind, 0))
    head += element(5, struct.pack(f"<{len(shape)}i", *shape)) + element(1, name)
    whole = head + content
    return struct.pack("<II", 14, len(whole) if length is None else length) + whole


def fields(*names, step=8):
    text = b"".join(name.ljust(step, b"\0") for name in names)
    return struct.pack("<HHi", 5, 4, step) + element(1, text)


ONE = matrix(6, (1, 1), element(9, bytes(8)), name=b"")
ENDLESS = matrix(6, (1, 1), b"", name=b"", length=2**32 - 16)
HOSTILE = {
    "several structs": (matrix(2, (2, 2), fields(b"x") + ONE * 4), "several structs"),
    "many cells": (
        matrix(2, (1, 1), fields(b"x") + matrix(1, (2**15, 2**15), ONE, name=b"")),
        "1073741824 cells",
    ),
    "two fields of one name": (matrix(2, (1, 1), fields(b"x", b"x")), "have one name"),
    "names without a length": (
        matrix(2, (1, 1), struct.pack("<HHi", 5, 4, 0) + element(1, b"x")),
        "names of its fields cannot be read",
    ),
    "names of a negative length": (
        matrix(2, (1, 1), struct.pack("<HHi", 5, 4, -1) + element(1, b"x")),
        "names of its fields cannot be read",
    ),
    "many fields": (
        matrix(2, (1, 1), fields(*[b"%d" % k for k in range(101)])),
        "names of its fields cannot be read",
    ),
    "long names": (
        matrix(2, (1, 1), struct.pack("<HHi", 5, 4, 8) + struct.pack("<II", 1, 2**31)),
        "names or sizes cannot be read",
    ),
    "a field that is passed over without end": (
        matrix(2, (1, 1), fields(b"a", b"x") + ENDLESS),
        "breaks off",
    ),
    "a field that is no array": (
        matrix(2, (1, 1), fields(b"a", b"x") + element(9, bytes(8))),
        "a cell is no array",
    ),
    "a part that is longer than the file": (
        matrix(2, (1, 1), fields(b"x") + matrix(1, (1, 1), ENDLESS, name=b"")),
        "breaks off|too large",
    ),
    "many axes": (matrix(2, (1,) * 9, fields(b"x")), "what is no table"),
    "no variable": (element(9, bytes(8)), "what is no variable"),
    "a few bytes": (b"abc", "breaks off"),
    "not packed": (struct.pack("<II", 15, 9) + b"not zlib!", "is damaged"),
    "packed nothing": (struct.pack("<II", 15, 8) + zlib.compress(b""), "breaks off"),
    "nothing": (b"", "its variable IT is missing, got none"),
}


@pytest.mark.parametrize(("content", "message"), HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_struct_of_arrays_is_refused_in_a_sentence(
    tmp_path, content, message
):
    path = tmp_path / "a.mat"
    path.write_bytes(HEADER + content)

    with pytest.raises(UserError, match=message) as caught:
        load_part(path, "IT", ["x", 0])

    assert "\n" not in str(caught.value)


def test_what_unpacks_without_end_takes_little_memory(tmp_path):
    packer = zlib.compressobj(9)
    packed = packer.compress(
        matrix(2, (1, 1), fields(b"a", b"x") + ENDLESS) + bytes(64 * 2**20)
    )
    packed += packer.flush()
    path = tmp_path / "a.mat"
    path.write_bytes(HEADER + struct.pack("<II", 15, len(packed)) + packed)

    tracemalloc.start()
    with pytest.raises(UserError, match="breaks off"):
        load_part(path, "IT", ["x"])
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert most < 8 * 2**20


def test_a_part_that_is_too_large_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(matlab_parts, "LARGEST_PART", 100)

    with pytest.raises(UserError, match="is too large"):
        load_part(write(tmp_path / "a.mat"), "IT", ["Data", 0])


@COMPRESSED
def test_damage_anywhere_gives_values_or_one_sentence(tmp_path, compressed):
    content = write(tmp_path / "a.mat", compressed=compressed).read_bytes()
    path = tmp_path / "b.mat"
    rng = np.random.default_rng(1)
    sentences = []
    for _ in range(200):
        damaged = bytearray(content[: rng.integers(100, len(content) + 1)])
        for _ in range(rng.integers(0, 4)):
            damaged[rng.integers(0, len(damaged))] = rng.integers(0, 256)
        path.write_bytes(damaged)
        try:
            load_part(path, "IT", ["Data", 3])
        except UserError as error:
            sentences.append(str(error))

    assert len(sentences) > 50
    assert not any("\n" in sentence for sentence in sentences)


def test_a_file_that_is_absent_is_the_user_s(tmp_path):
    with pytest.raises(UserError, match=r"a\.mat: cannot be read: No such file"):
        load_part(tmp_path / "a.mat", "IT", [])
