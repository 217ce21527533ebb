"""Tests of :mod:`deepvanet.datasets.deap_original.reader` and its ``deap_events``."""

import csv

import mne
import numpy as np
import pytest

from deepvanet.datasets import Reader
from deepvanet.datasets.deap import reader as deap
from deepvanet.datasets.deap_original import reader as deap_original
from deepvanet.datasets.deap_original.events import Status, find_end, find_events
from deepvanet.datasets.synthetic_mark import SYNTHETIC_MARK
from deepvanet.preprocessing.segments import cut_trials
from deepvanet.schema import Target, UserError
from deepvanet.signal_io.raw_files import open_raw
from small_deap import film_trial, write_ratings
from small_deap_original import (
    FIRST_ONSET,
    GENEVA,
    OTHERS,
    SFREQ,
    STEP,
    TWENTE,
    list_events,
    make_status,
    sample_signal,
    write_recording,
    write_small_original,
)

BIT = 2**19 / 2**24
"""Of microvolts."""
HALF_A_BIT = 0.6 * BIT


def read_one(root, subject="01"):
    (recording,) = deap_original.read_recordings(root, subject)
    return recording


def find_row(name: str) -> int:
    return [c.name for c in deap.CHANNELS].index(name)


def read_rows(root) -> list[list[str]]:
    with deap.ratings_file(root).open(newline="") as file:
        return list(csv.reader(file))[1:]


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """The recordings of one subject in Twente and one in Geneva."""
    root = write_small_original(
        tmp_path_factory.mktemp("both") / "DEAP", subjects=("22", "23")
    )
    return root, read_one(root, "22"), read_one(root, "23")


def test_first_stimulus_of_the_file_is_trial_1_and_not_experiment_1(both):
    root, recording, _ = both

    spans = recording.spans

    assert [span.trial for span in spans] == ["01", "02", "03"]
    assert [span.stimulus for span in spans] == ["02", "03", "01"]
    for span, row in zip(spans, read_rows(root)[:3], strict=True):
        assert span.ratings == {
            Target.VALENCE: float(row[4]),
            Target.AROUSAL: float(row[5]),
        }


def test_onset_is_the_very_sample_at_which_code_4_begins(tmp_path):
    onset = FIRST_ONSET + STEP
    flash = np.zeros(48 * SFREQ)
    flash[onset] = 1000.0
    root = write_small_original(tmp_path / "DEAP", replaced={"Oz": flash})

    recording = read_one(root)
    trial = list(cut_trials(recording))[1]

    assert recording.spans[1].onset_s * SFREQ == onset
    assert int(trial.bio[find_row("Oz")].argmax()) == 3 * SFREQ
    assert trial.bio.shape == (40, (3 + 4) * SFREQ)
    assert trial.baseline_s == 3.0


@pytest.mark.parametrize("subject", ["22", "23"])
def test_electrodes_are_found_by_their_labels(both, subject):
    _, twente, geneva = both
    recording = twente if subject == "22" else geneva

    for name in GENEVA:
        expected = sample_signal(name, recording.bio.shape[1])
        np.testing.assert_allclose(
            recording.bio[find_row(name)], expected, rtol=1e-6, atol=HALF_A_BIT
        )
    assert recording.channels == deap.CHANNELS
    assert (recording.sfreq, recording.is_raw, recording.notes) == (512.0, True, ())
    assert recording.name == f"s{subject}"


def test_orders_of_the_laboratories_are_the_published_permutations():
    geneva_of_twente = """
        1 2 4 3 6 5 8 7 10 9 12 11 16 13 14 15 32 31 29 30 27 28 25 26 22 23 20 21 18
        17 19 24
    """
    twente_of_geneva = """
        1 2 4 3 6 5 8 7 10 9 12 11 14 15 16 13 30 29 31 27 28 25 26 32 23 24 21 22 19
        20 18 17
    """
    geneva = deap_original.list_eeg("23")
    twente = deap_original.list_eeg("22")

    assert [geneva.index(n) + 1 for n in twente] == [
        *map(int, geneva_of_twente.split())
    ]
    assert [twente.index(n) + 1 for n in geneva] == [
        *map(int, twente_of_geneva.split())
    ]
    assert list(geneva) == [c.name for c in deap.CHANNELS[:32]]


def test_file_of_another_order_than_its_laboratory_s_is_read_by_label_too(tmp_path):
    root = write_small_original(
        tmp_path / "DEAP", eeg=[name.upper() for name in reversed(GENEVA)]
    )

    bio = read_one(root).bio

    upper = sample_signal("PO3", bio.shape[1])
    np.testing.assert_allclose(bio[find_row("PO3")], upper, rtol=1e-6, atol=HALF_A_BIT)


