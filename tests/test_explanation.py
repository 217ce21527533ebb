"""Tests of :mod:`deepvanet.explanation`."""

import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file, save_file
from scipy.special import logit
from scipy.stats import spearmanr

from deepvanet.bundle import load_bundle, train_bundle
from deepvanet.config import Execution, NetworkSettings, TrainSettings
from deepvanet.explanation import (
    CHANNEL_COLUMNS,
    STREAM_COLUMNS,
    Explanation,
    attribute_streams,
    explain,
)
from deepvanet.explanation.attributing import (
    Question,
    divide_by_inputs,
    divide_by_streams,
)
from deepvanet.explanation.pictures import plot_all
from deepvanet.inference import RecordingInput, predict
from deepvanet.learners.held_seconds import share_arrays
from deepvanet.schema import PAPER_STREAMS, Stream, Target, UserError
from deepvanet.store import open_store
from portraits import video_of
from segment_blocks import rewrite_segments
from small_store import CHANNELS, hold, take_rows, write_small_store

ALONE = Execution()
TOLD = 1  # the channel that knows the answer: Cz


def hide_answer(store, *, stream, place):
    """Leave valence in one channel, or one corner of the face; else noise."""
    rng = np.random.default_rng(1)
    high = np.where(store.table[Target.VALENCE] >= 5, 1.0, -1.0)
    for name in PAPER_STREAMS:

        def change(rows, array, name=name):
            noise = rng.normal(0, 1, array.shape)
            if name is stream:
                signs = high[rows].reshape(-1, *[1] * (noise[place].ndim - 1))
                noise[place] += 2 * signs
            if name is Stream.FACE:
                return (128 + 25 * noise).clip(0, 255).astype(np.uint8)
            return 10 * noise

        rewrite_segments(store, name, change)
    return open_store(store.path).cut()


def train(store, out, streams="face+bio", epochs=15, **options):
    settings = TrainSettings(
        targets=("valence",),
        streams=(streams,),
        cross_validate=False,
        network=NetworkSettings(epochs=epochs, batch_size=16, precision="float32"),
        **options,
    )
    return train_bundle(store.path, out, settings=settings, execution=ALONE)


def ask_of(bundle, store, streams="face+bio", slope=1.0, only=None):
    rows = take_rows(store, load_streams(streams)).take(np.arange(24))
    arrays = {s: rows.read(s) for s in rows.streams if only is None or s in only}
    held = hold(arrays)
    return Question(
        Target.VALENCE,
        np.arange(24),
        bundle.load(Target.VALENCE, streams),
        slope,
        held,
    )


def repeat(arrays, n_rows):
    return {
        stream: np.repeat(array, n_rows, axis=0) for stream, array in arrays.items()
    }


def load_streams(streams):
    return PAPER_STREAMS if streams == "face+bio" else (Stream.EEG, Stream.PERIPHERAL)


def shuffle_weights(bundle, folder):
    """Copy a bundle and put each of its weights somewhere else in its array."""
    shutil.copytree(bundle.path, folder)
    rng = np.random.default_rng(0)
    for file in folder.rglob("network.safetensors"):
        weights = {
            name: rng.permutation(array.ravel()).reshape(array.shape)
            if name.endswith(("weight", "bias"))
            else array
            for name, array in load_file(file).items()
        }
        save_file(weights, file)
    return load_bundle(folder)


@pytest.fixture(scope="module")
def told_by_cz(tmp_path_factory):
    """A store in which only Cz knows, and a bundle of it."""
    folder = tmp_path_factory.mktemp("explanation")
    store = write_small_store(folder / "store", n_trials=8, images=(2, 24))
    store = hide_answer(store, stream=Stream.EEG, place=np.s_[:, TOLD])
    return store, train(store, folder / "model")


@pytest.fixture(scope="module")
def told_parts(told_by_cz):
    """What each sample and pixel of that store added, by that bundle."""
    store, bundle = told_by_cz
    return divide_by_inputs(ask_of(bundle, store))


def test_the_channel_that_knows_the_answer_is_found(told_by_cz, told_parts):
    store, bundle = told_by_cz

    by_stream = divide_by_streams(ask_of(bundle, store))
    by_input = told_parts

    size = {stream: np.abs(part).mean() for stream, part in by_stream.items()}
    assert max(size, key=size.get) is Stream.EEG
    channels = np.abs(by_input[Stream.EEG].sum(axis=2)).mean(axis=0)
    assert channels.argmax() == TOLD
    assert channels[TOLD] > 2 * np.delete(channels, TOLD).max()


