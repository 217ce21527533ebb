"""Tests of :mod:`deepvanet.inference` and :mod:`deepvanet.datasets.recording_files`."""

import re
import shutil

import mne
import numpy as np
import pandas as pd
import pytest

from deepvanet.bundle import load_bundle, train_bundle
from deepvanet.config import (
    Execution,
    NetworkSettings,
    PrepareSettings,
    TrainSettings,
)
from deepvanet.datasets.deap import reader as deap
from deepvanet.inference import TIMELINE_COLUMNS, RecordingInput, predict
from deepvanet.preparation.run import prepare
from deepvanet.schema import STREAM_SETS, Target, UserError
from deepvanet.store import open_store
from films import number_pictures, write_video
from portraits import film_portrait, sample_portrait, video_of
from signal_files import write_brainvision, write_fif
from small_deap import write_small_deap
from small_store import hold

ALONE = Execution()
# a store keeps raw numbers as float32, and subtracts their baseline later
CLOSE = {"atol": 5e-6, "rtol": 0}
CHANNELS = deap.CHANNELS
SECONDS, SFREQ = 3, 128


def dat_of(root, subject=1):
    return root / "data_preprocessed_python" / f"s{subject:02d}.dat"


def score_stored(model, store, streams, subject, trial, target=Target.VALENCE):
    """Return what a network says of a trial's stored segments."""
    bundle = load_bundle(model)
    store = open_store(store).cut(bundle.segmenting)
    table = store.table
    mine = (table["subject"] == subject) & (table["trial"] == trial)
    arrays = {
        stream: store.read(stream, np.flatnonzero(mine))
        for stream in STREAM_SETS[streams]
    }
    return bundle.load(target, streams).score(hold(arrays, bundle.channels))


def sample_recording(seed=0, *, seconds=8, sfreq=SFREQ):
    """Return signals of all channels with an offset each."""
    rng = np.random.default_rng(seed)
    bio = rng.normal(0, 10, (len(CHANNELS), seconds * sfreq))
    return bio + rng.normal(0, 100, (len(CHANNELS), 1))


@pytest.fixture
def dark_to_light(tmp_path):
    """A video without loss, in which the light rises; 10 frames a second."""

    def write(first, last, name="rising"):
        return write_video(
            tmp_path / f"{name}.mkv",
            (sample_portrait(0.4 + 0.015 * number) for number in range(first, last)),
            fps=10,
            codec="ffv1",
        )

    return write


@pytest.fixture(scope="module")
def bio_bundle(filmed_store, tmp_path_factory):
    """A bundle that knows no face, and one target."""
    model = tmp_path_factory.mktemp("inference") / "model"
    settings = TrainSettings(
        targets=("valence",),
        streams=("bio", "eeg"),
        cross_validate=False,
        network=NetworkSettings(epochs=1, batch_size=4),
    )
    train_bundle(filmed_store, model, settings=settings, execution=ALONE)
    return model


def test_a_timeline_has_a_row_a_second_and_the_columns_of_the_contract(
    filmed_bundle, filmed_deap, tmp_path
):
    timeline = predict(
        filmed_bundle,
        RecordingInput(
            video=video_of(filmed_deap, 1, 1), bio=dat_of(filmed_deap), trial="1"
        ),
    )
    timeline.write(tmp_path / "timeline.csv")

    table = pd.read_csv(tmp_path / "timeline.csv")
    assert ",".join(table.columns) == (
        "time_s,valence,arousal,valence_label,arousal_label,face_found,"
        "bad_channels,filter_edge,streams"
    )
    assert table["time_s"].tolist() == list(range(3 + SECONDS))
    assert table["streams"].tolist() == ["bio"] * 3 + ["face+bio"] * 3
    assert table["face_found"].tolist() == [0, 0, 0, 1, 1, 1]
    for target in Target:
        assert table[target].between(0, 1).all()
        assert (table[f"{target}_label"] == (table[target] > 0.5)).all()
    count, worth, *choices = timeline.lines()
    assert count == "6 seconds: 6 answered, 3 with a face"
    assert worth == (
        "valence from bio, valence from face+bio, arousal from bio, arousal from "
        "face+bio: never scored, so it is not known whether it is better than "
        "guessing; no high or low is named."
    )
    why = "the most streams that are there; none of them was scored"
    assert choices == [f"answered from {name}: {why}" for name in ("bio", "face+bio")]


