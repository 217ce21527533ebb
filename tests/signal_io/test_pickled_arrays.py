"""Tests of :mod:`deepvanet.signal_io.pickled_arrays`."""

import io
import os
import pickle
import pickletools
import resource
import struct
import subprocess
import sys
from collections import OrderedDict

import numpy as np
import pytest

from deepvanet.schema import UserError
from deepvanet.signal_io.pickled_arrays import load_arrays, load_tree
from small_deap import pickle_as_python_2
from small_wesad import pickle_in_protocol_0

RNG = np.random.default_rng(0)
ARRAYS = {
    "data": RNG.normal(size=(2, 3, 5)),
    "labels": RNG.uniform(1, 9, size=(2, 4)).astype("f4"),
    "columns": np.asfortranarray(RNG.normal(size=(3, 4))),
    "swapped": RNG.normal(size=(3, 2)).astype(">f8"),
    "counts": np.arange(6, dtype="i2").reshape(2, 3),
}
MAKE = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tU\x01btR"
FLOAT64 = (
    b"(cnumpy\ndtype\n(U\x02f8K\x00K\x01tR(K\x03U\x01<NNNJ\xff\xff\xff\xff"
    b"J\xff\xff\xff\xffK\x00tb"
)


@pytest.fixture
def load(tmp_path):
    """Load a pickle given as bytes."""

    def load_bytes(stream: bytes):
        path = tmp_path / "s01.dat"
        path.write_bytes(stream)
        return load_arrays(path)

    return load_bytes


def in_dict(item: bytes) -> bytes:
    """Return a pickle of a dict that holds what ``item`` builds."""
    return b"\x80\x02}U\x04data" + item + b"s."


