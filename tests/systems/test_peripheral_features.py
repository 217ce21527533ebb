"""Peripheral features of whole trials, each against what is known of its signal."""

import neurokit2 as nk
import numpy as np
import pytest
from scipy.signal import butter, sosfiltfilt
from whole_trials import GSR, PULSE, SFREQ, TEMPERATURE, beat, clock, join, respond

from deepvanet.datasets.deap.reader import CHANNELS as DEAP
from deepvanet.datasets.mahnob.reader import SIGNAL_CHANNELS as MAHNOB
from deepvanet.schema import Channel, ChannelType, Stream
from deepvanet.systems.heart_features import HEART, Heart
from deepvanet.systems.moments import STATISTICS
from deepvanet.systems.peripheral_features import (
    SENSORS,
    SIDEWAYS,
    UP_AND_DOWN,
    list_features,
    measure_peripherals,
)
from deepvanet.systems.spectra import find_least_s, measure_spectrum
from deepvanet.systems.stretches import find_longest

RESPIRATION = Channel("Respiration", ChannelType.RESPIRATION, "a.u.")
EOG = Channel("vEOG", ChannelType.EOG, "uV")
EMG = Channel("zEMG", ChannelType.EMG, "uV")
DEAP_PERIPHERAL = [c for c in DEAP if c.stream is Stream.PERIPHERAL]
MAHNOB_PERIPHERAL = [c for c in MAHNOB if c.stream is Stream.PERIPHERAL]


def find(channel, signal, name, sfreq=SFREQ):
    return measure_peripherals(join([channel], signal, sfreq))[name]


@pytest.mark.parametrize(
    ("learner", "n_deap", "n_mahnob"),
    [
        ("koelstra2012", 69, 20 + 13 + 19 + 4),
        ("soleymani2012", 39, 39),
        ("after-wiem2017", 167, 167),
    ],
)
def test_each_learner_has_as_many_features_as_its_page_says(learner, n_deap, n_mahnob):
    names = list_features(DEAP_PERIPHERAL, learner)

    assert len(names) == len(set(names)) == n_deap
    assert len(list_features(MAHNOB_PERIPHERAL, learner)) == n_mahnob
    kinds = [name.split()[0] for name in names]
    if learner == "koelstra2012":
        assert [kinds.count(k) for k in ("GSR", "heart", "Respiration")] == [20, 13, 19]
        assert kinds.count("Temperature") == 4
        assert sum("EMG" in k or "EOG" in k for k in kinds) == 13


def test_all_that_is_listed_is_measured():
    signals = np.random.default_rng(0).standard_normal((8, 1280))

    found = measure_peripherals(join(DEAP_PERIPHERAL, signals))

    for learner in ("koelstra2012", "soleymani2012", "after-wiem2017"):
        assert set(list_features(DEAP_PERIPHERAL, learner)) <= set(found)


def test_a_sine_has_half_its_squared_size_as_power_in_its_band():
    spectrum = measure_spectrum(3 * np.sin(2 * np.pi * 0.15 * clock(120)), SFREQ)

    assert spectrum.find_power(0.1, 0.2) == pytest.approx(4.5, rel=0.02)
    assert spectrum.find_power(0.3, 0.4) < 0.001
    assert spectrum.find_main(0.05, 1.0) == pytest.approx(0.15, abs=0.006)
    assert spectrum.find_centroid(0.0, 2.4) == pytest.approx(0.15, abs=0.006)
    assert np.isnan(spectrum.find_power(70.0, 80.0))


def test_the_power_of_noise_over_all_bands_is_its_variance():
    noise = np.random.default_rng(0).standard_normal(128 * 300)

    assert measure_spectrum(noise, SFREQ).find_power(0.0, 65.0) == pytest.approx(
        1, rel=0.05
    )


def test_a_band_needs_two_cycles_of_its_lower_edge_and_never_more_than_25_s():
    needed = [find_least_s(*b) for b in ((0.15, 0.5), (0.0, 0.24), (0.01, 0.08))]

    assert needed == pytest.approx([13.33, 8.33, 25], abs=0.01)