@pytest.mark.slow
@pytest.mark.parametrize("target", Target)
@pytest.mark.parametrize("trial", [1, 2, 3, 4])
def test_the_stimulus_scores_as_its_stored_segments_do(
    filmed_bundle, filmed_deap, filmed_store, trial, target
):
    name = f"{trial:02d}"

    both = predict(
        filmed_bundle,
        RecordingInput(
            video=video_of(filmed_deap, 1, trial),
            bio=dat_of(filmed_deap),
            trial=str(trial),
        ),
    ).table
    bio = predict(
        filmed_bundle, RecordingInput(bio=dat_of(filmed_deap), trial=name)
    ).table
    face = predict(
        filmed_bundle, RecordingInput(video=video_of(filmed_deap, 1, trial))
    ).table

    for table, streams in ((both[3:], "face+bio"), (bio[3:], "bio"), (face, "face")):
        assert set(table["streams"]) == {streams}
        wanted = score_stored(filmed_bundle, filmed_store, streams, "01", name, target)
        np.testing.assert_allclose(table[target], wanted, **CLOSE)


def test_the_end_of_a_short_video_is_padded_as_in_the_store(
    filmed_bundle, filmed_deap, tmp_path
):
    root = shutil.copytree(filmed_deap, tmp_path / "DEAP")
    film_portrait(video_of(root, 1, 1), n_frames=105)
    film_portrait(video_of(root, 1, 2), n_frames=40)
    store = tmp_path / "store"
    prepare("deap", root, store, settings=PrepareSettings(), execution=ALONE)

    for trial in (1, 2):
        table = predict(
            filmed_bundle,
            RecordingInput(
                video=video_of(root, 1, trial), bio=dat_of(root), trial=str(trial)
            ),
        ).table
        rows = (
            open_store(store)
            .cut()
            .table.query(f"subject == '01' and trial == '0{trial}'")
        )
        assert table["face_found"].tolist()[3:] == rows["has_face"].tolist()


def test_a_trial_s_own_video_is_read_at_deap_s_rate_whatever_its_container_says(
    filmed_bundle, filmed_deap, tmp_path
):
    root = shutil.copytree(filmed_deap, tmp_path / "DEAP")
    film_portrait(video_of(root, 1, 1), n_frames=148, fps=25)
    store = tmp_path / "store"
    prepare("deap", root, store, settings=PrepareSettings(), execution=ALONE)

    table = predict(
        filmed_bundle,
        RecordingInput(video=video_of(root, 1, 1), bio=dat_of(root), trial="1"),
    ).table

    assert len(table) == 3 + SECONDS
    wanted = score_stored(filmed_bundle, store, "face+bio", "01", "01")
    np.testing.assert_allclose(table["valence"][3:], wanted, **CLOSE)


def test_the_rest_is_scored_with_its_own_mean_taken_off(filmed_bundle, filmed_deap):
    table = predict(
        filmed_bundle, RecordingInput(bio=dat_of(filmed_deap), trial="1")
    ).table
    trial = deap.read_file(dat_of(filmed_deap), "1")

    bio = trial.bio - trial.bio[:, : 3 * SFREQ].mean(axis=1, keepdims=True)
    segments = bio.reshape(len(bio), -1, SFREQ).transpose(1, 0, 2).astype(np.float32)
    bundle = load_bundle(filmed_bundle)
    eeg, peripheral = STREAM_SETS["bio"]
    arrays = {eeg: segments[:, :32], peripheral: segments[:, 32:]}
    wanted = bundle.load(Target.AROUSAL, "bio").score(hold(arrays, bundle.channels))
    np.testing.assert_allclose(table["arousal"], wanted, **CLOSE)