def test_skin_is_in_ohm_in_both_laboratories(both):
    _, twente, geneva = both
    row = find_row("GSR")

    # 1/16 nS at 5000 nS, and 1 Ohm
    np.testing.assert_allclose(twente.bio[row], geneva.bio[row], rtol=2e-5)
    np.testing.assert_allclose(
        geneva.bio[row], sample_signal("GSR1", geneva.bio.shape[1]), atol=0.6
    )


def test_conductance_of_5000_nanosiemens_is_200_kiloohm(tmp_path):
    root = write_small_original(tmp_path / "DEAP", replaced={"GSR1": 5000.0})

    assert read_one(root).bio[find_row("GSR")] == pytest.approx(200_000, rel=1e-4)


@pytest.mark.parametrize(("subject", "reading"), [("01", 0.0), ("23", -7.0)])
def test_skin_that_is_not_touched_is_no_number_and_is_said(tmp_path, subject, reading):
    skin = np.full(48 * SFREQ, 5000.0)
    skin[: 12 * SFREQ] = reading
    root = write_small_original(
        tmp_path / "DEAP", subjects=(subject,), replaced={"GSR1": skin}
    )

    recording = read_one(root, subject)

    assert np.isnan(recording.bio[find_row("GSR")]).sum() == 12 * SFREQ
    assert np.isfinite(np.delete(recording.bio, find_row("GSR"), axis=0)).all()
    assert recording.notes == (
        "GSR touches no skin for 25.00% of the recording, no number there",
    )


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("hEOG", "EXG1", "EXG2"),
        ("vEOG", "EXG3", "EXG4"),
        ("zEMG", "EXG5", "EXG6"),
        ("tEMG", "EXG7", "EXG8"),
    ],
)
def test_eyes_and_muscles_are_the_difference_of_two_electrodes(
    both, name, first, second
):
    for recording in both[1:]:
        n = recording.bio.shape[1]
        expected = sample_signal(first, n) - sample_signal(second, n)

        np.testing.assert_allclose(
            recording.bio[find_row(name)], expected, rtol=1e-6, atol=2 * HALF_A_BIT
        )


def test_electrodes_far_from_zero_keep_their_difference(tmp_path):
    wave = 20 * np.sin(np.arange(48 * SFREQ) / 50)
    root = write_small_original(
        tmp_path / "DEAP", replaced={"EXG3": 200_000 + wave, "EXG4": 199_000.0}
    )

    veog = read_one(root).bio[find_row("vEOG")]

    np.testing.assert_allclose(veog, 1000 + wave, atol=2 * HALF_A_BIT)


@pytest.mark.parametrize("unit", ["uV", "", "mV"])
def test_belt_keeps_the_numbers_of_the_file_whatever_its_unit(tmp_path, unit):
    root = write_small_original(
        tmp_path / "DEAP", replaced={"Resp": 321.0}, units={"Resp": unit}
    )

    assert read_one(root).bio[find_row("Respiration")] == pytest.approx(321, abs=0.1)


def test_eeg_in_millivolts_is_read_in_microvolts(tmp_path):
    root = write_small_original(
        tmp_path / "DEAP", replaced={"Cz": 12.0}, units={"Cz": "mV"}
    )

    assert read_one(root).bio[find_row("Cz")] == pytest.approx(12_000, rel=0.01)


@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize(
    ("subject", "above", "labels"),
    [
        ("23", 0, ("Status",)),
        ("24", 0x18FF00, ("",)),
        ("28", 0x19FF00, ("",)),
        ("29", 0x18FF00, ("", "")),
        ("32", 0x19FF00, ("", "")),
    ],
)
def test_codes_are_found_below_what_stands_above_them(
    tmp_path, subject, above, labels, held
):
    root = write_small_original(
        tmp_path / "DEAP",
        subjects=(subject,),
        above=above,
        held=held,
        status_labels=labels,
    )
    file = open_raw(deap_original.signals_file(root, subject))

    events = deap_original.read_events(file)
    spans = read_one(root, subject).spans

    assert [*zip(events.samples, events.codes, strict=True)] == list_events()
    onsets = [FIRST_ONSET + k * STEP for k in range(3)]
    assert [span.onset_s * SFREQ for span in spans] == onsets
    assert [span.end_s - span.onset_s for span in spans] == [4.0] * 3
    found = mne.find_events(
        file.raw.load_data(),
        stim_channel=file.raw.ch_names[-1],
        mask=0xFF,
        mask_type="and",
        consecutive=True,
        verbose="ERROR",
    )
    assert [tuple(row) for row in found[:, [0, 2]]] == list_events()


def test_code_that_stands_from_the_first_sample_began_before():
    status = np.array([4, 4, 0, 3, 4, 5, 0, 99, 7])

    events = find_events(status)

    assert events.samples.tolist() == [3, 4, 5, 8]
    assert events.codes.tolist() == [3, 4, 5, 7]


