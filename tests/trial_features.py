"""A broad list of features of a synthetic trial, as a reader of files could measure.

Band powers and asymmetries of the EEG; level, change and variability of each
peripheral channel; heart rate, breath, blinks, muscles; what a face does. Each is
given for the whole stimulus, for its last third, and as the difference between the
stimulus and the baseline before it.
"""

import numpy as np
from scipy.signal import butter, find_peaks, sosfiltfilt

from deepvanet.synthetic.behaviour import BASELINE_S
from deepvanet.synthetic.deap import view
from deepvanet.synthetic.knobs import Purpose, generator
from deepvanet.synthetic.signals import (
    SCALP,
    SFREQ,
    sample_head,
    simulate_trial,
)

BANDS = {"theta": (4, 8), "alpha": (8, 13), "beta": (13, 30), "gamma": (30, 45)}
PERIPHERAL = ("hEOG", "vEOG", "zEMG", "tEMG", "GSR", "Resp", "Plet", "Temp")
MOVEMENTS = ("smile", "brows", "blink", "gaze", "turn", "nod", "roll")
NAMES = tuple(SCALP)
LEFT_RIGHT = [
    (NAMES.index(left), NAMES.index(right))
    for left, right in (
        *(("Fp1", "Fp2"), ("AF3", "AF4"), ("F3", "F4"), ("F7", "F8")),
        *(("FC5", "FC6"), ("FC1", "FC2"), ("C3", "C4"), ("T7", "T8")),
        *(("CP5", "CP6"), ("CP1", "CP2"), ("P3", "P4"), ("P7", "P8")),
        *(("PO3", "PO4"), ("O1", "O2")),
    )
]


def measure_subject(plan, subject):
    """Return one subject's traits, features and ratings, a row a trial."""
    head = sample_head(generator(plan.seed, Purpose.HEAD, subject))
    rows, rated = [], []
    for stimulus in range(1, plan.n_trials + 1):
        viewing = view(plan, subject, stimulus)
        rng = viewing.generator(Purpose.SIGNALS)
        data = simulate_trial(head, viewing.state, viewing.behaviour, rng=rng)
        rows.append(measure_trial(data, viewing.behaviour))
        rated.append(list(viewing.ratings.values()))
    names = list(rows[0])
    return names, np.array([list(row.values()) for row in rows]), np.array(rated)


def measure_trial(data, behaviour):
    """Return the features of one trial of DEAP's 40 channels, by name."""
    onset = round(BASELINE_S * SFREQ)
    frame = round(BASELINE_S * behaviour.fps)
    moves = np.stack([getattr(behaviour, name) for name in MOVEMENTS])
    late = (data.shape[1] - onset) * 2 // 3, (moves.shape[1] - frame) * 2 // 3
    filtered = {
        name: sosfiltfilt(
            butter(4, band, "bandpass", fs=SFREQ, output="sos"), data[:35], axis=1
        )
        for name, band in BANDS.items()
    }

    def look(samples, frames):
        return {
            **_measure_bands({k: v[:, samples] for k, v in filtered.items()}),
            **_measure_body(data[32:, samples]),
            **_measure_face(moves[:, frames], behaviour.fps),
        }

    whole = look(slice(onset, None), slice(frame, None))
    last = look(slice(onset + late[0], None), slice(frame + late[1], None))
    before = look(slice(0, onset), slice(0, frame))
    return {
        **whole,
        **{f"{name}, last third": value for name, value in last.items()},
        **{f"{name}, since rest": whole[name] - before[name] for name in whole},
    }


def _measure_bands(filtered):
    found = {}
    for band, signal in filtered.items():
        power = np.log(signal.var(axis=1) + 1e-12)
        found |= {f"{band} {n}": power[k] for k, n in enumerate(NAMES)}
        found |= {
            f"{band} {NAMES[right]}-{NAMES[left]}": power[right] - power[left]
            for left, right in LEFT_RIGHT
        }
        found[f"{band} mean"] = power[:32].mean()
        found[f"{band} zEMG"] = power[34]
    return found


def _measure_body(signals):
    found = {}
    for name, signal in zip(PERIPHERAL, signals, strict=True):
        found[f"level {name}"] = signal.mean()
        found[f"sd {name}"] = np.log(signal.std() + 1e-12)
        found[f"change {name}"] = np.log(np.diff(signal).std() + 1e-12)
        found[f"slope {name}"] = np.polyfit(np.arange(len(signal)), signal, 1)[0]
        found[f"range {name}"] = np.log(np.ptp(signal) + 1e-12)
    found["log level GSR"] = np.log(np.abs(signals[4]).mean())
    found["blinks vEOG"] = len(find_peaks(signals[1], height=100, distance=40)[0])
    found |= _measure_cycles("Resp", signals[5], shortest_s=1.5)
    found |= _measure_cycles("Plet", signals[6], shortest_s=0.4)
    return found


def _measure_cycles(name, signal, *, shortest_s):
    peaks, _ = find_peaks(
        signal, distance=round(shortest_s * SFREQ), prominence=signal.std()
    )
    between = np.diff(peaks) / SFREQ
    spectrum = np.abs(np.fft.rfft(signal - signal.mean(), 8 * len(signal))) ** 2
    hertz = np.fft.rfftfreq(8 * len(signal), 1 / SFREQ)
    within = (hertz > 0.1) & (hertz < 1 / shortest_s)
    return {
        f"rate {name}": hertz[within][np.argmax(spectrum[within])],
        f"interval {name}": between.mean() if len(between) else shortest_s,
        f"interval sd {name}": between.std() if len(between) else 0.0,
    }


def _measure_face(moves, fps):
    found = {}
    for name, course in zip(MOVEMENTS, moves, strict=True):
        speed = np.abs(np.diff(course)).mean() * fps
        found[f"level {name}"] = course.mean()
        found[f"sd {name}"] = course.std()
        found[f"speed {name}"] = speed
        found[f"slope {name}"] = np.polyfit(np.arange(len(course)), course, 1)[0]
    head = np.abs(np.diff(moves[4:], axis=1)).mean() * fps
    return {**found, "speed head": head}
