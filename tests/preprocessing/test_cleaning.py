"""Tests of :mod:`deepvanet.preprocessing.cleaning`."""

import warnings
from dataclasses import replace

import mne
import numpy as np
import pytest
from scipy.signal import welch

from deepvanet.datasets.geneva import GENEVA_EEG
from deepvanet.preprocessing.cleaning import clean
from deepvanet.preprocessing.cleaning.filters import filter_eeg, resample
from deepvanet.schema import Channel, ChannelType, Recording, TrialSpan, UserError
from deepvanet.synthetic.behaviour import sample_behaviour
from deepvanet.synthetic.knobs import TRAITS, State
from deepvanet.synthetic.scalp import sample_scalp, simulate_raw

NAMES = GENEVA_EEG
SFREQ, STORED = 256.0, 128.0
REST = State(dict.fromkeys(TRAITS, 0.0), dict.fromkeys(TRAITS, 0.0))
CLEAN = {"probability": 0.7, "sfreq": STORED, "seed": 0}


def simulate(seconds, *, seed=0, **options):
    """Simulate raw EEG through a spherical head, its parts apart."""
    rng = np.random.default_rng(seed)
    scalp = sample_scalp(NAMES, rng)
    behaviour = sample_behaviour(REST, seconds=float(seconds), rng=rng, before_s=0.0)
    return simulate_raw(
        scalp, state=REST, behaviour=behaviour, sfreq=SFREQ, rng=rng, **options
    )


def record(eeg, *, names=NAMES, sfreq=SFREQ, others=()):
    """Make a recording of EEG and of other signals, by their channels."""
    channels = tuple(Channel(name, ChannelType.EEG, "uV") for name in names)
    signals = [signal for _, signal in others]
    span = TrialSpan("01", "x", 5.0, 10.0, 3.0, None, None, {})
    return Recording(
        subject="01",
        name="2",
        bio=np.stack([*eeg, *signals]),
        sfreq=sfreq,
        channels=(*channels, *(channel for channel, _ in others)),
        spans=(span,),
        is_raw=True,
    )


def filter_only(eeg):
    """Reference, filter and resample by the same steps, without removing anything."""
    return clean(record(eeg), artefacts="none", **CLEAN).recording.bio


def find_error(found, truth):
    return float(np.mean((found - truth) ** 2))


def measure(eeg, low, high):
    hertz, power = welch(eeg, STORED, nperseg=int(2 * STORED))
    return power[:, (hertz >= low) & (hertz <= high)].mean()


@pytest.fixture(scope="module")
def raw():
    """A recording as long as MAHNOB-HCI's shorter ones, with one bad channel."""
    return simulate(94, bad={"C3": "noisy"})


@pytest.fixture(scope="module")
def cleaned(raw):
    return clean(record(raw.recorded), artefacts="icalabel", **CLEAN)


def test_less_than_half_of_the_error_of_a_filter_is_left(raw, cleaned):
    truth = filter_only(raw.brain)

    before = find_error(filter_only(raw.recorded), truth)
    after = find_error(cleaned.recording.bio, truth)

    assert cleaned.facts.is_unmixed
    assert after < before / 2


@pytest.mark.slow
def test_what_is_won_is_won_by_unmixing_and_not_by_the_bad_channel_alone(raw, cleaned):
    truth = filter_only(raw.brain)
    nothing_removed = {**CLEAN, "probability": 1.0}

    without = clean(record(raw.recorded), artefacts="icalabel", **nothing_removed)

    assert without.facts.bad_channels == cleaned.facts.bad_channels
    assert find_error(cleaned.recording.bio, truth) < (
        find_error(without.recording.bio, truth) / 2
    )


def test_the_rhythms_of_the_brain_survive(raw, cleaned):
    truth = filter_only(raw.brain)

    for low, high in ((8, 13), (20, 45)):
        kept = measure(cleaned.recording.bio, low, high) / measure(truth, low, high)
        assert 0.9 < kept < 1.1


def test_a_bad_channel_is_found_and_drawn_anew(raw, cleaned):
    row = NAMES.index("C3")
    truth = filter_only(raw.brain)[row]

    assert cleaned.facts.bad_channels == ("C3",)
    drawn = find_error(cleaned.recording.bio[row], truth)
    assert drawn < find_error(filter_only(raw.recorded)[row], truth) / 10
    assert cleaned.facts.n_components == len(NAMES) - 2


@pytest.mark.slow
def test_where_there_are_no_artefacts_hardly_anything_is_taken():
    raw = simulate(94, seed=1, artefacts=0.0)

    cleaned = clean(record(raw.recorded), artefacts="icalabel", **CLEAN)

    assert cleaned.facts.is_unmixed
    assert cleaned.facts.variance_removed < 0.05
    before = np.var(filter_only(raw.recorded))
    assert np.var(cleaned.recording.bio) > 0.95 * before


