"""Tests of :mod:`deepvanet.bundle`."""

import json
import os
import pickle
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest

from deepvanet.bundle import load_bundle, train_bundle
from deepvanet.config import (
    Execution,
    NetworkSettings,
    PrepareSettings,
    Segmenting,
    TrainSettings,
    to_dict,
)
from deepvanet.learners.network import NetworkLearner
from deepvanet.learners.repeatable import settle_machine
from deepvanet.schema import Stream, Target, UserError
from deepvanet.store import open_store
from segment_blocks import rewrite_trials
from small_store import CHANNELS, take_rows

QUICK = TrainSettings(
    targets=("valence",),
    streams=("face", "bio"),
    cross_validate=False,
    network=NetworkSettings(epochs=2, batch_size=8),
)
ALONE = Execution()


@pytest.fixture(scope="module")
def store(tiny_store, tmp_path_factory):
    """Two subjects of four trials; subject 02 has no video."""
    return tiny_store(
        tmp_path_factory.mktemp("bundle") / "store",
        n_trials=4,
        n_segments=3,
        without_face=["02"],
    )


@pytest.fixture(scope="module")
def bundle(store, tmp_path_factory):
    """A bundle of ``QUICK`` that nobody changes."""
    out = tmp_path_factory.mktemp("bundle") / "model"
    return train_bundle(store.path, out, settings=QUICK, execution=ALONE)


@pytest.fixture
def copied(bundle, tmp_path):
    """A copy of the bundle that a test may spoil."""
    return shutil.copytree(bundle.path, tmp_path / "model")


def read_files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def rewrite(folder, change):
    file = folder / "bundle.json"
    values = json.loads(file.read_text())
    change(values)
    file.write_text(json.dumps(values))


def test_a_bundle_knows_what_it_was_trained_on(bundle, store):
    loaded = load_bundle(bundle.path)

    assert loaded == bundle
    assert loaded.dataset == "deap"
    assert loaded.recipe == PrepareSettings(face_fps=2.0)
    assert loaded.segmenting == Segmenting(1.0, 1.0, "mean")
    assert loaded.training["network"] == to_dict(settle_machine(QUICK.network))
    assert loaded.channels == CHANNELS == store.manifest.channels
    assert loaded.channels_of(Stream.PERIPHERAL) == CHANNELS[3:]
    assert loaded.networks == ((Target.VALENCE, "face"), (Target.VALENCE, "bio"))


def test_each_target_and_stream_set_has_a_network_of_weights_and_text(store, tmp_path):
    settings = replace(QUICK, targets=("valence", "arousal"), streams=("eeg", "bio"))

    made = train_bundle(
        store.path, tmp_path / "model", settings=settings, execution=ALONE
    )

    files = read_files(tmp_path / "model")
    for target in made.targets:
        for streams in made.stream_sets:
            assert f"networks/{target}/{streams}/network.safetensors" in files
            assert made.load(target, streams).streams
    assert {name.rpartition(".")[2] for name in files} == {
        "json",
        "md",
        "safetensors",
        "toml",
    }


@pytest.mark.parametrize(
    ("streams", "n_rows"),
    [((Stream.EEG, Stream.PERIPHERAL), 24), ((Stream.FACE,), 12)],
    ids=["bio", "face"],
)
def test_a_network_is_trained_on_all_rows_that_have_its_streams(
    bundle, store, streams, n_rows
):
    rows = take_rows(store, streams)
    assert len(rows) == n_rows

    name = "face" if Stream.FACE in streams else "bio"
    score = bundle.load(Target.VALENCE, name).score(rows)

    wanted = NetworkLearner(QUICK.network, QUICK.seed).fit(rows).score(rows)
    np.testing.assert_array_equal(score, wanted)


def test_only_the_subjects_asked_for_are_trained_on(store, tmp_path):
    settings = replace(QUICK, streams=("bio",), subjects=("1",))

    made = train_bundle(
        store.path, tmp_path / "model", settings=settings, execution=ALONE
    )

    rows = take_rows(store, (Stream.EEG, Stream.PERIPHERAL))
    mine = rows.take((rows.table["subject"] == "01").to_numpy())
    wanted = NetworkLearner(QUICK.network, QUICK.seed).fit(mine).score(rows)
    score = made.load(Target.VALENCE, "bio").score(rows)
    np.testing.assert_array_equal(score, wanted)
    assert made.training["subjects"] == ["01"]


@pytest.mark.parametrize(
    ("available", "streams"),
    [
        ("face eeg peripheral", "bio"),
        ("eeg peripheral", "bio"),
        ("face eeg", "face"),
        ("face", "face"),
        ("eeg", None),
        ("", None),
    ],
)
def test_the_largest_stream_set_that_is_there_answers(bundle, available, streams):
    assert bundle.pick(frozenset(map(Stream, available.split()))) == streams