@pytest.mark.parametrize("baseline", ["waveform", "none"])
def test_the_recipe_of_the_bundle_is_followed(tmp_path, baseline):
    root = write_small_deap(tmp_path / "DEAP", n_subjects=1, n_trials=4, seconds=4)
    store, model = tmp_path / "store", tmp_path / "model"
    prepare("deap", root, store, settings=PrepareSettings(), execution=ALONE)
    network = NetworkSettings(epochs=1, batch_size=4, scale="none")
    training = TrainSettings(
        streams=("bio",), baseline=baseline, cross_validate=False, network=network
    )
    train_bundle(store, model, settings=training, execution=ALONE)

    table = predict(model, RecordingInput(bio=dat_of(root), trial="2")).table

    wanted = score_stored(model, store, "bio", "01", "02")
    # a store rounds the baseline, too, to float32
    np.testing.assert_allclose(table["valence"][3:], wanted, rtol=0, atol=1e-4)


def test_another_rest_gives_other_scores(filmed_bundle, tmp_path):
    bio = sample_recording()
    bio[:, 4 * SFREQ :] += 50
    path = write_fif(tmp_path / "one_raw.fif", bio, CHANNELS)

    default, early, late = (
        predict(filmed_bundle, RecordingInput(bio=path, **options)).table["valence"]
        for options in ({}, {"baseline_s": (0.0, 3.0)}, {"baseline_s": (4.5, 8.0)})
    )

    pd.testing.assert_series_equal(default, early)
    assert not np.allclose(early, late, **CLOSE)


@pytest.mark.parametrize("write", [write_fif, write_brainvision])
def test_volts_are_read_in_microvolts_and_score_as_the_arrays_do(
    filmed_bundle, filmed_deap, tmp_path, write
):
    trial = deap.read_file(dat_of(filmed_deap), "3")
    suffix = "_raw.fif" if write is write_fif else ".vhdr"
    shuffled = np.random.default_rng(0).permutation(len(CHANNELS))
    path = write(
        tmp_path / f"one{suffix}", trial.bio[shuffled], [CHANNELS[k] for k in shuffled]
    )

    table = predict(filmed_bundle, RecordingInput(bio=path)).table

    wanted = predict(
        filmed_bundle, RecordingInput(bio=dat_of(filmed_deap), trial="3")
    ).table
    pd.testing.assert_frame_equal(table, wanted, atol=1e-4)
    assert table["valence"].std() > 1e-3


def test_channel_names_are_found_whatever_their_case(filmed_bundle, tmp_path):
    loud = [
        type(channel)(channel.name.upper(), channel.type, channel.unit)
        for channel in CHANNELS
    ]
    bio = sample_recording()

    scores = [
        predict(
            filmed_bundle,
            RecordingInput(bio=write_fif(tmp_path / f"{name}_raw.fif", bio, names)),
        ).table
        for name, names in (("usual", CHANNELS), ("loud", loud))
    ]

    pd.testing.assert_frame_equal(*scores)


def test_a_stream_that_the_file_lacks_is_absent(filmed_bundle, bio_bundle, tmp_path):
    path = write_fif(tmp_path / "eeg_raw.fif", sample_recording()[:32], CHANNELS[:32])

    table = predict(bio_bundle, RecordingInput(bio=path)).table

    assert set(table["streams"]) == {"eeg"}
    assert table["valence"].notna().all()
    assert table["arousal"].isna().all()  # the bundle was not trained for it
    assert table["arousal_label"].isna().all()
    with pytest.raises(UserError, match=r"knows face, bio, face\+bio, got eeg$"):
        predict(filmed_bundle, RecordingInput(bio=path))


def write_without(path, names, bio=None):
    """Write a recording that lacks some channels."""
    bio = sample_recording() if bio is None else bio
    keep = [k for k, channel in enumerate(CHANNELS) if channel.name not in names]
    return write_fif(path, bio[keep], [CHANNELS[k] for k in keep])


