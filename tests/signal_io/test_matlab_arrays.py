"""Tests of :mod:`deepvanet.signal_io.matlab_arrays`."""

import io
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from scipy.io import loadmat, savemat
from scipy.sparse import eye_array

from deepvanet.schema import UserError
from deepvanet.signal_io import matlab_arrays as _matfile
from deepvanet.signal_io.matlab_arrays import load_variables
from small_amigos import pack, write_mat

RNG = np.random.default_rng(0)
TYPES = ["f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"]
ARRAYS = {
    **{f"of_{kind}": (50 * RNG.random((3, 4))).astype(kind) for kind in TYPES},
    "row": RNG.normal(size=(1, 7)),
    "one": np.array([[2.5]]),
    "few": np.array([[1, 2, 3]], dtype="u1"),
    "none": np.empty((0, 0)),
    "flags": np.array([[True, False]]),
    "small": np.arange(6.0).reshape(2, 3),
}
COMPRESSED = pytest.mark.parametrize("compressed", [True, False])


def load_one(path, name="it"):
    return load_variables(path, [name])[name]


@COMPRESSED
def test_numbers_load_as_scipy_loads_them(tmp_path, compressed):
    path = write_mat(tmp_path / "a.mat", ARRAYS, compressed=compressed)

    loaded = load_variables(path, list(ARRAYS))

    by_scipy = loadmat(path)
    assert loaded.keys() == ARRAYS.keys()
    for name, array in loaded.items():
        np.testing.assert_array_equal(array, by_scipy[name])
        assert array.dtype.kind == by_scipy[name].dtype.kind


@COMPRESSED
def test_cells_of_numbers_and_text_load_as_scipy_loads_them(tmp_path, compressed):
    items = ["10", "N1", "Ünï €", "", RNG.normal(size=(200, 17)), np.empty((0, 0))]
    path = write_mat(tmp_path / "a.mat", {"it": pack(items)}, compressed=compressed)

    loaded = load_one(path)

    by_scipy = loadmat(path)["it"][0]
    assert len(loaded) == len(by_scipy) == len(items)
    for found, wanted in zip(loaded[:3], by_scipy, strict=False):
        assert found == wanted.item()
    np.testing.assert_array_equal(loaded[4], by_scipy[4])
    assert not len(loaded[3])
    assert not loaded[5].size


def test_cells_lie_in_matlab_s_order(tmp_path):
    cells = np.array([["a", "b"], ["c", "d"]], dtype=object)

    loaded = load_one(write_mat(tmp_path / "a.mat", {"it": cells}))

    assert loaded == ["a", "c", "b", "d"]


def test_cells_in_cells_load(tmp_path):
    path = write_mat(tmp_path / "a.mat", {"it": pack([pack(["a", "b"]), "c"])})

    assert load_one(path) == [["a", "b"], "c"]


def test_what_nobody_asks_for_is_not_read(tmp_path):
    variables = {"other": {"field": 1.0}, "it": np.ones((1, 2)), "more": eye_array(2)}

    path = write_mat(tmp_path / "a.mat", variables)

    assert list(load_variables(path, ["it", "absent"])) == ["it"]


def test_loaded_arrays_cannot_be_written_to(tmp_path):
    array = load_one(write_mat(tmp_path / "a.mat", {"it": np.ones((2, 2))}))

    with pytest.raises(ValueError, match="read-only"):
        array[0] = 1


# --- files of strangers


def element(kind: int, content: bytes) -> bytes:
    """Return an element with its tag and its padding."""
    return struct.pack("<II", kind, len(content)) + content + bytes(-len(content) % 8)


def matrix(kind: int, shape: tuple[int, ...], content: bytes, *, flags: int = 0):
    """Return a variable called ``it``."""
    head = element(6, struct.pack("<II", kind | flags, 0))
    sizes = element(5, struct.pack(f"<{len(shape)}i", *shape))
    return element(14, head + sizes + element(1, b"it") + content)


HEADER = b"MATLAB 5.0 MAT-file, by a stranger".ljust(124) + b"\x00\x01IM"
DOUBLES = element(9, np.ones(2).tobytes())
EMPTY = element(14, b"")


def nest(depth: int) -> bytes:
    """Return cells within cells."""
    content = matrix(6, (1, 2), DOUBLES)
    for _ in range(depth):
        content = matrix(1, (1, 1), content)
    return content