@pytest.mark.slow
def test_a_part_of_the_face_that_knows_the_answer_is_found(tmp_path):
    store = write_small_store(tmp_path / "store", n_trials=8, images=(2, 24))
    corner = np.s_[:, :, :12, :12]
    store = hide_answer(store, stream=Stream.FACE, place=corner)
    bundle = train(store, tmp_path / "model")

    question = ask_of(bundle, store)

    size = {s: np.abs(p).mean() for s, p in divide_by_streams(question).items()}
    assert max(size, key=size.get) is Stream.FACE
    moved = np.abs(divide_by_inputs(question)[Stream.FACE]).mean(axis=(0, 1, 2))
    assert moved[:12, :12].sum() > 0.5 * moved.sum()


@pytest.mark.parametrize("slope", [1.0, 0.5])
def test_parts_add_up_to_the_distance_from_nothing_known(told_by_cz, slope):
    store, bundle = told_by_cz
    question = ask_of(bundle, store, slope=slope)
    fitted = question.fitted
    scalings = {s: fitted.scalings[s].center[:, None] for s in fitted.scalings}
    center = fitted.chosen.encoders["face"].center.numpy()
    nothing = {
        stream: np.broadcast_to(middle, (1, len(middle), 128)).astype(np.float32)
        for stream, middle in scalings.items()
    }
    mean_face = np.moveaxis(center, 0, -1) * 255
    nothing[Stream.FACE] = np.repeat(mean_face[None, None], 2, axis=1).round()
    nothing[Stream.FACE] = nothing[Stream.FACE].astype(np.uint8)

    sums = [
        sum(part.reshape(24, -1).sum(axis=1) for part in found.values())
        for found in (
            {s: p[:, None] for s, p in divide_by_streams(question).items()},
            divide_by_inputs(question),
        )
    ]

    known, unknown = question.rows, share_arrays(question.rows, repeat(nothing, 24))
    said = fitted.find_logits(known) - fitted.find_logits(unknown)
    for total in sums:
        # the mean face was rounded to bytes here
        np.testing.assert_allclose(total, said * slope, atol=0.1, rtol=0.02)


def test_the_share_of_a_stream_is_its_shapley_value(told_by_cz):
    store, bundle = told_by_cz
    question = ask_of(bundle, store, streams="face+bio")
    found = divide_by_streams(question)
    # of a game with three players, worked out by hand from what coalitions are worth
    value = {}
    for there in (
        *[(s,) for s in PAPER_STREAMS],
        *[tuple(s for s in PAPER_STREAMS if s is not t) for t in PAPER_STREAMS],
        PAPER_STREAMS,
        (),
    ):
        asked = {
            s: question.rows.read(s) if s in there else _nothing(question, s)
            for s in PAPER_STREAMS
        }
        rows = share_arrays(question.rows, asked)
        value[frozenset(there)] = question.fitted.find_logits(rows)
    everyone = frozenset(PAPER_STREAMS)
    for stream in PAPER_STREAMS:
        one, two = (s for s in PAPER_STREAMS if s is not stream)
        wanted = (
            2 * (value[everyone] - value[everyone - {stream}])
            + (value[frozenset({stream, one})] - value[frozenset({one})])
            + (value[frozenset({stream, two})] - value[frozenset({two})])
            + 2 * (value[frozenset({stream})] - value[frozenset()])
        ) / 6
        np.testing.assert_allclose(found[stream], wanted, atol=0.1)


def _nothing(question, stream):
    shape = question.rows.read(stream).shape
    if stream is Stream.FACE:
        center = question.fitted.chosen.encoders["face"].center.numpy()
        image = (np.moveaxis(center, 0, -1) * 255).round().astype(np.uint8)
        return np.broadcast_to(image, shape)
    middle = question.fitted.scalings[stream].center[:, None]
    return np.broadcast_to(middle, shape).astype(np.float32)


def test_a_network_of_shuffled_weights_gives_other_maps(
    told_by_cz, told_parts, tmp_path
):
    store, bundle = told_by_cz
    shuffled = shuffle_weights(bundle, tmp_path / "shuffled")

    again, other = (
        divide_by_inputs(ask_of(model, store)) for model in (bundle, shuffled)
    )

    for stream in (Stream.FACE, Stream.EEG):
        np.testing.assert_array_equal(told_parts[stream], again[stream])
        maps = [found[stream].ravel() for found in (told_parts, other)]
        assert abs(spearmanr(*maps).statistic) < 0.3, stream
    channels = np.abs(other[Stream.EEG].sum(axis=2)).mean(axis=0)
    assert channels[TOLD] < 2 * np.delete(channels, TOLD).max()


