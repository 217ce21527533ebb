"""Tests of :mod:`deepvanet.synthetic.deap_original`."""

from dataclasses import replace

import mne
import numpy as np
import pytest

from deepvanet.config import Execution
from deepvanet.datasets import check
from deepvanet.datasets.deap import reader as deap
from deepvanet.datasets.deap_original import reader as deap_original
from deepvanet.datasets.deap_original.events import Status
from deepvanet.schema import UserError
from deepvanet.signal_io.raw_files import open_raw
from deepvanet.synthetic import Knobs
from deepvanet.synthetic.deap import SubjectsPlan, view, write_ratings
from deepvanet.synthetic.deap import write_subject as write_preprocessed
from deepvanet.synthetic.deap_original import (
    plan_session,
    write_deap_original,
    write_subject,
)
from small_deap_original import GENEVA, TWENTE

N_TRIALS, SECONDS, SFREQ = 2, 2, 512
SUBJECTS = (22, 24, 29)
"""One filmed in Twente, one without a label, one with two of none."""


@pytest.fixture(scope="module")
def plan(tmp_path_factory) -> SubjectsPlan:
    root = tmp_path_factory.mktemp("synthetic") / "DEAP"
    plan = SubjectsPlan(root, N_TRIALS, SECONDS, Knobs(), 3)
    write_ratings(plan, SUBJECTS)
    for subject in SUBJECTS:
        write_subject(plan, subject)
    return plan


def read_one(plan: SubjectsPlan, subject: int):
    (recording,) = deap_original.read_recordings(plan.root, f"{subject:02d}")
    return recording


def open_one(plan: SubjectsPlan, subject: int):
    return open_raw(deap_original.signals_file(plan.root, f"{subject:02d}"))


def find_row(name: str) -> int:
    return [c.name for c in deap.CHANNELS].index(name)


@pytest.mark.parametrize(
    ("subject", "eeg", "status", "above", "unit"),
    [
        (22, TWENTE, ["Status"], 0, "nS"),
        (24, GENEVA, [""], 0x18FF00, "Ohm"),
        (29, GENEVA, ["-0", "-1"], 0x19FF00, "Ohm"),
    ],
)
def test_each_laboratory_writes_as_it_did(plan, subject, eeg, status, above, unit):
    file = open_one(plan, subject)

    raw = file.raw
    n_channels = 47 + len(status)
    assert file.sfreq == SFREQ
    assert file.n_samples % SFREQ == 0
    assert raw.ch_names[:32] == eeg
    assert raw.ch_names[47:] == status
    assert len(raw.ch_names) == n_channels
    assert raw._orig_units["GSR1"] == unit
    assert set((file.read_codes(len(file.labels) - 1) & ~0xFF).tolist()) == {above}
    size = file.path.stat().st_size
    assert size == 256 * (n_channels + 1) + 3 * n_channels * file.n_samples


@pytest.mark.parametrize("subject", SUBJECTS)
def test_codes_come_in_the_order_of_an_experiment(plan, subject):
    events = deap_original.read_events(open_one(plan, subject))

    assert events.codes.tolist() == [1, 1, *[2, 3, 4, 5, 1] * N_TRIALS, 7]
    onsets = np.array(events.find(Status.STIMULUS))
    assert (onsets - events.find(Status.FIXATION)).tolist() == [5 * SFREQ] * N_TRIALS
    assert (onsets - events.find(Status.SYNC)).tolist() == [7 * SFREQ] * N_TRIALS
    assert (events.find(Status.AFTER) - onsets).tolist() == [SECONDS * SFREQ] * N_TRIALS


def test_trials_are_those_of_the_preprocessed_data_of_the_same_seed(plan, tmp_path):
    cut = replace(plan, root=tmp_path)
    write_ratings(cut, SUBJECTS)
    write_preprocessed(cut, 24)

    trials = list(deap.read_subject(tmp_path, "24"))

    assert [(t.trial, t.stimulus, t.ratings) for t in trials] == [
        (s.trial, s.stimulus, s.ratings) for s in read_one(plan, 24).spans
    ]


def test_no_trial_shows_its_own_experiment(plan):
    for subject in SUBJECTS:
        spans = read_one(plan, subject).spans

        assert [s.trial for s in spans] != [s.stimulus for s in spans]
        assert [s.end_s - s.onset_s for s in spans] == [SECONDS] * N_TRIALS


