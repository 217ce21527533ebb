"""Log band power of whole trials, against MNE and worked examples."""

import mne
import numpy as np
import pytest
from whole_trials import EEG, SFREQ, clock, join

from deepvanet.datasets.geneva import GENEVA_EEG
from deepvanet.schema import Channel, ChannelType
from deepvanet.systems.band_power import (
    BANDS,
    LONG_S,
    SHORT_S,
    list_pairs,
    measure_powers,
    measure_short,
)

GENEVA = tuple(Channel(name, ChannelType.EEG, "uV") for name in GENEVA_EEG)


def sample(n_channels, seconds, seed=0):
    rng = np.random.default_rng(seed)
    return 10 * rng.standard_normal((n_channels, round(seconds * SFREQ)))


def test_32_electrodes_give_216_features():
    found = measure_short(join(GENEVA, sample(32, 4)))

    assert len(found) == 216
    assert len(list_pairs(GENEVA)) == 14
    assert sum("-" in name for name in found) == 56
    assert np.isfinite(list(found.values())).all()


@pytest.mark.parametrize(("window_s", "seconds"), [(SHORT_S, 8), (LONG_S, 45)])
def test_powers_are_those_that_mne_finds(window_s, seconds):
    signals = sample(3, seconds)
    n_window = round(window_s * SFREQ)

    found = measure_powers(join(EEG, signals), window_s)

    density, hertz = mne.time_frequency.psd_array_welch(
        *(signals, SFREQ),
        n_fft=n_window,
        n_per_seg=n_window,
        n_overlap=n_window // 2,
        window="hann",
        verbose="error",
    )
    for place, (low, high) in enumerate(BANDS.values()):
        within = (hertz >= low) & (hertz < high)
        power = density[:, within].sum(axis=1) * (hertz[1] - hertz[0])
        np.testing.assert_allclose(found[:, place], np.log(power), rtol=1e-6)


def test_a_rhythm_of_one_side_is_a_difference_between_the_sides():
    signals = sample(3, 10)
    signals[2] += 40 * np.sin(2 * np.pi * 10 * clock(10))  # F4

    found = measure_short(join(EEG, signals))

    assert found["F4-F3 alpha"] > 2
    assert found["F4-F3 alpha"] == found["F4 alpha"] - found["F3 alpha"]
    assert abs(found["F4-F3 beta"]) < 0.3
    assert not [name for name in found if "F4-F3 slow" in name]


def test_a_window_is_no_longer_than_the_trial():
    signals = sample(3, 6)

    found = measure_powers(join(EEG, signals), LONG_S)

    whole = measure_powers(join(EEG, signals), 6.0)
    assert found.tobytes() == whole.tobytes()


def test_a_channel_with_a_gap_is_measured_beside_it_and_changes_no_other():
    signals = sample(3, 20)
    holed = signals.copy()
    holed[0, 640:1280] = np.nan

    found = measure_powers(join(EEG, holed), SHORT_S)

    plain = measure_powers(join(EEG, signals), SHORT_S)
    np.testing.assert_allclose(found[1:], plain[1:], rtol=1e-9)
    np.testing.assert_allclose(found[0], plain[0], atol=0.3)
    parts = [
        measure_powers(join(EEG, signals[:, s]), SHORT_S)[0]
        for s in (
            slice(0, 640),
            slice(1280, None),
        )
    ]
    joined = np.log(np.average(np.exp(parts), axis=0, weights=[640, 1280]))
    np.testing.assert_allclose(found[0], joined, rtol=1e-9)


def test_a_flat_channel_and_less_than_a_second_are_not_measured():
    signals = sample(3, 4)
    signals[1] = 3.0

    found = measure_powers(join(EEG, signals), SHORT_S)

    assert np.isnan(found[1]).all()
    assert np.isfinite(found[[0, 2]]).all()
    assert np.isnan(measure_powers(join(EEG, signals[:, :120]), SHORT_S)).all()
