"""Tests of :mod:`deepvanet.synthetic.scalp`."""

import mne
import numpy as np
import pytest
from mne.preprocessing import ICA
from mne_icalabel.iclabel import iclabel_label_components
from scipy.linalg import null_space
from scipy.signal import welch
from scipy.stats import kurtosis

from deepvanet.datasets.geneva import GENEVA_EEG
from deepvanet.synthetic.behaviour import sample_behaviour
from deepvanet.synthetic.knobs import TRAITS, State
from deepvanet.synthetic.scalp import (
    CENTRE,
    CORTEX,
    GENERATORS,
    MUSCLES,
    RADIUS,
    sample_scalp,
    simulate_raw,
)

NAMES = GENEVA_EEG
SFREQ = 256.0
REST = dict.fromkeys(TRAITS, 0.0)
CLASSES = ("brain", "muscle", "eye", "heart", "line", "channel", "other")


@pytest.fixture(scope="module")
def scalp():
    return sample_scalp(NAMES, np.random.default_rng(0))


def simulate(scalp, *, seconds=60.0, sfreq=SFREQ, added=None, seed=1, **options):
    state = State(REST, {**REST, **(added or {})})
    behaviour = sample_behaviour(
        state, seconds=seconds, rng=np.random.default_rng(seed), before_s=0.0
    )
    rng = np.random.default_rng(seed)
    raw = simulate_raw(
        scalp, state=state, behaviour=behaviour, sfreq=sfreq, rng=rng, **options
    )
    return raw, behaviour


@pytest.fixture(scope="module")
def recorded(scalp):
    return simulate(scalp, seconds=80.0)


def measure(eeg, low, high, sfreq=SFREQ):
    """Return each channel's power in a band, after the average reference."""
    hertz, power = welch(eeg - eeg.mean(axis=0), sfreq, nperseg=int(2 * sfreq))
    return power[:, (hertz >= low) & (hertz <= high)].mean(axis=1)


def describe(data=None):
    named = "colin27_1005" in mne.channels.get_builtin_montages()
    montage = "colin27_1005" if named else "standard_1005"
    info = mne.create_info(list(NAMES), SFREQ, "eeg").set_montage(montage)
    return info if data is None else mne.io.RawArray(data, info, verbose="ERROR")


# --- what it is made of


def test_the_recording_is_the_sum_of_its_parts(recorded):
    raw, _ = recorded

    assert raw.recorded.shape == (32, round(80 * SFREQ))
    assert np.allclose(raw.recorded, raw.brain + raw.artefacts + raw.noise)
    assert raw.sfreq == SFREQ


def test_without_artefacts_the_brain_stays_as_it_is(scalp):
    with_artefacts, _ = simulate(scalp, seconds=8.0)
    without, _ = simulate(scalp, seconds=8.0, artefacts=0.0)

    assert not without.artefacts.any()
    assert with_artefacts.artefacts.any()
    assert np.array_equal(without.brain, with_artefacts.brain)
    assert np.array_equal(without.noise, with_artefacts.noise)


def test_a_seed_draws_the_same_and_another_one_does_not(scalp):
    first, again, other = (
        simulate(scalp, seconds=4.0, seed=seed)[0].recorded for seed in (3, 3, 4)
    )

    assert np.array_equal(first, again)
    assert not np.allclose(first, other)


@pytest.mark.parametrize("sfreq", [256.0, 512.0])
def test_spectra_are_the_same_at_any_rate(scalp, sfreq):
    raw, _ = simulate(scalp, seconds=40.0, sfreq=sfreq)

    assert raw.brain.shape[1] == round(40 * sfreq)
    alpha = np.median(measure(raw.brain, 8, 12, sfreq))
    beta = np.median(measure(raw.brain, 20, 30, sfreq))
    assert 1.5 < alpha < 12  # microvolts squared a hertz
    assert 0.05 < beta < 0.6


def test_samples_can_be_taken_at_given_times(scalp):
    time = np.arange(5 * 256) / SFREQ + 2.0
    raw, _ = simulate(scalp, seconds=10.0, time=time)

    assert raw.brain.shape[1] == len(time)
    assert len(raw.heart) == len(time)


# --- where it comes from