def test_a_second_training_does_nothing(copied, store):
    before = {path: path.stat().st_mtime_ns for path in copied.rglob("networks/*/*/*")}

    train_bundle(store.path, copied, settings=QUICK, execution=ALONE)

    after = {path: path.stat().st_mtime_ns for path in copied.rglob("networks/*/*/*")}
    assert before == after
    assert len(before) == 2 * 3


def test_what_was_interrupted_goes_on_to_the_same_bundle(bundle, copied, store):
    (copied / "bundle.json").unlink()
    shutil.rmtree(copied / "networks" / "valence" / "bio")
    left = copied / "networks" / "valence" / ".bio.999999999.tmp"
    left.mkdir()
    with pytest.raises(UserError, match=r"model: no bundle here \(no bundle.json\)"):
        load_bundle(copied)
    kept = copied / "networks" / "valence" / "face" / "network.safetensors"
    before = kept.stat().st_mtime_ns

    train_bundle(store.path, copied, settings=QUICK, execution=ALONE)

    assert read_files(copied) == read_files(bundle.path)
    assert kept.stat().st_mtime_ns == before
    assert not left.exists()


@pytest.mark.slow
def test_a_bundle_is_the_same_bytes_whatever_the_jobs(bundle, store, tmp_path):
    train_bundle(
        store.path, tmp_path / "model", settings=QUICK, execution=Execution(jobs=2)
    )

    assert read_files(tmp_path / "model") == read_files(bundle.path)


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"label_rule": ">5"},
        {"streams": ("face",)},
        {"subjects": ("1",)},
        {"network": NetworkSettings(epochs=3, batch_size=8)},
    ],
    ids=lambda value: next(iter(value)),
)
def test_a_bundle_of_other_settings_is_refused_and_left_alone(bundle, store, change):
    before = read_files(bundle.path)

    with pytest.raises(UserError, match=r"model: this bundle was made with other"):
        train_bundle(
            store.path, bundle.path, settings=replace(QUICK, **change), execution=ALONE
        )

    assert read_files(bundle.path) == before


