"""Trials whose signals are known, and stores in which one thing tells high from low."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from deepvanet.config import PrepareSettings, digest, to_dict
from deepvanet.learners.trial_signals import TrialSignals
from deepvanet.schema import BIO, Channel, ChannelType, Stream
from deepvanet.store import Manifest, Rows, TrialBlock, open_store, write_subject
from small_store import take_rows

SFREQ = 128.0
EEG = tuple(Channel(n, ChannelType.EEG, "uV") for n in ("F3", "Cz", "F4"))
GSR = Channel("GSR", ChannelType.GSR, "Ohm")
PULSE = Channel("Plethysmograph", ChannelType.PLETHYSMOGRAPH, "a.u.")
TEMPERATURE = Channel("Temperature", ChannelType.TEMPERATURE, "a.u.")
CHANNELS = (*EEG, GSR, PULSE, TEMPERATURE)
KINDS = ("band power", "asymmetry", "heart rate", "skin")


def join(channels, signals, sfreq=SFREQ) -> TrialSignals:
    """Return signals of a trial, as if its seconds had been joined."""
    signals = np.atleast_2d(np.asarray(signals, dtype=np.float64))
    start = np.arange(0, signals.shape[1], int(sfreq))
    return TrialSignals(tuple(channels), signals, sfreq, start, int(sfreq))


def clock(seconds, sfreq=SFREQ):
    """Return the time of each sample, in seconds."""
    return np.arange(round(seconds * sfreq)) / sfreq


def beat(at_s, seconds, sfreq=SFREQ):
    """Return the signal of a plethysmograph that beats at known times."""
    time = clock(seconds, sfreq)[:, None]
    return np.exp(-(((time - np.asarray(at_s)) / 0.1) ** 2) / 2).sum(axis=1)


def respond(at_s, seconds, depth=500.0, fall_s=3.0, sfreq=SFREQ):
    """Return skin resistance that falls at known times, and returns in three falls."""
    time, level = clock(seconds, sfreq), np.full(round(seconds * sfreq), 2e5)
    for start in at_s:
        since = time - start
        falling = (since >= 0) & (since < fall_s)
        rising = (since >= fall_s) & (since < 4 * fall_s)
        level[falling] -= depth * (1 - np.cos(np.pi * since[falling] / fall_s)) / 2
        back = (since[rising] - fall_s) / (3 * fall_s)
        level[rising] -= depth * (1 + np.cos(np.pi * back)) / 2
    return level


def write_known_store(
    root: Path,
    kind: str,
    *,
    n_subjects: int = 3,
    n_trials: int = 12,
    seconds: int = 20,
    seed: int = 0,
) -> Rows:
    """Write a store of noise in which valence moves one thing, and take its rows."""
    rng = np.random.default_rng(seed)
    settings = to_dict(PrepareSettings())
    manifest = Manifest("known", False, settings, digest(settings), CHANNELS, {})
    (root / "subjects").mkdir(parents=True)
    (root / "manifest.json").write_text(manifest.to_json())
    for number in range(1, n_subjects + 1):
        subject = f"{number:02d}"
        high = rng.permutation(n_trials) % 2
        blocks = [
            TrialBlock(
                row={
                    "subject": subject,
                    "trial": f"{trial + 1:02d}",
                    "stimulus": str(trial + 1),
                    "recording": f"{trial + 1:02d}",
                    "duration_s": float(seconds),
                    "valence": 3.0 + 4 * high[trial],
                    "arousal": 5.0,
                },
                arrays={s: a.T.astype(np.float32) for s, a in arrays.items()},
                n_baseline=0,
            )
            for trial in range(n_trials)
            for arrays in [_sample(kind, 2 * high[trial] - 1, seconds, rng)]
        ]
        write_subject(root, subject, parts=iter(blocks), inputs={"inputs": {}})
    return take_rows(open_store(root).cut(), BIO)


def _sample(
    kind: str, side: int, seconds: int, rng: np.random.Generator
) -> Mapping[Stream, np.ndarray]:
    time = clock(seconds)
    shift = {name: side if kind == name else 0 for name in KINDS}
    gain = np.exp(rng.normal(0, 0.4) + 0.15 * shift["asymmetry"] * np.array([-1, 0, 1]))
    gain[1] *= np.exp(0.6 * shift["band power"])
    alpha = np.sin(2 * np.pi * 10 * time + rng.uniform(0, 6, (3, 1)))
    eeg = 10 * rng.standard_normal((3, len(time))) + 10 * gain[:, None] * alpha
    rate = 70 + rng.normal(0, 2) + 8 * shift["heart rate"]
    intervals = 60 / rate * (1 + 0.04 * rng.standard_normal(4 * seconds))
    pulse = beat(np.cumsum(intervals), seconds) + 0.01 * rng.standard_normal(len(time))
    n_falls = 1 + (shift["skin"] > 0) * 2
    falls = 1 + np.arange(n_falls) * (seconds / n_falls)
    skin = (
        respond(falls, seconds, 2000, 2.0)
        if kind == "skin"
        else np.full(len(time), 2e5)
    )
    skin = skin + 20 * rng.standard_normal(len(time)).cumsum() / 10
    warmth = 31 + 0.01 * rng.standard_normal(len(time))
    return {Stream.EEG: eeg, Stream.PERIPHERAL: np.stack([skin, pulse, warmth])}