def test_many_missing_channels_are_refused_with_a_list(filmed_bundle, tmp_path):
    path = write_without(tmp_path / "few_raw.fif", ["F3", "AF4", "O2", "Cz"])

    with pytest.raises(
        UserError,
        match=r"few_raw\.fif: 4 of 32 eeg channels are missing: F3, AF4, Cz, O2$",
    ):
        predict(filmed_bundle, RecordingInput(bio=path))


def test_a_few_missing_electrodes_are_drawn_as_mne_draws_them(filmed_bundle, tmp_path):
    missing, bio = ["F3", "AF4", "O2"], sample_recording()
    path = write_without(tmp_path / "few_raw.fif", missing, bio)
    info = mne.create_info([c.name for c in CHANNELS[:32]], SFREQ, "eeg")
    raw = mne.io.RawArray(bio[:32], info, verbose="ERROR")
    raw.set_montage("colin27_1005", verbose="ERROR")
    raw.info["bads"] = missing
    raw.interpolate_bads(origin=(0.0, 0.015, 0.045), verbose="ERROR")
    whole = np.concatenate([raw.get_data(), bio[32:]])

    timeline = predict(filmed_bundle, RecordingInput(bio=path))

    wanted = predict(
        filmed_bundle,
        RecordingInput(bio=write_fif(tmp_path / "all_raw.fif", whole, CHANNELS)),
    ).table
    pd.testing.assert_frame_equal(timeline.table, wanted, atol=1e-4)
    assert timeline.lines()[1] == (
        "interpolated from their neighbours, since missing: F3, AF4, O2"
    )


def test_no_line_is_long_where_all_channels_are_odd(filmed_bundle, tmp_path):
    bio = sample_recording() * 1e5
    bio[5:30] = bio[5:30, :1]
    path = write_fif(tmp_path / "odd_raw.fif", bio, CHANNELS)

    lines = predict(filmed_bundle, RecordingInput(bio=path)).lines()

    lines = [line.replace(str(tmp_path), "") for line in lines]
    assert any("and 1 more are far from training: the median of" in s for s in lines)
    assert max(map(len, lines)) <= 310
    assert len(lines) < 20


def test_peripherals_that_lack_a_channel_are_left_out_where_that_can_be(
    filmed_bundle, bio_bundle, tmp_path
):
    path = write_without(tmp_path / "few_raw.fif", ["GSR"])

    timeline = predict(bio_bundle, RecordingInput(bio=path))

    assert set(timeline.table["streams"]) == {"eeg"}
    said = "1 of 8 peripheral channels are missing: GSR"
    assert timeline.lines()[1] == f"{said}; peripheral is left out"
    with pytest.raises(UserError, match=rf"few_raw\.fif: {said}$"):
        predict(filmed_bundle, RecordingInput(bio=path))


def test_channels_that_no_network_reads_may_be_missing(filmed_store, tmp_path):
    settings = TrainSettings(
        streams=("eeg",),
        cross_validate=False,
        network=NetworkSettings(epochs=1, batch_size=4),
    )
    train_bundle(filmed_store, tmp_path / "m", settings=settings, execution=ALONE)
    path = write_fif(tmp_path / "some_raw.fif", sample_recording()[:36], CHANNELS[:36])

    assert set(predict(tmp_path / "m", RecordingInput(bio=path)).table["streams"]) == {
        "eeg"
    }


def test_another_rate_is_resampled_without_what_it_cannot_hold(filmed_bundle, tmp_path):
    rng = np.random.default_rng(0)
    second = np.arange(8 * 512) / 512
    waves = [
        np.sin(2 * np.pi * (hertz * second + rng.random(40)[:, None]))
        for hertz in (3, 7, 11, 23)
    ]
    bio = 20 * sum(waves)
    loud = bio + 500 * np.sin(2 * np.pi * 200 * second)  # beyond what 128 Hz holds

    usual, fast, shrill = (
        predict(
            filmed_bundle,
            RecordingInput(
                bio=write_fif(
                    tmp_path / f"{name}_raw.fif", signals, CHANNELS, sfreq=rate
                )
            ),
        )
        for name, signals, rate in (
            ("usual", bio[:, ::4], 128.0),
            ("fast", bio, 512.0),
            ("shrill", loud, 512.0),
        )
    )

    inner = slice(2, 6)
    for timeline in (fast, shrill):
        np.testing.assert_allclose(
            timeline.table["valence"][inner], usual.table["valence"][inner], atol=2e-3
        )
        assert timeline.table["filter_edge"].tolist() == [1, 1, 0, 0, 0, 0, 1, 1]
    assert usual.table["filter_edge"].sum() == 0
    assert fast.lines()[1] == "signals are resampled from 512 to 128 Hz"


