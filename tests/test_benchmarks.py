"""The benchmarks measure what they say: each in its smallest form."""

import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from deepvanet.models.feature_fusion import build_network
from deepvanet.schema import BIO, PAPER_STREAMS, Stream
from deepvanet.store import open_store

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import bench  # noqa: E402
import literal  # noqa: E402
import measuring  # noqa: E402
from material import write_full_size_store, write_noise_store  # noqa: E402

NETWORK_SHAPES = {
    Stream.FACE: (5, 3, 64, 64),
    Stream.EEG: (32, 128),
    Stream.PERIPHERAL: (8, 128),
}


def sample_inputs(n_rows, seed=0):
    draw = torch.Generator().manual_seed(seed)
    return {
        stream: torch.rand((n_rows, *shape), generator=draw)
        for stream, shape in NETWORK_SHAPES.items()
    }


def copy_weights(network, yardstick):
    """Give the literal network the weights of the package's."""
    face, bio = network.encoders["face"], network.encoders["bio"]
    memory = face.memory
    weight = torch.cat([memory.from_input.weight, memory.from_hidden.weight], dim=1)
    yardstick.cell.gates.load_state_dict(
        {"weight": weight, "bias": memory.from_input.bias}
    )
    # the package pools before its ReLU, so parts are paired by their kind
    for ours, other in (
        (face.trunk, yardstick.trunk),
        (bio.layers, yardstick.signals),
        (network.head, yardstick.head),
    ):
        pairs = zip(with_weights(ours), with_weights(other), strict=True)
        for mine, its in pairs:
            its.load_state_dict(mine.state_dict())
    yardstick.face.load_state_dict(face.linear.state_dict())
    yardstick.bio.load_state_dict(bio.linear.state_dict())


def with_weights(parts):
    return [part for part in parts if next(part.parameters(), None) is not None]


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def pair():
    torch.manual_seed(0)
    network = build_network(NETWORK_SHAPES).eval()
    yardstick = literal.LiteralNetwork(40).eval()
    copy_weights(network, yardstick)
    return network, yardstick


def test_the_literal_network_computes_what_ours_computes(pair):
    network, yardstick = pair
    inputs = sample_inputs(3)

    ours = network(inputs).sigmoid()
    other = yardstick(inputs[Stream.FACE], torch.cat([inputs[s] for s in BIO], dim=1))

    torch.testing.assert_close(ours, other, rtol=1e-5, atol=1e-6)


def test_the_literal_network_has_our_gradients(pair):
    network, yardstick = pair
    inputs, label = sample_inputs(3), torch.tensor([0.0, 1.0, 1.0])

    bce = torch.nn.functional.binary_cross_entropy
    bce(network(inputs).sigmoid(), label).backward()
    bio = torch.cat([inputs[stream] for stream in BIO], dim=1)
    bce(yardstick(inputs[Stream.FACE], bio), label).backward()

    first = network.encoders["face"].trunk[0].weight.grad
    torch.testing.assert_close(
        first, yardstick.trunk[0].weight.grad, rtol=1e-4, atol=1e-7
    )
    memory = network.encoders["face"].memory
    gates = torch.cat(
        [memory.from_input.weight.grad, memory.from_hidden.weight.grad], 1
    )
    torch.testing.assert_close(
        gates, yardstick.cell.gates.weight.grad, rtol=1e-4, atol=1e-7
    )


def test_necessary_operations_are_those_that_torch_counts(pair):
    network, _ = pair

    with FlopCounterMode(display=False) as counter:
        network(sample_inputs(1))

    assert counter.get_total_flops() == 2 * bench.MULTIPLY_ADDS


def test_calls_take_turns():
    order = []

    seconds = measuring.take_turns(
        partial(order.append, "a"), partial(order.append, "b"), repeats=2
    )

    assert order == ["a", "b"] * 3
    assert [len(taken) for taken in seconds] == [2, 2]


def test_memory_of_work_apart_is_what_the_work_held():
    _, megabytes = measuring.measure_apart(partial(bytearray, 2**27), repeats=1)

    assert 100 < megabytes[0] < 200


def test_a_full_size_store_opens_and_takes_no_disk(tmp_path):
    n_rows = write_full_size_store(tmp_path / "store", n_subjects=3)

    store = open_store(tmp_path / "store").cut()

    assert len(store.table) == n_rows == 3 * 40 * 60
    assert len(store.rows_with([Stream.FACE])) == n_rows - 60
    assert store.read(Stream.FACE, store.rows_with([Stream.FACE])[-2:]).shape[0] == 2
    files = list((tmp_path / "store").rglob("*.npy"))
    assert sum(file.stat().st_blocks * 512 for file in files) < 2**20


def test_a_noise_store_has_both_labels(tmp_path):
    store = write_noise_store(tmp_path / "store", n_trials=2, n_segments=3)

    assert set(store.table["valence"]) == {3.0, 7.0}
    assert store.read(Stream.FACE, store.rows_with(PAPER_STREAMS)).shape == (
        6,
        5,
        64,
        64,
        3,
    )


def test_a_table_shows_earlier_medians_beside_later_ones(tmp_path):
    row = measuring.Row("training step", [1.0, 3.0, 2.0], "x faster", ">= 1.5")
    file = tmp_path / "before.json"
    file.write_text(json.dumps({"rows": [{"what": "training step", "median": 1.25}]}))

    table = measuring.plot_table([row], measuring.read_medians(file))

    assert "2 (1 to 3) x faster" in table
    assert table.splitlines()[-1].rstrip(" |").endswith("1.25")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("measure", "options"),
    [
        ("limits", {}),
        ("step", {"batch": 2}),
        ("pipeline", {"n_segments": 4}),
        ("epoch", {"n_trials": 2, "epochs": 1}),
        ("gathering", {"n_trials": 2, "n_batches": 1}),
        ("latency", {"n_calls": 1, "batch": 2}),
        ("opening", {"n_subjects": 1}),
        ("traces", {"n_trials": 4, "n_segments": 8}),
        ("page", {"n_people": 8, "seconds": 3}),
    ],
)
def test_a_quick_row_is_measured(tmp_path, measure, options):
    rows = bench.MEASURES[measure](tmp_path, repeats=1, **options)

    assert rows
    assert all(row.median > 0 for row in rows)


@pytest.mark.long
@pytest.mark.parametrize("measure", ["faces", "preparing", "evaluating", "reruns"])
def test_a_slow_row_is_measured(tmp_path, measure):
    rows = bench.MEASURES[measure](tmp_path, repeats=1)

    assert rows
    assert all(row.median > 0 for row in rows)


@pytest.mark.long
def test_overlapping_windows_of_all_subjects_are_evaluated_in_two_gigabytes(tmp_path):
    (row,) = bench.measure_windows(tmp_path)

    assert 10 < row.median < 2000


@pytest.mark.long
def test_fits_side_by_side_are_measured(tmp_path):
    (row,) = bench.measure_fits(tmp_path, repeats=1, n_trials=10, epochs=1)

    assert row.median > 0


@pytest.mark.long
def test_the_command_writes_the_numbers_that_it_prints(tmp_path):
    out = tmp_path / "bench.json"
    command = [sys.executable, str(BENCHMARKS / "bench.py"), "--only", "limits"]

    done = subprocess.run(
        [*command, "--out", str(out)], capture_output=True, text=True, check=True
    )

    values = json.loads(out.read_text())
    units = [row["unit"] for row in values["rows"]]
    assert units[-2:] == ["GB/s"] * 2
    assert set(units[:-2]) == {"GFLOP/s"}
    assert all(row["what"] in done.stdout for row in values["rows"])