def test_a_dipole_fitted_by_mne_explains_what_each_generator_adds(scalp):
    evoked = mne.EvokedArray(1e-6 * scalp.strong, describe(), verbose="ERROR")
    evoked.set_eeg_reference(projection=True, verbose="ERROR")
    sphere = mne.make_sphere_model(CENTRE, RADIUS, verbose="ERROR")
    noise = mne.make_ad_hoc_cov(evoked.info, verbose="ERROR")
    dipoles, _ = mne.fit_dipole(evoked, noise, sphere, verbose="ERROR")
    depths = np.linalg.norm(dipoles.pos - CENTRE, axis=1) / RADIUS

    assert len(dipoles) == len(GENERATORS)
    assert dipoles.gof.min() > 99
    assert depths == pytest.approx(CORTEX, abs=0.03)


def test_eyes_are_in_front_and_a_look_has_two_sides(scalp):
    off = scalp.eyes - scalp.eyes.mean(axis=0)
    lid, look = off[:, 0], off[:, 1]

    assert set(np.argsort(lid)[-2:]) == {NAMES.index("Fp1"), NAMES.index("Fp2")}
    assert {NAMES[np.argmin(look)], NAMES[np.argmax(look)]} == {"F7", "F8"}


def test_muscles_are_at_the_rim_and_not_in_the_middle(scalp):
    strength = np.abs(scalp.muscles - scalp.muscles.mean(axis=0))
    rim = {"T7", "T8", "F7", "F8", "P7", "P8"}

    assert strength.shape == (32, len(MUSCLES))
    assert {NAMES[k] for k in strength.argmax(axis=0)} == rim
    assert strength[NAMES.index("Cz")].max() < 0.25


# --- what it looks like


def test_alpha_peaks_at_the_back_of_the_head(recorded):
    raw, _ = recorded
    hertz, power = welch(raw.brain - raw.brain.mean(axis=0), SFREQ, nperseg=1024)
    back = power[[NAMES.index(name) for name in ("PO3", "PO4", "Oz")]].mean(axis=0)
    front = power[[NAMES.index(name) for name in ("Fp1", "Fp2")]].mean(axis=0)
    of_alpha = (hertz >= 7) & (hertz <= 13)

    assert 8 < hertz[of_alpha][np.argmax(back[of_alpha])] < 12
    assert back[of_alpha].mean() > 3 * front[of_alpha].mean()
    assert back[of_alpha].mean() > 5 * back[(hertz > 14) & (hertz < 20)].mean()


def test_the_mains_hum_in_the_artefacts_only(recorded):
    raw, _ = recorded

    line = measure(raw.artefacts, 50, 50)
    assert (line > 3 * measure(raw.artefacts, 46, 48)).mean() > 0.6
    assert np.median(line) > 20 * np.median(measure(raw.brain, 50, 50))


def test_lids_show_above_the_eyes_when_they_close(recorded):
    raw, behaviour = recorded
    front = raw.artefacts[[NAMES.index("Fp1"), NAMES.index("Fp2")]].mean(axis=0)
    time = np.arange(len(front)) / SFREQ
    lids = np.interp(time, behaviour.time, behaviour.blink)

    assert len(behaviour.blink_times) > 10
    assert np.corrcoef(lids, front)[0, 1] > 0.8
    assert np.ptp(front) > 100  # microvolts


def test_muscles_burst_above_twenty_hertz(recorded):
    raw, _ = recorded
    side = raw.artefacts[NAMES.index("T7")] - raw.artefacts.mean(axis=0)
    hertz, power = welch(side, SFREQ, nperseg=512)
    fast = (hertz > 25) & (hertz < 110) & (np.abs(hertz - 50) > 3)
    seconds = side[: 80 * 256].reshape(80, 256)
    power_by_second = welch(seconds, SFREQ, nperseg=256)[1][:, 25:45].mean(axis=1)

    assert power[fast].mean() > 5 * power[(hertz > 12) & (hertz < 16)].mean()
    assert power_by_second.max() > 5 * np.median(power_by_second)


def test_sources_are_not_gaussian(recorded, scalp):
    raw, _ = recorded
    unmixed = np.linalg.lstsq(scalp.strong, raw.brain, rcond=None)[0]

    assert np.median(kurtosis(unmixed, axis=1)) > 0.4


def test_electrodes_have_offsets_of_millivolts_and_wander(recorded):
    raw, _ = recorded
    levels = raw.noise.mean(axis=1)
    thousands = raw.noise[:, : 80 * 256].reshape(32, 80, 256).mean(axis=2)

    assert 2000 < np.abs(levels).max() < 40_000
    assert 5 < np.median(thousands.std(axis=1)) < 100
    common = np.diff(raw.noise, axis=1)
    assert np.median(np.corrcoef(common)[0, 1:]) > 0.5  # CMS and DRL


