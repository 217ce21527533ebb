"""Stores in which what tells high from low is known, and so is the best score.

White noise in which one number a trial is moved by the rating, with noise of its own
across trials. Of each kind the best possible observer knows the generator; it takes
the more likely label.

``band power``
    The logarithm of how much alpha two channels have.
``covariance``
    The correlation of two channels, whose power stays as it is.
``waveform``
    The size of a bump 0.3 s after each second's start.
``slow drift``
    The slope of a peripheral channel, hidden by where it starts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from deepvanet.config import PrepareSettings, digest, to_dict
from deepvanet.schema import PAPER_STREAMS, Channel, ChannelType, Stream, Target
from deepvanet.store import (
    Manifest,
    SegmentStore,
    TrialBlock,
    open_store,
    write_subject,
)
from segment_blocks import join_segments

SFREQ, N_SECONDS, N_TRIALS, N_EEG = 128, 6, 24, 8
"""24 trials of 6 s: four fifths of them are 115 rows, two batches of 64."""

NOISE = 10.0  # in uV
DRIFT_NOISE, START = 0.01, 0.3  # in degrees
CHANNELS = (
    *(Channel(f"E{n}", ChannelType.EEG, "uV") for n in range(1, N_EEG + 1)),
    Channel("Temp", ChannelType.TEMPERATURE, "C"),
)
N_SAMPLES = SFREQ * N_SECONDS
TIME_S = np.arange(N_SAMPLES) / SFREQ
BUMP = np.exp(-(((TIME_S % 1) - 0.3) ** 2) / (2 * 0.03**2))
FREQUENCIES = np.fft.rfftfreq(N_SAMPLES, 1 / SFREQ)
ALPHA = (FREQUENCIES >= 8) & (FREQUENCIES < 13)

Signals = NDArray[np.float64]


@dataclass(frozen=True)
class Kind:
    """What a rating moves.

    Attributes
    ----------
    shift, spread : float
        The number of a high trial is normal around ``shift``, of a low one around
        its negative, with this deviation.
    put : callable
        Into noise of a trial, shape (channel, time), in place, the number.
    weigh : callable
        From a trial to the log-likelihood of each number of a grid.
    """

    shift: float
    spread: float
    put: Callable[[Signals, float], None]
    weigh: Callable[[Signals, NDArray[np.float64]], NDArray[np.float64]]


def _put_alpha(signals: Signals, gain: float) -> None:
    spectrum = np.fft.rfft(signals[:2], axis=1)
    spectrum[:, ALPHA] *= np.sqrt(1 + np.exp(gain))
    signals[:2] = np.fft.irfft(spectrum, N_SAMPLES, axis=1)


def _weigh_alpha(signals: Signals, grid: NDArray[np.float64]) -> NDArray[np.float64]:
    power = np.abs(np.fft.rfft(signals[:2], axis=1)[:, ALPHA]) ** 2
    variance = N_SAMPLES * NOISE**2 * (1 + np.exp(grid))
    return np.asarray(-power.sum() / variance - power.size * np.log(variance))


def _put_correlation(signals: Signals, correlation: float) -> None:
    rho = np.clip(correlation, -0.95, 0.95)
    signals[1] = rho * signals[0] + np.sqrt(1 - rho**2) * signals[1]


def _weigh_correlation(
    signals: Signals, grid: NDArray[np.float64]
) -> NDArray[np.float64]:
    rho = np.clip(grid, -0.95, 0.95)
    first, second = signals[:2] / NOISE
    left = 1 - rho**2
    square = first @ first * rho**2 - 2 * rho * (first @ second) + second @ second
    return np.asarray(-square / (2 * left) - N_SAMPLES / 2 * np.log(left))


def _put_bump(signals: Signals, size: float) -> None:
    signals[2] += size * BUMP


def _weigh_bump(signals: Signals, grid: NDArray[np.float64]) -> NDArray[np.float64]:
    left = signals[2] - grid[:, None] * BUMP
    return np.asarray(-np.square(left).sum(axis=1) / (2 * NOISE**2))


def _put_drift(signals: Signals, slope: float) -> None:
    signals[N_EEG] += slope * TIME_S


def _weigh_drift(signals: Signals, grid: NDArray[np.float64]) -> NDArray[np.float64]:
    # where the channel starts is not known: it is taken off
    left = signals[N_EEG] - grid[:, None] * TIME_S
    left = left - left.mean(axis=1, keepdims=True)
    return np.asarray(-np.square(left).sum(axis=1) / (2 * DRIFT_NOISE**2))


KINDS: Mapping[str, Kind] = {
    "band power": Kind(0.9, 0.45, _put_alpha, _weigh_alpha),
    "covariance": Kind(0.27, 0.11, _put_correlation, _weigh_correlation),
    "waveform": Kind(4.0, 2.7, _put_bump, _weigh_bump),
    "slow drift": Kind(0.01, 0.0071, _put_drift, _weigh_drift),
}
"""Chosen so that the best observer is right in 0.97, 0.99, 0.90 and 0.92 of trials."""


def make_trial(kind: str, is_high: bool, rng: np.random.Generator) -> Signals:
    """Return the signals of a trial, EEG first, shape (channel, time)."""
    made = KINDS[kind]
    signals = NOISE * rng.standard_normal((N_EEG + 1, N_SAMPLES))
    signals[N_EEG] *= DRIFT_NOISE / NOISE
    signals[N_EEG] += 31 + START * rng.standard_normal()
    center = made.shift if is_high else -made.shift
    made.put(signals, center + made.spread * rng.standard_normal())
    return signals


def observe(kind: str, signals: Signals) -> bool:
    """Return the label that the best observer gives a trial."""
    made = KINDS[kind]
    reach = made.shift + 5 * made.spread
    grid = np.linspace(-reach, reach, 801)
    weight = made.weigh(signals, grid)
    weight = np.exp(weight - weight.max())
    high, low = (
        weight @ norm.pdf(grid, side * made.shift, made.spread) for side in (1, -1)
    )
    return bool(high > low)


def write_known_store(
    root: Path, kind: str, *, n_subjects: int, seed: int
) -> SegmentStore:
    """Write a store of a kind of information, and open it."""
    rng = np.random.default_rng(seed)
    settings = to_dict(PrepareSettings())
    manifest = Manifest("known", False, settings, digest(settings), CHANNELS, {})
    (root / "subjects").mkdir(parents=True)
    (root / "manifest.json").write_text(manifest.to_json())
    for number in range(1, n_subjects + 1):
        subject = f"{number:02d}"
        high = rng.permutation(N_TRIALS) % 2 == 0
        blocks = [
            _cut_block(subject, f"{n + 1:02d}", bool(label), kind, rng)
            for n, label in enumerate(high)
        ]
        write_subject(root, subject, parts=iter(blocks), inputs={"inputs": {}})
    return open_store(root).cut()


def _cut_block(
    subject: str, trial: str, is_high: bool, kind: str, rng: np.random.Generator
) -> TrialBlock:
    signals = make_trial(kind, is_high, rng).astype(np.float32)
    seconds = signals.reshape(-1, N_SECONDS, SFREQ).swapaxes(0, 1)
    names = {"subject": subject, "trial": trial, "stimulus": trial}
    table = pd.DataFrame({"segment": range(N_SECONDS)}).assign(
        **names,
        recording=trial,
        duration_s=1.0,
        n_faces_found=0,
        n_faces_filled=0,
        n_frames_padded=0,
        **dict.fromkeys(Target, 7.0 if is_high else 3.0),
        **{f"has_{s}": int(s is not Stream.FACE) for s in PAPER_STREAMS},
    )
    return join_segments(
        table.assign(start_s=table["segment"] * 1.0),
        {Stream.EEG: seconds[:, :N_EEG], Stream.PERIPHERAL: seconds[:, N_EEG:]},
    )