@pytest.mark.parametrize(
    ("trial", "message"),
    [
        (None, r"trial: .*s01\.dat holds several trials, name one"),
        ("5", "unknown trial '05', did you mean '0"),
        ("x", "unknown trial 'x'"),
    ],
)
def test_a_trial_that_is_not_there_is_refused(
    filmed_bundle, filmed_deap, trial, message
):
    with pytest.raises(UserError, match=message):
        predict(filmed_bundle, RecordingInput(bio=dat_of(filmed_deap), trial=trial))


def test_a_file_of_one_recording_has_no_trials(filmed_bundle, tmp_path):
    path = write_fif(tmp_path / "one_raw.fif", sample_recording(), CHANNELS)

    with pytest.raises(UserError, match=r"trial: .*fif holds one recording, .* got 2"):
        predict(filmed_bundle, RecordingInput(bio=path, trial="2"))


def test_signals_taken_out_of_their_data_set_are_refused(
    filmed_bundle, filmed_deap, tmp_path
):
    path = shutil.copy(dat_of(filmed_deap), tmp_path)

    with pytest.raises(UserError, match="must lie where it was downloaded"):
        predict(filmed_bundle, RecordingInput(bio=tmp_path / path, trial="1"))


@pytest.mark.parametrize(
    "span", [(3.0, 3.0), (4.0, 2.0), (0.0, 99.0), (-1.0, 3.0), (5.5, 6.5)]
)
def test_a_rest_outside_the_recording_is_refused(filmed_bundle, filmed_deap, span):
    with pytest.raises(
        UserError, match=r"baseline_s: must be a span of .*, which lasts 6 s, got"
    ):
        predict(
            filmed_bundle,
            RecordingInput(bio=dat_of(filmed_deap), trial="1", baseline_s=span),
        )


def test_a_rest_too_short_for_its_use_is_refused(tmp_path):
    root = write_small_deap(tmp_path / "DEAP", n_subjects=1)
    store, model = tmp_path / "store", tmp_path / "model"
    prepare("deap", root, store, settings=PrepareSettings(), execution=ALONE)
    training = TrainSettings(
        streams=("bio",),
        baseline="waveform",
        cross_validate=False,
        network=NetworkSettings(epochs=1),
    )
    train_bundle(store, model, settings=training, execution=ALONE)

    with pytest.raises(UserError, match="needs at least one second of baseline"):
        predict(
            model, RecordingInput(bio=dat_of(root), trial="1", baseline_s=(0.0, 0.5))
        )


@pytest.mark.slow
@pytest.mark.parametrize("offset_s", [0.0, 1.0, 2.0])
def test_a_video_that_starts_later_is_answered_later(
    filmed_bundle, dark_to_light, offset_s
):
    video = dark_to_light(0, 40)

    now = predict(filmed_bundle, RecordingInput(video=video)).table
    later = predict(
        filmed_bundle, RecordingInput(video=video, video_offset_s=offset_s)
    ).table

    assert now["face_found"].tolist() == [1] * 4
    assert later["face_found"].tolist() == [0] * int(offset_s) + [1] * 4
    assert (later["streams"][: int(offset_s)] == "").all()
    assert later["valence"][: int(offset_s)].isna().all()
    np.testing.assert_array_equal(later["valence"][int(offset_s) :], now["valence"])
    assert now["valence"].nunique() == 4