@pytest.mark.parametrize(
    ("after_s", "lasts_s"),
    [(60.0, 60), (59.7, 60), (61.4, 60), (30.25, 30.25), (None, 60)],
)
def test_stimulus_lasts_a_minute_or_until_the_next_code(after_s, lasts_s):
    onset = 10_001
    listed = [(onset, 4)]
    listed += [] if after_s is None else [(onset + round(after_s * SFREQ), 5)]
    events = find_events(make_status(listed, 90 * SFREQ))

    assert find_end(events, onset) == onset + lasts_s * SFREQ


def test_stimulus_whose_end_has_no_code_ends_at_the_rating():
    events = find_events(make_status([(2000, 4), (2000 + 5 * SFREQ, 1)], 90 * SFREQ))

    assert find_end(events, 2000) == 2000 + 5 * SFREQ


def test_videos_are_joined_by_trial(tmp_path):
    root = write_small_original(tmp_path / "DEAP")
    for trial in (1, 3):
        film_trial(root, 1, trial, seconds=0.2)

    recording = read_one(root)

    names = [span.video and span.video.name for span in recording.spans]
    assert names == ["s01_trial01.avi", None, "s01_trial03.avi"]
    assert [span.fps for span in recording.spans] == [50.0] * 3
    files = deap_original.input_files(root, "01")
    assert [path.relative_to(root).as_posix() for path in files] == [
        "data_original/s01.bdf",
        "metadata_csv/participant_ratings.csv",
        "face_video/s01/s01_trial01.avi",
        "face_video/s01/s01_trial03.avi",
    ]


def test_raw_deap_is_a_layout_of_its_own_name(tmp_path):
    root = write_small_original(tmp_path / "DEAP", subjects=("22", "01"))

    assert isinstance(deap_original, Reader)
    assert deap_original.list_subjects(root) == ["01", "22"]
    assert deap_original.name_dataset(root) == "deap-original"
    (root / SYNTHETIC_MARK).touch()
    assert deap_original.name_dataset(root) == "deap-original-synthetic"


def test_recording_that_was_broken_off_has_no_length_and_is_read(tmp_path):
    root = write_small_original(tmp_path / "DEAP", knows_length=False)

    recording = read_one(root)

    assert recording.bio.shape == (40, 48 * SFREQ)
    assert len(recording.spans) == 3


def cut_file(path, *, seconds: float) -> None:
    n_channels = 48
    n_bytes = 256 * (n_channels + 1) + round(seconds * SFREQ) * 3 * n_channels
    path.write_bytes(path.read_bytes()[:n_bytes])


def test_truncated_recording_keeps_its_whole_trials(tmp_path):
    root = write_small_original(tmp_path / "DEAP", events=list_events(seconds=20))
    third_s = (FIRST_ONSET + 2 * STEP) / SFREQ
    cut_file(deap_original.signals_file(root, "01"), seconds=third_s + 3.5)

    recording = read_one(root)

    assert [span.trial for span in recording.spans] == ["01", "02"]
    assert recording.notes == (
        "trial 03 was left out, the recording ends before its stimulus does",
    )


def test_recording_that_ends_between_trials_keeps_those_before(tmp_path):
    root = write_small_original(tmp_path / "DEAP")
    second_s = (FIRST_ONSET + STEP) / SFREQ
    cut_file(deap_original.signals_file(root, "01"), seconds=second_s + 5.5)

    recording = read_one(root)

    assert [span.trial for span in recording.spans] == ["01", "02"]
    assert recording.notes == ("the recording ends after 2 of 3 rated trials began",)


def test_trial_without_its_rest_or_its_stimulus_is_left_out(tmp_path):
    second, third = FIRST_ONSET + STEP, FIRST_ONSET + 2 * STEP
    events = [(3 * SFREQ - 1, 4), (7 * SFREQ, 5), (second, 4), (second + 200, 5)]
    root = write_small_original(tmp_path / "DEAP", events=[*events, *[(third, 4)]])

    with pytest.raises(UserError, match=r"s01\.bdf: holds no whole trial: trial 01"):
        read_one(root)

    write_recording(root, "01", events=[*events, (third, 4), (third + 1024, 5)])
    recording = read_one(root)
    assert [span.trial for span in recording.spans] == ["03"]
    assert recording.notes == (
        "trial 01 was left out, the recording begins less than 3 s before its stimulus",
        "trial 02 was left out, its stimulus lasts 0.39 s",
    )


def drop(events, code: int, number: int):
    """Return the events without the ``number``th of a code, from 0."""
    places = [k for k, (_, found) in enumerate(events) if found == code]
    return [event for k, event in enumerate(events) if k != places[number]]