def test_falls_of_the_skin_are_counted_and_measured():
    level = respond(np.arange(2, 62, 10), 62, depth=500, fall_s=2.5)

    found = measure_peripherals(join([GSR], level))

    assert found["GSR peaks a minute"] == pytest.approx(6 / 62 * 60)
    assert found["GSR peak height"] == pytest.approx(500, rel=0.05)
    # what is smoothed turns a little earlier above and later below
    assert found["GSR peak time"] == pytest.approx(2.5, rel=0.3)
    assert find(GSR, respond([5], 20, depth=60), "GSR peaks a minute") == 0
    assert find(GSR, respond([5], 20, depth=60), "GSR peak height") == 0


def test_conductance_is_read_upside_down():
    level = respond(np.arange(2, 62, 10), 62)
    conductance = Channel("GSR", ChannelType.GSR, "uS")
    unknown = Channel("GSR", ChannelType.GSR, "a.u.")

    down = measure_peripherals(join([GSR], level))
    up = measure_peripherals(join([conductance], (2e5 - level) / 1000))

    for name in ("peaks a minute", "peak time", "share of falling", "minima a minute"):
        assert up[f"GSR {name}"] == pytest.approx(down[f"GSR {name}"]), name
    assert np.isnan(find(unknown, level, "GSR peaks a minute"))


def test_a_triangle_of_resistance_has_known_changes():
    # up for 6 s by 600, down for 4 s, six times
    time = clock(60) % 10
    level = 1e5 + np.where(time < 6, 100 * time, 150 * (10 - time))

    found = measure_peripherals(join([GSR], level))

    assert found["GSR mean"] == pytest.approx(1e5 + 300, rel=1e-3)
    assert found["GSR mean derivative"] == pytest.approx(0, abs=1)
    assert found["GSR mean fall a second"] == pytest.approx(-150, rel=0.15)
    assert found["GSR share of falling"] == pytest.approx(0.4, abs=0.03)
    assert found["GSR minima a minute"] == pytest.approx(5, abs=1)
    assert found["GSR mean rise time"] == pytest.approx(6, rel=0.1)


@pytest.mark.parametrize(("hertz", "name"), [(0.05, "very slow"), (0.15, "slow")])
def test_slow_responses_of_the_skin_cross_zero_twice_a_cycle(hertz, name):
    wave = 1e5 + 200 * np.sin(2 * np.pi * hertz * clock(120))

    found = measure_peripherals(join([GSR], wave))

    crossings = found[f"GSR {name} zero crossings"]
    assert crossings == pytest.approx(2 * hertz * 60, abs=1)
    passed = {"very slow": 200 / (1 + (0.05 / 0.08) ** 4), "slow": 200 / (1 + 0.75**4)}
    assert found[f"GSR {name} response"] == pytest.approx(passed[name], rel=0.1)


def test_beats_at_known_times_have_known_rates_and_variability():
    intervals = np.tile([0.8, 0.9, 0.85, 1.0], 16)[:68]
    at_s = 0.5 + np.concatenate([[0], np.cumsum(intervals)])

    found = measure_peripherals(join([PULSE], beat(at_s[at_s < 59], 60)))

    kept = np.diff(at_s[at_s < 59])
    # samples are 1/128 s apart
    for name, truth in {
        "interval mean": kept.mean(),
        "interval SD": kept.std(),
        "variability mean": np.abs(np.diff(kept)).mean(),
        "variability SD": np.diff(kept).std(),
    }.items():
        assert found[f"heart {name}"] == pytest.approx(truth, abs=0.005), name
    assert found["heart rate mean"] == pytest.approx((60 / kept).mean(), abs=0.3)
    assert found["heart rate SD"] == pytest.approx((60 / kept).std(), abs=0.5)