@pytest.mark.slow
@pytest.mark.parametrize(("offset_s", "cut"), [(0.4, 6), (-0.6, 6), (-1.0, 10)])
def test_a_video_that_starts_between_seconds_is_read_from_the_next_whole_one(
    filmed_bundle, dark_to_light, offset_s, cut
):
    whole, rest = dark_to_light(0, 40), dark_to_light(cut, 40, "rest")

    table = predict(
        filmed_bundle, RecordingInput(video=whole, video_offset_s=offset_s)
    ).table

    first = 1 if offset_s > 0 else 0
    wanted = predict(filmed_bundle, RecordingInput(video=rest)).table
    assert len(table) == first + len(wanted)
    np.testing.assert_array_equal(table["valence"][first:], wanted["valence"])


def test_a_video_offset_beats_the_stimulus_of_the_file(filmed_bundle, filmed_deap):
    table = predict(
        filmed_bundle,
        RecordingInput(
            video=video_of(filmed_deap, 1, 1),
            bio=dat_of(filmed_deap),
            trial="1",
            video_offset_s=0.0,
        ),
    ).table

    assert table["face_found"].tolist() == [1, 1, 1, 1, 0, 0]  # one is bridged
    assert table["streams"].tolist() == ["face+bio"] * 4 + ["bio"] * 2


@pytest.mark.slow
def test_a_video_longer_than_the_signals_is_answered_by_the_face(
    filmed_bundle, dark_to_light, tmp_path
):
    path = write_fif(tmp_path / "s_raw.fif", sample_recording(seconds=3), CHANNELS)

    table = predict(
        filmed_bundle, RecordingInput(video=dark_to_light(0, 44), bio=path)
    ).table

    assert table["streams"].tolist() == ["face+bio"] * 3 + ["face"]


def test_seconds_without_a_face_are_answered_by_the_signals(filmed_bundle, tmp_path):
    def play():
        for number in range(350):
            yield (
                sample_portrait() if number < 100 else np.full((256, 256, 3), 90, "u1")
            )

    video = write_video(tmp_path / "leaves.mp4", play())
    path = write_fif(tmp_path / "s_raw.fif", sample_recording(seconds=7), CHANNELS)

    both = predict(filmed_bundle, RecordingInput(video=video, bio=path)).table
    alone = predict(filmed_bundle, RecordingInput(video=video)).table

    assert both["face_found"].tolist() == [1, 1, 0, 0, 0, 0, 0]
    assert both["streams"].tolist() == ["face+bio"] * 2 + ["bio"] * 5
    assert both["valence"].notna().all()
    assert alone["valence"].notna().tolist() == [True] * 2 + [False] * 5


def test_a_video_without_any_face_is_counted_and_answers_nothing(
    filmed_bundle, tmp_path
):
    video = write_video(
        tmp_path / "no_face.avi", number_pictures(range(150), height=120)
    )

    timeline = predict(filmed_bundle, RecordingInput(video=video))
    timeline.write(tmp_path / "timeline.csv")

    table = pd.read_csv(tmp_path / "timeline.csv")
    assert len(table) == 3
    assert table[["valence", "arousal", "streams"]].isna().all(axis=None)
    count, warning, cure = timeline.lines()
    assert cure.startswith("what to do about V05: play the video")
    assert count == "3 seconds: 0 answered, 0 with a face"
    assert warning.startswith(f"warning V05: {video}: the subject's face is not fo")


def test_a_video_too_short_for_a_second_is_refused(filmed_bundle, tmp_path):
    video = film_portrait(tmp_path / "blink.avi", n_frames=20)

    with pytest.raises(UserError, match=r"blink\.avi: shows less than half a second"):
        predict(filmed_bundle, RecordingInput(video=video))


def test_a_video_is_no_use_to_a_bundle_that_knows_no_face(bio_bundle, filmed_deap):
    with pytest.raises(UserError, match=r"the bundle knows bio, eeg, got face$"):
        predict(bio_bundle, RecordingInput(video=video_of(filmed_deap, 1, 1)))