def full_array(dtype: bytes = FLOAT64[1:], shape: bytes = b"K\x01", n_bytes: int = 8):
    """Return the opcodes of an array as Python 2 wrote them."""
    raw = b"T" + struct.pack("<i", n_bytes) + bytes(n_bytes)
    return MAKE + b"(K\x01(" + shape + b"t" + dtype + b"\x89" + raw + b"tb"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_python_3_pickles_load_as_pickle_loads_them(load, protocol):
    loaded = load(pickle.dumps(ARRAYS, protocol=protocol))

    assert list(loaded) == list(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(loaded[name], array)
        assert loaded[name].dtype == array.dtype.newbyteorder("=")


def test_python_2_pickles_load_as_pickle_loads_them(load):
    stream = pickle_as_python_2(ARRAYS)

    loaded = load(stream)

    for name, array in pickle.loads(stream, encoding="latin1").items():
        np.testing.assert_array_equal(loaded[name], array)


def test_loaded_arrays_cannot_be_written_to(load):
    array = load(pickle_as_python_2(ARRAYS))["data"]

    with pytest.raises(ValueError, match="read-only"):
        array[0] = 1


TREE = {
    "signal": {"chest": {"ACC": ARRAYS["columns"].copy(), "few": ARRAYS["labels"]}},
    "label": ARRAYS["counts"].astype("i4"),
    "odd": np.frombuffer(b"a'b\"\\\n\r\t\x00\xff", "u1"),
    "subject": "S2",
}


def compare_trees(found, wanted):
    """Compare dicts of arrays, text and dicts."""
    assert list(found) == list(wanted)
    for name, item in wanted.items():
        if isinstance(item, dict):
            compare_trees(found[name], item)
        else:
            np.testing.assert_array_equal(found[name], item)


@pytest.fixture
def load_nested(tmp_path):
    """Load a pickle of nested dicts given as bytes."""

    def load_bytes(stream: bytes):
        path = tmp_path / "S2.pkl"
        path.write_bytes(stream)
        return load_tree(path)

    return load_bytes


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_nested_dicts_load_as_pickle_loads_them(load_nested, protocol):
    compare_trees(load_nested(pickle.dumps(TREE, protocol=protocol)), TREE)


def test_nested_dicts_of_python_2_load_as_pickle_loads_them(load_nested):
    stream = pickle_in_protocol_0(TREE)

    compare_trees(load_nested(stream), TREE)
    compare_trees(pickle.loads(stream, encoding="latin1"), TREE)


HOSTILE_TREES = {
    "dicts that are too deep": (
        pickle.dumps({"a": {"b": {"c": {"d": ARRAYS["counts"]}}}}),
        "too deep within others",
    ),
    "a dict that holds itself": (b"}q\x00U\x01ah\x00s.", "stands in two places"),
    "a dict in two places": (b"}(U\x01a}q\x00U\x01bh\x00u.", "stands in two places"),
    "a number": (pickle.dumps({"a": {"b": 3}}), "item 'b' is not an array"),
    "bytes": (pickle.dumps({"a": b"x"}, protocol=4), "item 'a' is not an array"),
    "nothing": (pickle.dumps({"a": None}), "item 'a' is not an array"),
    "a name": (in_dict(b"cnumpy\nndarray\n"), "item 'data' is not an array"),
    "an array without contents": (in_dict(MAKE), "item 'data' is not an array"),
    "no dict": (pickle.dumps("S2"), "holds no dict"),
    "a list": (pickle.dumps({"a": [1]}), "refused the opcode"),
    "a string without quotes": (b"(dSab\n.", "no quotes around it"),
    "a string that begins only": (b"(dS'\n.", "no quotes around it"),
    "a string that ends otherwise": (b"(dS'ab\"\n.", "no quotes around it"),
    "an escape that is none": (b"(dS'\\x0'\n.", "escape"),
    "a command": (
        b"(dS'a'\ncposix\nsystem\n(S'true'\ntRs.",
        "refused to load 'posix.system'",
    ),
}


@pytest.mark.parametrize(
    ("stream", "message"), HOSTILE_TREES.values(), ids=HOSTILE_TREES.keys()
)
def test_what_is_no_tree_of_arrays_is_refused_with_its_reason(
    load_nested, stream, message
):
    with pytest.raises(UserError, match=rf"not a pickle of arrays: .*{message}"):
        load_nested(stream)


class _Runs:
    """Run a command when unpickled."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle_that_would_run_a_command_runs_nothing(load, tmp_path, protocol):
    marker = tmp_path / "ran"

    with pytest.raises(UserError, match=r"refused to load '(posix|nt).system'"):
        load(pickle.dumps({**ARRAYS, "more": _Runs(marker)}, protocol=protocol))
    assert not marker.exists()


HOSTILE = {
    "a builtin": (pickle.dumps({"data": print}), "refused to load 'builtins.print'"),
    "the right name in the wrong place": (
        in_dict(b"cnumpy.core.multiarray\nndarray\n"),
        "refused to load 'numpy.core.multiarray.ndarray'",
    ),
    "a dotted name": (
        in_dict(b"cnumpy\nndarray.tofile\n"),
        "refused to load 'numpy.ndarray.tofile'",
    ),
    "a name from numbers": (
        in_dict(b"K\x01K\x02\x93"),
        "refused a name of type int",
    ),
    "objects in an array": (
        pickle.dumps({"data": np.array([{}, []], dtype=object)}),
        "refused the dtype 'O8'",
    ),
    "fields in an array": (
        pickle.dumps({"data": np.zeros(2, dtype=[("a", "f8")])}),
        "refused the dtype 'V8'",
    ),
    "text in an array": (
        pickle.dumps({"data": np.array(["a"])}),
        "refused the dtype 'U1'",
    ),
    "a dtype from a field list": (
        in_dict(b"cnumpy\ndtype\n(}K\x00K\x01tR"),
        "refused a call",
    ),
    "a dtype with a subtype": (
        in_dict(
            b"cnumpy\ndtype\n(U\x02f8K\x00K\x01tR(K\x03U\x01<U\x01xNNK\x00K\x00K\x00tb"
        ),
        "refused a state",
    ),
    "an array called into being": (
        in_dict(b"cnumpy\nndarray\n(J\xff\xff\xff\x7ftR"),
        "refused a call",
    ),
    "an array made huge and empty": (
        in_dict(
            b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n"
            b"(J\xff\xff\xff\x7ftU\x01btR"
        ),
        "refused a call",
    ),
    "a codec that unpacks": (
        in_dict(b"c_codecs\nencode\n(U\x04xxxxU\x03biztR"),
        "refused a call",
    ),
    "a codec of a number": (
        in_dict(b"c_codecs\nencode\n(K\x07U\x06latin1tR"),
        "refused a call",
    ),
    "a call of what is not a name": (in_dict(b"U\x01x(tR"), "refused a call"),
    "a state of what is not an array": (in_dict(b"U\x01x(tb"), "refused a state"),
    "a name instead of an array": (
        in_dict(b"cnumpy\nndarray\n"),
        "item 'data' is not an array",
    ),
    "an array without contents": (in_dict(MAKE), "item 'data' is not an array"),
    "a number": (pickle.dumps({"data": 3}), "item 'data' is not an array"),
    "no dict": (pickle.dumps(ARRAYS["data"], protocol=2), "holds no dict"),
    "an ordered dict": (
        pickle.dumps(OrderedDict(ARRAYS)),
        "refused to load 'collections.OrderedDict'",
    ),
    "a list": (pickle.dumps([ARRAYS["data"]]), "refused the opcode EMPTY_LIST"),
    "a set": (pickle.dumps({1, 2}), "refused the opcode EMPTY_SET"),
    "a key that is no text": (
        pickle.dumps({1: ARRAYS["data"]}),
        "refused a name of type int",
    ),
    "a key that cannot be hashed": (
        b"\x80\x02}}K\x00s.",
        "refused a name of type dict",
    ),
    "a key without a value": (b"\x80\x02}(U\x01xu.", "not of a dict"),
    "items of what is no dict": (b"\x80\x02K\x01U\x01xK\x01s.", "not of a dict"),
    "a persistent id": (in_dict(b"U\x01xQ"), "refused the opcode BINPERSID"),
    "a text persistent id": (in_dict(b"Px\n"), "refused the opcode PERSID"),
    "an extension code": (in_dict(b"\x82\x01"), "refused the opcode EXT1"),
    "an instance": (in_dict(b"(ios\nsystem\n"), "refused the opcode INST"),
    "an object": (in_dict(b"(cnumpy\nndarray\no"), "refused the opcode OBJ"),
    "a new object": (in_dict(b"cnumpy\nndarray\n(t\x81"), "refused the opcode NEWOBJ"),
    "a buffer from elsewhere": (in_dict(b"\x97"), "refused the opcode NEXT_BUFFER"),
    "a duplicate": (in_dict(b"K\x012"), "refused the opcode DUP"),
    "a memo far away that is not there": (
        in_dict(b"j\xff\xff\xff\x7f"),
        "do not fit together",
    ),
    "more taken than put": (b"\x80\x02\x87.", "do not fit together"),
    "a tuple without a mark": (b"\x80\x02t.", "do not fit together"),
    "nothing at its end": (b"\x80\x02.", "do not fit together"),
    "a text that is longer than the file": (
        in_dict(b"T\xff\xff\xff\x7fabc"),
        "expected 2147483647 bytes",
    ),
    "bytes that are longer than memory": (
        in_dict(b"\x8e" + b"\xff" * 7 + b"\x0fabc"),
        "bytes8",
    ),
    "a shape larger than its data": (
        in_dict(full_array(shape=b"K\x02")),
        r"shape \(2,\) does not fit its 8 bytes",
    ),
    "a huge shape": (
        in_dict(full_array(shape=b"J\xff\xff\xff\x7f")),
        "refused a shape",
    ),
    "a negative shape": (
        in_dict(full_array(shape=b"J\xff\xff\xff\xffJ\xff\xff\xff\xff")),
        "refused a shape",
    ),
    "a shape of nothing": (in_dict(full_array(shape=b"K\x00")), "refused a shape"),
    "more dimensions than arrays have": (
        in_dict(full_array(shape=b"K\x01" * 70)),
        "dimension",
    ),
    "nothing": (b"", "pickle exhausted"),
    "no pickle": (b"MATLAB 5.0 MAT-file", ""),
    "a deep nest": (b"\x80\x02" + b"(" * 500 + b"t" * 400, "pickle exhausted"),
    "very many steps": (b"\x80\x02" + b"N" * 5000 + b".", "more than 2000 opcodes"),
}


@pytest.mark.parametrize(("stream", "message"), HOSTILE.values(), ids=HOSTILE.keys())
def test_what_is_no_dict_of_arrays_is_refused_with_its_reason(load, stream, message):
    with pytest.raises(
        UserError, match=rf"s01\.dat: not a pickle of arrays: .*{message}"
    ):
        load(stream)


def test_missing_file_and_folder_are_named(tmp_path):
    with pytest.raises(UserError, match=r"s01\.dat: cannot be read: No such file"):
        load_arrays(tmp_path / "s01.dat")
    with pytest.raises(UserError, match="cannot be read: Is a directory"):
        load_arrays(tmp_path)


def test_arrays_that_share_their_data_may_not_unfold_without_end(load):
    raw = b"T" + struct.pack("<i", 80_000) + bytes(80_000) + b"q\x00"
    shared = MAKE + b"(K\x01(M\x10\x27t" + FLOAT64[1:] + b"\x89h\x00tb"
    items = b"".join(b"U\x01" + bytes([name]) + shared for name in range(97, 103))
    stream = b"\x80\x02}(U\x03raw" + raw + items + b"u."

    with pytest.raises(UserError, match="unfolds to far more"):
        load(stream)


def test_hostile_lengths_take_no_memory(tmp_path):
    """Under a limit of 1 GiB of addresses, lengths of 2 GiB and more do no harm."""
    streams = [
        in_dict(b"T\xff\xff\xff\x7fabc"),
        in_dict(b"X\xff\xff\xff\xffabc"),
        in_dict(b"\x8e\x00\x00\x00\xff\x00\x00\x00\x00abc"),
        in_dict(b"\x96\x00\x00\x00\xff\x00\x00\x00\x00abc"),
        in_dict(b"Nr\xff\xff\xff\xff"),
        b"\x80\x04\x95\x00\x00\x00\xff\x00\x00\x00\x00}.",
    ]
    for number, stream in enumerate(streams):
        (tmp_path / f"{number}.dat").write_bytes(stream)
    code = (
        "import pathlib, sys\n"
        "from deepvanet.signal_io.pickled_arrays import load_arrays\n"
        "from deepvanet.schema import UserError\n"
        "for path in sorted(pathlib.Path(sys.argv[1]).glob('*.dat')):\n"
        "    try: load_arrays(path)\n"
        "    except UserError: pass\n"
    )
    one_thread = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}

    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        env=os.environ | one_thread,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30)),
        capture_output=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr.decode()


STREAMS = {
    "python 2": pickle_as_python_2(ARRAYS),
    **{f"protocol {n}": pickle.dumps(ARRAYS, protocol=n) for n in (0, 2, 5)},
}


@pytest.mark.slow
@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS.keys())
def test_file_cut_anywhere_is_refused(load, stream):
    for end in range(0, len(stream), 3):
        with pytest.raises(UserError, match="not a pickle of arrays"):
            load(stream[:end])


@pytest.mark.slow
@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS.keys())
def test_damaged_file_is_refused_or_gives_arrays(load, stream):
    rng = np.random.default_rng(0)
    reasons = []
    for _ in range(400):
        damaged = bytearray(stream)
        for place in rng.integers(0, len(stream), size=rng.integers(1, 9)):
            damaged[place] = rng.integers(0, 256)

        check(load, bytes(damaged), reasons)

    assert len(reasons) > 100
    assert max(map(len, reasons)) < 600


def test_opcodes_strung_together_at_random_are_refused_or_give_arrays(load):
    rng = np.random.default_rng(0)
    opcodes = [opcode.code.encode("latin1") for opcode in pickletools.opcodes]
    known = [MAKE, FLOAT64[1:], full_array(), b"U\x04data", b"}", b"(", b"t", b"s"]
    reasons = []
    for _ in range(1000):
        stream = io.BytesIO(b"}")
        for _ in range(rng.integers(1, 12)):
            stream.write(known[rng.integers(len(known))])
            if rng.random() < 0.3:
                stream.write(opcodes[rng.integers(len(opcodes))])
                stream.write(rng.bytes(rng.integers(0, 3)))

        check(load, stream.getvalue() + b".", reasons)

    assert len(set(reasons)) > 20


def check(load, stream, reasons) -> None:
    """Load a stream: an array of numbers or a refusal may come of it."""
    try:
        arrays = load(stream)
    except UserError as error:
        reasons.append(str(error))
        return
    assert all(array.dtype.kind in "fiu" for array in arrays.values())