def test_what_was_done_is_written_down(cleaned):
    row = cleaned.facts.row()

    assert row["artefacts"] == "icalabel"
    assert (row["n_eeg"], row["bad_channels"], row["is_unmixed"]) == (32, "C3", 1)
    assert row["n_removed"] == sum(cleaned.facts.removed.values()) > 0
    assert {"eye", "muscle"} <= set(cleaned.facts.removed)
    assert 0 < row["variance_removed"] < 1
    spectra = cleaned.facts.spectra
    at = spectra.frequency_hz.tolist().index
    fall = spectra.before_db - spectra.after_db
    assert fall[at(50.0)] > 10
    assert fall[at(1.0)] > 10
    assert abs(fall[at(10.0)]) < 3
    excerpt = cleaned.facts.excerpt
    assert excerpt.before.shape == excerpt.after.shape == (8, 10 * STORED)


@pytest.mark.slow
def test_same_seed_same_numbers(raw, cleaned):
    again = clean(record(raw.recorded), artefacts="icalabel", **CLEAN)

    np.testing.assert_array_equal(again.recording.bio, cleaned.recording.bio)


def test_a_recording_comes_back_at_the_stored_rate_with_its_spans(raw, cleaned):
    recording = record(raw.recorded)

    assert cleaned.recording.sfreq == STORED
    assert not cleaned.recording.is_raw
    assert cleaned.recording.spans == recording.spans
    assert cleaned.recording.channels == recording.channels
    assert cleaned.recording.bio.shape == (32, 94 * STORED)


def test_a_short_recording_is_flagged_and_only_filtered(raw):
    eeg = raw.recorded[:, : 40 * int(SFREQ)]

    found = clean(record(eeg), artefacts="icalabel", **CLEAN)

    assert not found.facts.is_unmixed
    assert found.facts.note.startswith("no ICA: 30 components need")
    assert np.isnan(found.facts.variance_removed)
    assert found.facts.bad_channels == ("C3",)
    truth = filter_only(raw.brain[:, : eeg.shape[1]])
    row = NAMES.index("C3")
    assert find_error(found.recording.bio[row], truth[row]) < np.var(truth[row])


def test_what_others_have_filtered_is_refused(raw):
    recording = record(raw.recorded)
    # as steep as DEAP's preprocessed files
    filtered = mne.filter.filter_data(
        raw.recorded, SFREQ, 4, 45, h_trans_bandwidth=4.0, verbose="ERROR"
    )

    with pytest.raises(
        UserError, match=r"needs raw EEG, got 01/2, which was cleaned before"
    ):
        clean(replace(recording, is_raw=False), artefacts="icalabel", **CLEAN)
    with pytest.raises(UserError, match="whose power above 50 Hz is gone"):
        clean(record(filtered), artefacts="icalabel", **CLEAN)


def test_a_soft_low_pass_does_not_hide_a_high_pass(raw):
    soft = mne.filter.filter_data(raw.recorded, SFREQ, 4, 45, verbose="ERROR")

    with pytest.raises(UserError, match="whose power below 2 Hz is gone"):
        clean(record(soft), artefacts="icalabel", **CLEAN)


@pytest.mark.parametrize("artefacts", ["none", "icalabel"])
def test_a_recording_without_eeg_is_only_resampled(artefacts):
    gsr = Channel("GSR", ChannelType.GSR, "Ohm")
    signal = 2e5 + np.arange(20.0 * SFREQ)
    recording = replace(
        record(signal[None], names=("Cz",)), bio=signal[None], channels=(gsr,)
    )

    found = clean(recording, artefacts=artefacts, **CLEAN)

    np.testing.assert_allclose(found.recording.bio[0], signal[::2], rtol=1e-5)
    assert (found.facts.n_eeg, found.facts.is_unmixed) == (0, False)
    assert np.isnan(found.facts.spectra.after_db).all()


@pytest.mark.parametrize("n_alive", [0, 3])
def test_eeg_without_enough_living_channels_is_flagged(raw, n_alive):
    eeg = raw.recorded[:, : 20 * int(SFREQ)].copy()
    eeg[n_alive:] = 0.0

    found = clean(record(eeg), artefacts="icalabel", **CLEAN)

    assert found.facts.note == f"not cleaned: {n_alive} of 32 EEG channels are good"
    assert found.facts.bad_channels == NAMES[n_alive:]
    assert not found.facts.is_unmixed
    assert np.isfinite(found.recording.bio).all()