def test_something_to_predict_from_is_needed(filmed_bundle):
    with pytest.raises(UserError, match="needs video, bio or features"):
        predict(filmed_bundle, RecordingInput())


@pytest.mark.parametrize("name", ["gone.bdf", "gone.dat", "gone.mp4"])
def test_a_file_that_is_not_there_is_named(filmed_bundle, tmp_path, name):
    option = "video" if name.endswith("mp4") else "bio"
    files = {"video": None, "bio": None} | {option: tmp_path / name}

    with pytest.raises(UserError, match=rf"{name}.*no such file"):
        predict(filmed_bundle, RecordingInput(**files))


@pytest.mark.parametrize("name", ["x.bdf", "x.edf", "x_raw.fif", "x.vhdr", "x.set"])
@pytest.mark.parametrize("content", [b"", b"not signals\n" * 40, b"\xff\x00" * 4000])
def test_signals_that_cannot_be_read_end_in_a_sentence(
    filmed_bundle, tmp_path, name, content
):
    (tmp_path / name).write_bytes(content)

    with pytest.raises(UserError, match=re.escape(name)) as refused:
        predict(filmed_bundle, RecordingInput(bio=tmp_path / name))

    assert "\n" not in str(refused.value)


def test_a_fif_that_breaks_off_ends_in_a_sentence(filmed_bundle, tmp_path):
    path = write_fif(tmp_path / "one_raw.fif", sample_recording(), CHANNELS)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    with pytest.raises(UserError, match=r"one_raw\.fif"):
        predict(filmed_bundle, RecordingInput(bio=path))


def test_real_recordings_with_other_channels_end_in_a_sentence(
    filmed_bundle, shared_data
):
    suffixes = {".bdf", ".edf", ".set", ".vhdr", ".acq", ".xdf", ".csv", ".npz", ".txt"}
    files = [
        path
        for path in sorted((shared_data / "physio").rglob("*"))
        if path.suffix in suffixes
    ]
    assert len(files) > 20
    for path in files:
        with pytest.raises(UserError, match=re.escape(path.name)) as refused:
            predict(filmed_bundle, RecordingInput(bio=path))
        assert "\n" not in str(refused.value)
        assert len(str(refused.value)) < 500


def test_a_real_face_is_predicted_second_by_second(filmed_bundle, shared_data):
    video = shared_data / "faces" / "pyfeat" / "WolfgangLanger_Pexels.mp4"

    table = predict(filmed_bundle, RecordingInput(video=video)).table

    assert list(table.columns) == list(TIMELINE_COLUMNS)
    assert len(table) > 10
    assert table["face_found"].mean() > 0.95
    found = table["face_found"] == 1
    assert (table["streams"] == np.where(found, "face", "")).all()
    assert (table["valence"].notna() == found).all()


def test_a_real_video_without_a_face_is_counted(filmed_bundle, shared_data):
    video = shared_data / "faces" / "pyfeat" / "no_face.mp4"

    timeline = predict(filmed_bundle, RecordingInput(video=video))

    assert re.fullmatch(r"\d+ seconds: 0 answered, 0 with a face", timeline.lines()[0])


@pytest.mark.parametrize("name", ["LICENSE", "README.md"])
def test_what_is_no_video_ends_in_a_sentence(filmed_bundle, shared_data, name):
    path = next((shared_data / "faces").rglob(name))

    with pytest.raises(UserError, match=rf"{name}: cannot be read as a video"):
        predict(filmed_bundle, RecordingInput(video=path))


@pytest.mark.parametrize("name", ["folder", "nowhere/timeline.csv"])
def test_a_timeline_needs_a_file_in_a_folder(
    filmed_bundle, filmed_deap, tmp_path, name
):
    (tmp_path / "folder").mkdir()
    timeline = predict(
        filmed_bundle, RecordingInput(bio=dat_of(filmed_deap), trial="1")
    )

    with pytest.raises(UserError, match="must be a file in a folder that exists"):
        timeline.write(tmp_path / name)