def test_only_subjects_of_twente_are_filmed(plan):
    videos = [span.video.name for span in read_one(plan, 22).spans]

    assert videos == ["s22_trial01.avi", "s22_trial02.avi"]
    assert [span.video for span in read_one(plan, 24).spans] == [None, None]


def test_blink_of_the_video_is_a_blink_in_the_eog_and_above_the_eyes(plan):
    in_eog, above_eyes = [], []
    for subject in SUBJECTS:
        recording = read_one(plan, subject)
        veog = recording.bio[find_row("vEOG")]
        front, back = (
            np.median(recording.bio[[find_row(name) for name in names]], axis=0)
            for names in (("Fp1", "Fp2", "AF3", "AF4"), ("P3", "P4", "O1", "O2"))
        )
        for span in recording.spans:
            samples = slice(*(round(s * SFREQ) for s in (span.onset_s - 3, span.end_s)))
            seen = view(plan, subject, int(span.stimulus)).behaviour
            time = np.arange(samples.stop - samples.start) / SFREQ - 3
            blink = np.interp(time, seen.time, seen.blink)
            if blink.any():
                in_eog.append(np.corrcoef(veog[samples], blink)[0, 1])
                above_eyes.append(np.corrcoef((front - back)[samples], blink)[0, 1])

    assert len(in_eog) > 2
    assert min(in_eog) > 0.8
    assert np.median(above_eyes) > 0.5


def test_signals_are_in_their_units(plan):
    for subject in SUBJECTS:
        bio = read_one(plan, subject).bio

        assert np.isfinite(bio).all()
        assert (np.ptp(bio, axis=1) > 0).all()
        assert 2e4 < np.median(bio[find_row("GSR")]) < 2e6
        assert 25 < np.median(bio[find_row("Temperature")]) < 35
        spread = np.median(np.std(np.diff(bio[:32]), axis=1))
        assert 1 < spread < 50


def test_raw_eeg_is_not_clean(plan):
    for subject in SUBJECTS:
        bio = read_one(plan, subject).bio[:32].astype(float)
        power, hertz = mne.time_frequency.psd_array_welch(
            bio, SFREQ, n_fft=1024, verbose="ERROR"
        )
        at_50, near = power[:, hertz == 50], power[:, (hertz == 45) | (hertz == 55)]

        assert np.median(at_50[:, 0] / near.mean(axis=1)) > 5
        assert np.abs(bio.mean(axis=1)).max() > 1000


def test_one_trial_passes_into_the_next_without_a_jump(plan):
    for subject in SUBJECTS:
        recording = read_one(plan, subject)
        steps = np.abs(np.diff(recording.bio))
        border = plan_session(plan, subject)[1].start

        at_border = steps[:, border - 3 : border + 3].max(axis=1)

        assert (at_border <= steps.max(axis=1)).all()
        assert np.median(at_border / np.quantile(steps, 0.99, axis=1)) < 1.5


def test_same_seed_makes_the_same_bytes(plan, tmp_path):
    write_subject(replace(plan, root=tmp_path), 24)

    again = deap_original.signals_file(tmp_path, "24")

    assert (
        again.read_bytes() == deap_original.signals_file(plan.root, "24").read_bytes()
    )


@pytest.mark.slow
def test_files_are_the_same_from_one_process_and_from_two(tmp_path):
    for jobs in (1, 2):
        write_deap_original(
            tmp_path / str(jobs),
            n_subjects=2,
            n_trials=1,
            seconds=2,
            execution=Execution(jobs=jobs),
        )

    alone, together = (
        {p.name: p.read_bytes() for p in (tmp_path / str(jobs)).rglob("*.*")}
        for jobs in (1, 2)
    )

    assert alone == together
    assert {"s02.bdf", "s01_trial01.avi", "participant_ratings.csv"} <= set(alone)
    (first, second) = (tmp_path / "1" / "data_original").iterdir()
    assert first.read_bytes() != second.read_bytes()


def test_numbers_out_of_range_are_refused(tmp_path):
    with pytest.raises(UserError, match="n_subjects: must be 1 to 32, got 33"):
        write_deap_original(tmp_path / "raw", n_subjects=33)


def test_a_check_of_it_has_notes_and_an_electrode_that_came_off(plan):
    found = check("deap-original", plan.root).findings

    # they are few trials (R07), and of an electrode that came off (C05)
    codes = {f.code for f in found if f.code != "R07"}
    assert codes == {"C05", "F03", "T15"}