def test_a_gap_in_eeg_is_drawn_anew_and_one_elsewhere_stays(raw):
    names = NAMES[:16]  # fewer are unmixed sooner
    eeg = raw.recorded[:16].copy()
    eeg[NAMES.index("F7"), 100:200] = np.nan
    gsr = np.full(eeg.shape[1], 2e5)
    gsr[:500] = np.nan
    others = ((Channel("GSR", ChannelType.GSR, "Ohm"), gsr),)

    found = clean(
        record(eeg, names=names, others=others), artefacts="icalabel", **CLEAN
    )

    assert "F7" in found.facts.bad_channels
    assert np.isfinite(found.recording.bio[:16]).all()
    assert np.isnan(found.recording.bio[16, :249]).all()
    np.testing.assert_allclose(found.recording.bio[16, 251:], 2e5, rtol=1e-5)


def test_electrodes_without_a_place_are_named(raw):
    names = ("A1x", *NAMES[1:])

    with pytest.raises(UserError, match="A1x"):
        clean(record(raw.recorded, names=names), artefacts="icalabel", **CLEAN)


def test_other_channels_are_resampled_and_not_filtered(raw):
    time = np.arange(raw.recorded.shape[1]) / SFREQ
    slow = 2e5 + 3e3 * np.sin(2 * np.pi * 0.1 * time)
    fast = 100 * np.sin(2 * np.pi * 100 * time)
    others = (
        (Channel("GSR", ChannelType.GSR, "Ohm"), slow),
        (Channel("ECG1", ChannelType.ECG, "uV"), fast),
    )

    found = clean(record(raw.recorded, others=others), artefacts="none", **CLEAN)

    gsr, ecg = found.recording.bio[-2:]
    np.testing.assert_allclose(gsr, slow[::2], rtol=1e-4)
    assert np.abs(ecg[64:-64]).max() < 0.5  # 100 Hz would fold to 28 Hz


def test_the_band_is_what_mne_s_filter_keeps():
    rng = np.random.default_rng(0)
    signal = rng.standard_normal(20 * 256)
    wanted = mne.filter.filter_data(
        signal, SFREQ, 4, 45, l_trans_bandwidth=2.0, h_trans_bandwidth=4.0, verbose=0
    )

    found = filter_eeg(signal, sfreq=SFREQ)

    inner = slice(512, -512)
    np.testing.assert_allclose(found[inner], wanted[inner], atol=1e-6)


@pytest.mark.parametrize(("sfreq", "to"), [(256.0, 128.0), (512.0, 128.0)])
def test_resampling_leaves_tones_where_they_are(sfreq, to):
    time = np.arange(20 * int(sfreq)) / sfreq
    signal = 5e5 + np.sin(2 * np.pi * 20 * time)

    found = resample(signal, sfreq=sfreq, to=to)

    wanted = 5e5 + np.sin(2 * np.pi * 20 * np.arange(20 * int(to)) / to)
    np.testing.assert_allclose(found[64:-64], wanted[64:-64], atol=2e-3)


REAL = (
    "physio/eegmat/data/Subject02_1.edf",
    "physio/eeglab_sample/sample_data/eeglab_data.set",
    "physio/eeglab_sample/sample_data/test_data/test.bdf",
    "physio/eeglab_sample/sample_data/test_data/testbva.vhdr",
    pytest.param(
        "physio/mne_testdata/mne/io/edf/tests/data/test.bdf", marks=pytest.mark.slow
    ),
)


def read_real(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        raw = mne.io.read_raw(path, preload=True, verbose="ERROR")
    known = {
        name.lower()
        for name in mne.channels.make_standard_montage("colin27_1005").ch_names
    }
    names = [name.removeprefix("EEG ") for name in raw.ch_names]
    picked = [k for k, name in enumerate(names) if name.lower() in known]
    if len(picked) < 4:  # named after the amplifier's sockets: any places will do
        picked = [k for k, name in enumerate(raw.ch_names) if name != "Status"][:16]
        names = dict(zip(picked, NAMES, strict=False))
    eeg = raw.get_data()[picked] * 1e6
    chosen = tuple(names[k] for k in picked)
    return record(eeg, names=chosen, sfreq=float(raw.info["sfreq"]))


def clean_or_filter(recording):
    """Clean a recording, or only filter it where its owners have filtered it."""
    try:
        return clean(recording, artefacts="icalabel", **CLEAN)
    except UserError:
        return clean(recording, artefacts="none", **CLEAN)


@pytest.mark.slow
@pytest.mark.parametrize("name", REAL)
def test_real_recordings_go_through_every_stage(shared_data, name):
    recording = read_real(shared_data / name)

    found = clean_or_filter(recording)

    seconds = recording.bio.shape[1] / recording.sfreq
    assert found.recording.bio.shape[1] == pytest.approx(seconds * STORED, abs=1)
    assert np.isfinite(found.recording.bio).all()
    assert found.facts.is_unmixed or found.facts.note or found.facts.artefacts == "none"