WRONG_CODES = {
    "none": ([], r"no start of a stimulus \(code 4\), got codes none"),
    "only others": ([(50, 3), (99, 5)], "got codes 3 x 1, 5 x 1"),
    "one lost in a whole recording": (
        drop(list_events(), Status.STIMULUS, 1),
        (
            "holds 2 starts of a stimulus and the ratings table 3 trials, though the "
            "recording goes on after them"
        ),
    ),
    "one lost in a recording that was broken off": (
        drop(list_events(end=False), Status.STIMULUS, 0),
        "holds 2 starts of a stimulus .* which one is missing is not known",
    ),
    "one too many": (
        sorted([*list_events(), (200, 4)]),
        "holds 4 starts of a stimulus and the ratings table 3 trials, so which belong",
    ),
}


@pytest.mark.parametrize(
    ("events", "message"), WRONG_CODES.values(), ids=WRONG_CODES.keys()
)
def test_recording_whose_trials_cannot_be_told_apart_is_refused(
    tmp_path, events, message
):
    root = write_small_original(tmp_path / "DEAP", events=events)

    with pytest.raises(UserError, match=rf"s01\.bdf: the status channel .*{message}"):
        read_one(root)


WRONG_FILES = {
    "another rate": ({"sfreq": 256}, "raw signals come at 512 Hz, got 256 Hz"),
    "no status": (
        {"status_labels": ("Aux",)},
        "the last channel must be the status, got 'Aux'",
    ),
    "signals missing": (
        {"others": [x for x in OTHERS if x not in ("EXG4", "Plet")]},
        "2 of 44 signals are missing: EXG4, Plet",
    ),
}


@pytest.mark.parametrize(
    ("options", "message"), WRONG_FILES.values(), ids=WRONG_FILES.keys()
)
def test_recording_of_another_form_is_refused(tmp_path, options, message):
    events = [(200, 4)]
    root = write_small_original(tmp_path / "DEAP", events=events, **options)

    with pytest.raises(UserError, match=rf"s01\.bdf: {message}"):
        read_one(root)


@pytest.mark.parametrize("n_bytes", [0, 100, 5000, -1])
def test_file_that_is_no_bdf_is_refused(tmp_path, n_bytes):
    root = write_small_original(tmp_path / "DEAP")
    path = deap_original.signals_file(root, "01")
    content = path.read_bytes()[:n_bytes] if n_bytes >= 0 else b"not a BDF" * 9999
    path.write_bytes(content)

    with pytest.raises(UserError, match=r"s01\.bdf: cannot be read: .+"):
        read_one(root)


def test_recording_of_nothing_but_a_header_is_refused(tmp_path):
    root = write_small_original(tmp_path / "DEAP")
    cut_file(deap_original.signals_file(root, "01"), seconds=0)

    with pytest.raises(UserError, match=r"s01\.bdf: cannot be read: .*No data"):
        read_one(root)


def test_missing_folders_and_files_are_named(tmp_path):
    with pytest.raises(UserError, match="nowhere: no such folder"):
        deap_original.list_subjects(tmp_path / "nowhere")
    with pytest.raises(UserError, match="data_original is missing"):
        deap_original.list_subjects(tmp_path)
    root = write_small_original(tmp_path / "DEAP")
    with pytest.raises(UserError, match=r"s02\.bdf: no such file"):
        open_raw(deap_original.signals_file(root, "02"))
    deap_original.signals_file(root, "01").unlink()
    with pytest.raises(UserError, match=r"expected files s01\.bdf to s32\.bdf"):
        deap_original.list_subjects(root)
    deap.ratings_file(root).unlink()
    with pytest.raises(UserError, match=r"participant_ratings\.csv: cannot be read"):
        deap_original.read_recordings(root, "01")


@pytest.mark.parametrize(
    ("kept", "message"), [([], "got none"), ([0, 2], "as s01.bdf holds them, got 1, 3")]
)
def test_trials_without_a_rating_are_refused(tmp_path, kept, message):
    root = write_small_original(tmp_path / "DEAP")
    rows = read_rows(root)
    write_ratings(root, [rows[k] for k in kept])

    with pytest.raises(UserError, match=rf"the Trials of Participant_id 1 .*{message}"):
        deap_original.read_recordings(root, "01")


def test_names_of_trials_and_stimuli_are_those_of_the_preprocessed_data(
    tiny_deap, tmp_path
):
    cut = [deap.read_subject(tiny_deap(n_trials=3), "01")]
    spans = read_one(write_small_original(tmp_path / "raw")).spans

    assert [(t.trial, t.stimulus) for t in cut[0]] == [
        (span.trial, span.stimulus) for span in spans
    ]
    assert len({*TWENTE, *GENEVA}) == 32