HOSTILE = {
    "cells too deep": (nest(2000), "cells too deep within others"),
    "cells that are not there": (
        matrix(1, (2**15, 2**15), EMPTY),
        "1073741824 cells in one array",
    ),
    "fewer cells": (matrix(1, (1, 9), EMPTY), "breaks off"),
    "numbers in cells": (matrix(1, (1, 1), DOUBLES), "a cell is no array"),
    "fewer numbers": (matrix(6, (2**31 - 1, 2**31 - 1), DOUBLES), "more or fewer"),
    "negative": (matrix(6, (-1, 2), DOUBLES), "what is no table"),
    "many axes": (matrix(6, (1,) * 99, DOUBLES), "what is no table"),
    "no shape": (matrix(6, (), DOUBLES), "what is no table"),
    "complex": (matrix(6, (1, 2), DOUBLES * 2, flags=0x800), "complex numbers"),
    "text": (matrix(4, (1, 2), element(18, b"ab")), "a text is in no known code"),
    "not utf-8": (matrix(4, (1, 2), element(16, b"\xff\xfe")), "no known code"),
    "struct": (matrix(2, (1, 1), DOUBLES), "a struct"),
    "object": (matrix(3, (1, 1), DOUBLES), "an object"),
    "sparse": (matrix(5, (1, 1), DOUBLES), "a sparse matrix"),
    "function": (matrix(16, (1, 1), DOUBLES), "a function"),
    "unknown": (matrix(77, (1, 1), DOUBLES), "neither number nor text"),
    "long": (struct.pack("<II", 14, 2**32 - 1), "breaks off"),
    "long and small": (struct.pack("<HHI", 14, 99, 0), "breaks off"),
    "no variable": (element(9, bytes(8)), "what is no variable"),
    "a few bytes": (b"abc", "breaks off"),
    "not packed": (struct.pack("<II", 15, 9) + b"not zlib!", "is damaged"),
    "packed nothing": (struct.pack("<II", 15, 8) + zlib.compress(b""), "breaks off"),
}


@pytest.mark.parametrize(("content", "message"), HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_table_text_or_cell_is_refused_in_a_sentence(
    tmp_path, content, message
):
    path = tmp_path / "a.mat"
    path.write_bytes(HEADER + content)

    with pytest.raises(UserError, match=message) as caught:
        load_one(path)

    assert str(caught.value).startswith(f"{path}: not a MATLAB file that can be read: ")
    assert "\n" not in str(caught.value)


def test_what_unpacks_without_end_is_refused_in_little_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(_matfile, "LARGEST", 2**20)
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(2**20)) for _ in range(64))
    packed += packer.flush()
    path = tmp_path / "a.mat"
    path.write_bytes(HEADER + struct.pack("<II", 15, len(packed)) + packed)

    tracemalloc.start()
    with pytest.raises(UserError, match="it unpacks to more than"):
        load_one(path)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert most < 8 * 2**20


def test_several_variables_share_what_may_be_unpacked(tmp_path, monkeypatch):
    variables = {"other": np.zeros((300, 300)), "it": np.zeros((300, 300))}
    path = write_mat(tmp_path / "a.mat", variables)
    assert load_one(path).shape == (300, 300)
    monkeypatch.setattr(_matfile, "LARGEST", 2**20)

    with pytest.raises(UserError, match="it unpacks to more than"):
        load_one(path)


def test_a_file_that_is_too_large_is_not_opened(tmp_path, monkeypatch):
    path = write_mat(tmp_path / "a.mat", {"it": np.zeros((300, 300))})
    monkeypatch.setattr(_matfile, "LARGEST", 100)

    with pytest.raises(UserError, match="it is larger than"):
        load_one(path)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (b"MATLAB 7.3 MAT-file".ljust(128), "of version 7.3, save it as version 7"),
        (b"\x00" * 128, "does not begin as one of version 5 to 7"),
        (b"MATLAB 5.0", "does not begin as one of version 5 to 7"),
        (HEADER[:-2] + b"MI", "not little-endian"),
    ],
)
def test_another_kind_of_file_is_refused(tmp_path, header, message):
    path = tmp_path / "a.mat"
    path.write_bytes(header)

    with pytest.raises(UserError, match=message):
        load_one(path)


def test_a_file_that_is_absent_is_the_user_s(tmp_path):
    with pytest.raises(UserError, match=r"a\.mat: cannot be read: No such file"):
        load_one(tmp_path / "a.mat")


@COMPRESSED
def test_damage_anywhere_gives_values_or_one_sentence(tmp_path, compressed):
    items = ["10", np.arange(4.0)[None], pack(["N1"])]
    whole = io.BytesIO()
    variables = {"it": pack(items), "x": np.ones((2, 2))}
    savemat(whole, variables, do_compression=compressed)
    content = whole.getvalue()
    path = tmp_path / "a.mat"
    rng = np.random.default_rng(1)
    sentences = []
    for _ in range(400):
        damaged = bytearray(content[: rng.integers(100, len(content) + 1)])
        for _ in range(rng.integers(0, 4)):
            damaged[rng.integers(0, len(damaged))] = rng.integers(0, 256)
        path.write_bytes(damaged)
        try:
            load_variables(path, ["it", "x"])
        except UserError as error:
            sentences.append(str(error))

    assert len(sentences) > 100
    assert not any("\n" in sentence for sentence in sentences)