def test_the_rate_of_an_ecg_is_the_one_that_neurokit_simulates():
    ecg = nk.ecg_simulate(duration=30, sampling_rate=128, heart_rate=66, random_state=3)
    leads = [Channel(f"ECG{n}", ChannelType.ECG, "uV") for n in (1, 2, 3)]

    found = measure_peripherals(join(leads, np.stack([ecg, -ecg, np.zeros_like(ecg)])))

    assert found["heart rate mean"] == pytest.approx(66, abs=1.5)
    assert not any(name.startswith("ECG") for name in found)
    assert np.isfinite(found["heart interval SD"])


def test_intervals_that_are_none_are_left_out():
    at_s = np.array([1, 2, 3, 4, 8, 9, 10, 11.0])  # a beat is missed for 4 s

    found = measure_peripherals(join([PULSE], beat(at_s, 12)))

    assert found["heart interval mean"] == pytest.approx(1, abs=0.01)


def test_a_rhythm_of_the_heart_is_in_the_band_of_its_variability():
    at_s = [0.5]
    while at_s[-1] < 117:
        at_s.append(at_s[-1] + 0.85 + 0.05 * np.sin(2 * np.pi * 0.11 * at_s[-1]))

    found = measure_peripherals(join([PULSE], beat(at_s, 120)))

    middle = found["heart variability 0.08-0.15 Hz"]
    assert middle == pytest.approx(np.log(0.05**2 / 2), abs=0.3)
    assert middle > found["heart variability 0.01-0.08 Hz"] + 1
    assert middle > found["heart variability 0.15-0.5 Hz"] + 1
    assert found["heart balance of variability"] > 2


def sample_entropy(series, tolerance, length=2):
    """Return -ln of the share of pairs that stay alike for one step more."""
    n = len(series) - length

    def count(size):
        parts = np.lib.stride_tricks.sliding_window_view(series, size)[:n]
        far = np.abs(parts[:, None] - parts[None]).max(axis=2)
        return (far <= tolerance).sum() - n

    return -np.log(count(length + 1) / count(length))


def test_entropies_are_those_of_the_coarse_series():
    rng = np.random.default_rng(1)
    at_s = 0.5 + np.cumsum(0.85 + 0.05 * rng.standard_normal(130))
    heart = Heart(find_longest(join([PULSE], beat(at_s, 110)), 0))

    series = heart.tachogram
    tolerance = 0.2 * series.std(ddof=1)
    for scale in (1, 2):
        n_kept = len(series) // scale * scale
        coarse = series[:n_kept].reshape(-1, scale).mean(axis=1)
        expected = sample_entropy(coarse, tolerance)
        assert heart.entropies[scale - 1] == pytest.approx(expected, rel=0.05)


def test_breaths_of_known_times_have_known_rates():
    wave = 2 * np.sin(2 * np.pi * 0.25 * clock(64))

    found = measure_peripherals(join([RESPIRATION], wave))

    assert found["Respiration rate"] == pytest.approx(15, rel=0.02)
    assert found["Respiration mean peak to peak"] == pytest.approx(4, rel=0.02)
    assert found["Respiration median peak to peak"] == pytest.approx(4, rel=0.02)
    assert found["Respiration main frequency"] == pytest.approx(0.25, abs=0.006)
    assert found["Respiration centroid"] == pytest.approx(0.25, abs=0.01)
    assert found["Respiration range"] == pytest.approx(4, rel=0.01)
    assert found["Respiration SD"] == pytest.approx(np.sqrt(2), rel=0.01)
    assert found["Respiration kurtosis"] == pytest.approx(-1.5, abs=0.02)


def test_slow_breath_has_more_energy_in_the_slow_band():
    name = "Respiration log energy 0.05-0.25 less 0.25-5 Hz"
    slow, fast = (np.sin(2 * np.pi * hertz * clock(60)) for hertz in (0.15, 0.4))

    both = slow + 0.5 * fast

    assert find(RESPIRATION, both, name) == pytest.approx(np.log(4), abs=0.1)