def test_a_bundle_of_another_store_is_refused(bundle, tiny_store, tmp_path):
    root = tmp_path / "store"
    tiny_store(root, n_trials=4, n_segments=3)
    record = root / "subjects" / "01" / "subject.json"
    record.write_text('{"inputs": {"s01.dat": {"sha256": "another"}}}')

    with pytest.raises(UserError, match="store_digest is"):
        train_bundle(root, bundle.path, settings=QUICK, execution=ALONE)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label_rule": "=>6"}, "unknown label rule '=>6'. Known forms: >=5"),
        ({"subjects": ("9",)}, "unknown subject '9'"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_settings_that_do_not_fit_are_refused(store, tmp_path, change, message):
    settings = replace(QUICK, **change)

    with pytest.raises(UserError, match=re.escape(message)):
        train_bundle(store.path, tmp_path / "model", settings=settings, execution=ALONE)

    assert not (tmp_path / "model").exists()


def test_one_class_cannot_be_trained_and_leaves_nothing(tiny_store, tmp_path):
    store = tiny_store(tmp_path / "store", n_subjects=1)
    rewrite_trials(store.path, "01", valence="2.0")

    with pytest.raises(UserError, match="valence from face: 24 segments, but both"):
        train_bundle(store.path, tmp_path / "model", settings=QUICK, execution=ALONE)

    assert not (tmp_path / "model").exists()


def test_a_stream_that_no_row_has_cannot_be_trained(tiny_store, tmp_path):
    bio = (Stream.EEG, Stream.PERIPHERAL)
    store = tiny_store(tmp_path / "store", n_subjects=1, streams=bio)

    with pytest.raises(UserError, match="streams: no segment of"):
        train_bundle(store.path, tmp_path / "model", settings=QUICK, execution=ALONE)


def test_an_out_that_is_a_file_is_refused(store, tmp_path):
    (tmp_path / "model").touch()

    with pytest.raises(UserError, match=r"out: .*model: is a file, not a folder"):
        train_bundle(store.path, tmp_path / "model", settings=QUICK, execution=ALONE)


@pytest.mark.parametrize(
    "change",
    [
        lambda values: values.update(format="deepvanet-bundle-0"),
        lambda values: values.pop("recipe"),
        lambda values: values.pop("channels"),
        lambda values: values["recipe"].pop("sfreq"),
        lambda values: values["recipe"].update(x=1),
        lambda values: values["recipe"].update(sfreq="128"),
        lambda values: values["training"].update(baseline="median"),
        lambda values: values["training"].pop("baseline"),
        lambda values: values["training"].update(segment="trial"),
        lambda values: values["training"].update(segment=0.2503),
        lambda values: values["training"].update(step=1.01),
        lambda values: values["channels"][0].update(type="telepathy"),
        lambda values: values.update(networks=[]),
        lambda values: values.update(networks="face"),
        lambda values: values.pop("rest_s"),
        lambda values: values.update(rest_s=-1.0),
        lambda values: values["channels"][0].pop("median"),
        lambda values: values["channels"][0].update(spread=None),
        lambda values: values["networks"][0]["answers"][0].pop("calibration"),
    ],
    ids=range(19),
)
def test_a_damaged_description_is_refused(copied, change):
    rewrite(copied, change)

    with pytest.raises(UserError, match=r"bundle\.json: not a whole bundle: \S+"):
        load_bundle(copied)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"deepvanet-bundle-3"', "\0"])
def test_a_description_that_is_no_json_object_is_refused(copied, text):
    (copied / "bundle.json").write_text(text)

    with pytest.raises(UserError, match=r"bundle\.json: not a whole bundle"):
        load_bundle(copied)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_bundle_of_before_is_refused_with_the_command_to_run(copied, number):
    rewrite(copied, lambda values: values.update(format=f"deepvanet-bundle-{number}"))

    with pytest.raises(UserError, match=r"older version .*; run deepvanet train again"):
        load_bundle(copied)


@pytest.mark.parametrize("scale", ["train", "none"])
def test_a_bundle_knows_where_its_channels_lay(tiny_store, tmp_path, scale):
    store = tiny_store(tmp_path / "store", n_trials=4, without_face=["02"])
    settings = replace(
        QUICK, streams=("face+eeg", "bio"), network=replace(QUICK.network, scale=scale)
    )

    made = train_bundle(store.path, tmp_path / "m", settings=settings, execution=ALONE)

    for stream in (Stream.EEG, Stream.PERIPHERAL):
        rows = take_rows(store, (stream,))
        samples = np.moveaxis(rows.read(stream).astype(float), 1, 0)
        for channel, mine in zip(made.channels_of(stream), samples, strict=True):
            low, middle, high = np.quantile(mine, [0.25, 0.5, 0.75])
            assert made.levels[channel.name].median == pytest.approx(middle)
            assert made.levels[channel.name].spread == pytest.approx(high - low)


def test_channels_that_no_network_reads_have_no_level(store, tmp_path):
    settings = replace(QUICK, streams=("eeg",))

    made = train_bundle(store.path, tmp_path / "m", settings=settings, execution=ALONE)

    assert set(made.levels) == {channel.name for channel in CHANNELS[:3]}


def test_a_bundle_says_its_recipe_and_what_departs_from_it(store, tmp_path):
    settings = replace(QUICK, streams=("bio",), recipe="paper")

    train_bundle(store.path, tmp_path / "m", settings=settings, execution=ALONE)

    described = json.loads((tmp_path / "m" / "bundle.json").read_text())
    assert described["training"]["recipe"] == "paper"
    card = (tmp_path / "m" / "README.md").read_text()
    changed = "scale train, class weight balanced, offsets random, epochs 2"
    assert f"Recipe: paper, but {changed}" in card


def test_a_bundle_of_an_older_version_does_not_say_its_recipe(copied):
    rewrite(copied, lambda values: values["training"].pop("recipe"))

    assert load_bundle(copied).learner == "network"


def test_a_bundle_knows_where_its_baselines_came_from(filmed_bundle, bundle):
    assert load_bundle(filmed_bundle).rest_s == 3.0
    assert bundle.rest_s == 1.0
    card = (filmed_bundle / "README.md").read_text()
    assert "baseline: mean, of each trial's own 3 s of baseline before it" in card


@pytest.mark.parametrize("name", ["../../../other", "/etc", "face/../bio", ".", ""])
@pytest.mark.parametrize("key", ["streams", "target"])
def test_names_that_are_paths_are_refused(copied, name, key):
    rewrite(copied, lambda values: values["networks"][0].update({key: name}))

    with pytest.raises(UserError, match=r"bundle\.json: not a whole bundle"):
        load_bundle(copied)


class _Hostile:
    """What a pickle would run if somebody loaded it."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize(
    "file", ["network.safetensors", "network.json", "learner.json"]
)
def test_loading_runs_no_code(copied, tmp_path, file):
    hostile = pickle.dumps(_Hostile(tmp_path / "it ran"))
    (copied / "networks" / "valence" / "bio" / file).write_bytes(hostile)

    with pytest.raises(UserError, match=r"networks/valence/bio"):
        load_bundle(copied).load(Target.VALENCE, "bio")

    assert not (tmp_path / "it ran").exists()


def test_a_network_that_is_gone_is_named(copied):
    shutil.rmtree(copied / "networks" / "valence" / "bio")

    with pytest.raises(UserError, match=r"networks/valence/bio"):
        load_bundle(copied).load(Target.VALENCE, "bio")


def test_a_folder_without_a_bundle_is_refused(tmp_path):
    with pytest.raises(UserError, match="nowhere: no bundle here"):
        load_bundle(tmp_path / "nowhere")


def test_a_bundle_of_prepared_recordings_opens(filmed_bundle, filmed_store):
    bundle = load_bundle(filmed_bundle)

    assert bundle.channels == open_store(filmed_store).manifest.channels
    assert bundle.stream_sets == ("face", "bio", "face+bio")