def test_a_stream_that_is_missing_has_no_part(told_by_cz, tmp_path):
    store, _ = told_by_cz
    bundle = train(store, tmp_path / "model", epochs=1, stream_dropout=0.3)
    question = ask_of(bundle, store, only=(Stream.EEG,))

    assert list(divide_by_streams(question)) == [Stream.EEG]
    assert list(divide_by_inputs(question)) == [Stream.EEG]


@pytest.fixture(scope="module")
def explained(filmed_bundle, filmed_deap, tmp_path_factory):
    """An explanation of a trial, and its folder."""
    out = tmp_path_factory.mktemp("explained") / "out"
    bio = filmed_deap / "data_preprocessed_python" / "s01.dat"
    recording = {"video": video_of(filmed_deap, 1, 1), "bio": bio, "trial": "1"}
    return out, explain(filmed_bundle, RecordingInput(**recording), out), recording


def test_tables_and_figures_are_written(explained):
    out, made, _ = explained
    streams = pd.read_csv(out / "streams.csv")
    channels = pd.read_csv(out / "channels.csv")
    face = pd.read_csv(out / "face-valence.csv")

    assert tuple(streams.columns) == STREAM_COLUMNS
    assert tuple(channels.columns) == CHANNEL_COLUMNS
    # three seconds of rest have no face
    assert len(streams) == 2 * (3 * 2 + 3 * 3)
    assert len(channels) == 2 * 6 * 40
    assert len(face) == 64 * 64
    for target in Target:
        for name in ("scalp-{}.png", "face-{}.png"):
            picture = (out / name.format(target)).read_bytes()
            assert picture.startswith(b"\x89PNG")
        for name in ("streams-{}.svg", "peripheral-{}.svg"):
            assert "</svg>" in (out / name.format(target)).read_text()
    assert made.lines()[0].startswith("valence: ")


def test_parts_of_streams_and_of_channels_lie_near_each_other(explained):
    _, made, _ = explained
    by_stream = made.streams[made.streams["stream"] == "eeg"]["attribution"]
    channels = made.channels[made.channels["stream"] == "eeg"]
    keys = ["target", "time_s"]
    by_channel = channels.groupby(keys, sort=False)["attribution"].sum()

    assert np.corrcoef(by_stream, by_channel)[0, 1] > 0.5


def test_the_quick_table_of_streams_is_that_of_the_explanation(
    explained, filmed_bundle
):
    _, made, recording = explained
    told = []

    table = attribute_streams(
        filmed_bundle, RecordingInput(**recording), progress=lambda *at: told.append(at)
    )

    pd.testing.assert_frame_equal(table, made.streams)
    assert told == [(0.0, 6.0), (6.0, 6.0)]


def test_an_explanation_is_of_what_is_predicted(explained, filmed_bundle):
    _, made, recording = explained
    table = predict(filmed_bundle, RecordingInput(**recording)).table
    rows = made.streams[made.streams["target"] == "valence"]

    total = rows[rows["time_s"] >= 3].groupby("time_s")["attribution"].sum()

    # all three seconds are told from the same network's nothing known
    distance = logit(table["valence"][3:]).to_numpy() - total.to_numpy()
    np.testing.assert_allclose(distance, distance.mean(), atol=0.02)


def test_few_electrodes_or_unknown_ones_leave_the_scalp_out(told_by_cz, tmp_path):
    _, bundle = told_by_cz
    names = [channel.name for channel in CHANNELS[:3]]
    channels = pd.DataFrame(
        {
            "time_s": 0,
            "target": "valence",
            "stream": "eeg",
            "channel": names,
            "attribution": [0.1, 0.2, 0.3],
        }
    )
    streams = pd.DataFrame(columns=list(STREAM_COLUMNS))
    strange = channels.assign(channel=["A1x", "A2x", "A3x"])

    few, unknown = (
        plot_all(Explanation(streams, table), bundle, tmp_path)
        for table in (channels, strange)
    )

    assert few == ("no map of the scalp from 3 electrodes",)
    assert unknown == ("no map of the scalp: names of electrodes say nothing of it",)


def test_something_to_explain_is_needed(filmed_bundle, tmp_path):
    with pytest.raises(UserError, match="needs video, bio or features"):
        explain(filmed_bundle, RecordingInput(), tmp_path / "out")

    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_captum_is_asked_for_where_it_is_missing():
    code = (
        "import sys; sys.modules['captum'] = None\n"
        "from deepvanet.cli import main\n"
        "sys.exit(main(['explain', 'model', '--out', 'out']))"
    )

    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert said.returncode == 2
    assert "explain: needs captum, which is not installed: pip install" in said.stderr