def test_a_ramp_of_temperature_has_its_slope():
    ramp = 31 + 0.02 * clock(40)

    found = measure_peripherals(join([TEMPERATURE], ramp))

    assert found["Temperature mean derivative"] == pytest.approx(0.02)
    assert found["Temperature mean"] == pytest.approx(31.4, abs=0.01)
    assert found["Temperature SD"] == pytest.approx(0.8 / np.sqrt(12), rel=0.01)


def test_the_energy_of_a_muscle_is_that_of_its_band():
    noise = 5 * np.random.default_rng(0).standard_normal(128 * 60)
    passed = butter(6, (4, 40), "bandpass", fs=SFREQ, output="sos")

    found = measure_peripherals(join([EMG], noise))

    energy = sosfiltfilt(passed, noise).var()
    assert found["zEMG log energy 4-40 Hz"] == pytest.approx(np.log(energy), abs=0.1)
    assert found["zEMG log variance"] == pytest.approx(np.log(noise.var()))


def test_blinks_are_counted_in_the_vertical_channel_alone():
    rng = np.random.default_rng(0)
    signal = 5 * rng.standard_normal(128 * 60)
    for at in range(3, 60, 4):
        signal[at * 128 : at * 128 + 40] += 150 * np.hanning(40)
    sideways = Channel("hEOG", ChannelType.EOG, "uV")

    found = measure_peripherals(join([EOG, sideways], np.stack([signal, signal])))

    assert found["vEOG blinks a minute"] == 15
    assert "hEOG blinks a minute" not in found


RICH = {
    ChannelType.GSR: respond(np.arange(2, 55, 9), 60),
    ChannelType.PLETHYSMOGRAPH: beat(
        0.4 + np.cumsum(np.tile([0.8, 0.93, 0.85, 1.0, 0.77], 20)), 60
    ),
    ChannelType.RESPIRATION: np.sin(2 * np.pi * 0.45 * clock(60)),
    ChannelType.TEMPERATURE: 31 + 0.1 * np.sin(clock(60) / 5),
    ChannelType.EMG: np.random.default_rng(0).standard_normal(128 * 60),
    ChannelType.EOG: np.random.default_rng(0).standard_normal(128 * 60),
}


@pytest.mark.parametrize("sensor", [*SENSORS, SIDEWAYS, UP_AND_DOWN])
def test_a_feature_is_there_from_its_least_length_on_and_missing_below(sensor):
    channel = Channel("x", sensor.types[0], "Ohm")
    noise = np.random.default_rng(2).standard_normal(128 * 60)
    signal = RICH[channel.type]
    signal = signal + 1e-4 * np.ptp(signal) * noise
    table = {**sensor.features, **(STATISTICS if sensor.has_moments else {})}

    for least_s in sorted({feature.least_s for feature in table.values()}):
        for n in (int(np.ceil(least_s * 128)), int(np.ceil(least_s * 128)) - 1):
            found = sensor.measure(join([channel], signal[:n]), 0)
            for name, feature in table.items():
                if n < feature.least_s * 128:
                    assert np.isnan(found[name]), (name, n)
                elif "entropy" not in name:  # some scales have no pair that is alike
                    assert np.isfinite(found[name]), (name, n)


def test_what_is_flat_or_missing_is_not_measured():
    for signal in (np.full(7680, 3.0), np.full(7680, np.nan)):
        found = measure_peripherals(join([GSR], signal))

        assert np.isnan(list(found.values())).all()


def test_the_longest_part_without_a_gap_is_measured():
    signal = respond(np.arange(2, 55, 9), 60)
    holed = signal.copy()
    holed[1280:1920] = np.nan

    found = measure_peripherals(join([GSR], holed))

    rest = measure_peripherals(join([GSR], signal[1920:]))
    assert found == rest


def test_a_pulse_without_beats_has_no_rate():
    found = measure_peripherals(join([PULSE], np.sin(clock(30) / 20)))

    assert np.isnan(found["heart rate mean"])
    assert np.isfinite(found["heart power 0.1-0.2 Hz"])
    assert set(HEART) <= {name.removeprefix("heart ") for name in found}