@pytest.mark.parametrize("kind", ["noisy", "flat", "popping"])
def test_a_bad_channel_is_bad_and_the_others_are_not(scalp, kind):
    good, _ = simulate(scalp, seconds=20.0)
    bad, _ = simulate(scalp, seconds=20.0, bad={"C3": kind})
    k = NAMES.index("C3")
    spread = {
        name: np.diff(raw.recorded - np.median(raw.recorded, axis=0)).std(axis=1)
        for name, raw in (("good", good), ("bad", bad))
    }

    others = [j for j in range(32) if j != k]
    assert np.array_equal(good.noise[others], bad.noise[others])
    assert np.array_equal(good.brain, bad.brain)
    if kind == "flat":
        assert bad.recorded[k].std() < 0.1
    else:
        assert spread["bad"][k] > 2 * spread["good"][k]


# --- what it says of affect


@pytest.mark.parametrize(
    ("trait", "band", "place", "gain"),
    [
        ("alpha", (9, 11), ("PO3", "PO4"), 1.0),
        ("theta", (5, 7), ("Fz",), 1.0),
        ("beta", (17, 26), ("C3", "C4"), 1.0),
        ("frontal_asymmetry", (9, 11), ("F4",), 1.0),
        ("frontal_asymmetry", (9, 11), ("F3",), -1.0),
    ],
)
def test_traits_move_the_rhythms_of_the_brain(scalp, trait, band, place, gain):
    rows = [NAMES.index(name) for name in place]
    low, high = (
        measure(simulate(scalp, seconds=30.0, added={trait: step})[0].brain, *band)
        for step in (-0.7, 0.7)
    )
    change = np.log(high / low)[rows].mean() / 2  # of an amplitude

    assert 0.4 < gain * change < 1.5


def test_traits_move_muscles_and_heart(scalp):
    calm, tense = (
        simulate(
            scalp, seconds=30.0, added={"temporal_muscle": step, "heart_rate": step / 4}
        )[0]
        for step in (-0.7, 0.7)
    )
    change = np.log(measure(tense.artefacts, 60, 90) / measure(calm.artefacts, 60, 90))
    beats = [
        np.count_nonzero(np.diff((raw.heart > 0.5) * 1) > 0) for raw in (calm, tense)
    ]

    assert change[NAMES.index("T7")] / 2 == pytest.approx(1.4, abs=0.15)
    assert beats[1] / beats[0] == pytest.approx(np.exp(0.35), rel=0.1)


# --- what the field's classifier says of it


@pytest.mark.slow
def test_iclabel_calls_each_source_what_it_is(scalp, recorded):
    raw, _ = recorded
    data = describe(1e-6 * raw.recorded)
    data.set_eeg_reference("average", verbose="ERROR").filter(1, 100, verbose="ERROR")
    ica = ICA(
        31,
        method="picard",
        fit_params={"ortho": False, "extended": True},
        max_iter=1,
        random_state=0,
        verbose="ERROR",
    )
    with pytest.warns():  # one step is not enough: the truth is put in its place
        ica.fit(data, verbose="ERROR")
    columns = [scalp.strong, scalp.eyes, scalp.muscles, scalp.heart, scalp.line]
    patterns = np.concatenate(columns, axis=1)
    patterns -= patterns.mean(axis=0)
    n_sources = patterns.shape[1]
    rest = null_space(np.concatenate([patterns, np.ones((32, 1))], axis=1).T)
    patterns = np.concatenate([patterns, rest], axis=1)
    ica.mixing_matrix_ = ica.pca_components_[:31] @ (patterns / ica.pre_whitener_)
    ica.unmixing_matrix_ = np.linalg.inv(ica.mixing_matrix_)

    found = iclabel_label_components(data, ica, backend="torch")[:n_sources]
    called = [CLASSES[k] for k in found.argmax(axis=1)]

    # nobody's heart is called one, so it is left out
    n_brain, n_muscles = len(GENERATORS), len(MUSCLES)
    assert called[:n_brain] == ["brain"] * n_brain
    assert called[n_brain : n_brain + 2] == ["eye", "eye"]
    assert called[n_brain + 2 : n_brain + 2 + n_muscles] == ["muscle"] * n_muscles
    assert called[-1] == "line"
    assert found[:n_brain, 1:6].max() < 0.4
