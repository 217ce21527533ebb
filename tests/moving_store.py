"""Small stores whose skin temperature shows a rating that moves, some seconds early."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter1d

from deepvanet.config import PrepareSettings, digest, to_dict
from deepvanet.schema import Channel, ChannelType, Stream, Target, TraceFormat
from deepvanet.store import Manifest, TrialBlock, write_subject

SFREQ, RATE = 16, 20.0
CHANNELS = (
    Channel("Finger", ChannelType.TEMPERATURE, "degC"),
    Channel("Wrist", ChannelType.TEMPERATURE, "degC"),
)
SLOW_S = 1.2
"""How smooth the rating is."""


def write_moving_store(
    root: Path,
    *,
    n_subjects: int = 2,
    n_trials: int = 4,
    seconds: Sequence[int] = (40,),
    lag_s: float = 1.5,
    noise: float = 0.0,
    effect: float = 1.0,
    shares_clips: bool = True,
    seed: int = 0,
) -> Path:
    """Write a store of trials; return its folder.

    Parameters
    ----------
    seconds : sequence of int
        How long trials last, again and again.
    lag_s : float
        By how much the rating follows the signal.
    noise : float
        Standard deviation of what is added to the signal's seconds, where 1 is that of
        the rating.
    effect : float
        How far the signal moves with the rating; 0: not at all.
    shares_clips : bool
        Whether subjects feel alike in the same clip.
    """
    rng = np.random.default_rng(seed)
    settings = to_dict(PrepareSettings(sfreq=float(SFREQ)))
    form = TraceFormat(RATE, ("valence", "arousal"))
    manifest = Manifest("own", False, settings, digest(settings), CHANNELS, {}, form)
    (root / "subjects").mkdir(parents=True)
    (root / "manifest.json").write_text(manifest.to_json())
    clips = [_feel(rng, seconds[k % len(seconds)] + 8) for k in range(n_trials)]
    for number in range(n_subjects):
        subject = f"{number + 1:02d}"
        blocks = []
        for trial, clip in enumerate(clips):
            own = _feel(rng, len(clip) / RATE)
            felt = 0.6 * clip + 0.8 * own if shares_clips else own
            lasts_s = seconds[trial % len(seconds)]
            blocks.append(
                _make_trial(subject, trial, felt, lasts_s, lag_s, noise, effect, rng)
            )
        write_subject(root, subject, parts=iter(blocks), inputs={"inputs": {}})
    return root


def _feel(rng: np.random.Generator, seconds: float) -> np.ndarray:
    """Return two smooth courses of standard deviation 1, at the rate of ratings."""
    n = round(seconds * RATE)
    smooth = gaussian_filter1d(rng.standard_normal((n, 2)), SLOW_S * RATE, axis=0)
    return (smooth - smooth.mean(axis=0)) / smooth.std(axis=0)


def _make_trial(
    subject: str,
    trial: int,
    felt: np.ndarray,
    lasts_s: int,
    lag_s: float,
    noise: float,
    effect: float,
    rng: np.random.Generator,
) -> TrialBlock:
    early = round(8 * RATE)  # of which the first part is said before the onset
    times = np.arange(lasts_s * SFREQ) / SFREQ
    at = early + np.round(times * RATE).astype(int)
    shift = round(lag_s * RATE)
    seconds = np.repeat(rng.standard_normal((lasts_s, 2)), SFREQ, axis=0)
    signal = 30 + effect * felt[at] + noise * seconds
    said = early - shift + np.arange(round(lasts_s * RATE))
    rated = 5 + felt[said]
    names = {"subject": subject, "trial": f"{trial + 1:02d}", "recording": "all"}
    means = dict(zip(map(str, Target), rated.mean(axis=0).tolist(), strict=True))
    return TrialBlock(
        row={
            **names,
            "stimulus": f"clip {trial + 1}",
            "duration_s": float(lasts_s),
            "n_frames": 0,
            "has_video": 0,
            **means,
        },
        arrays={Stream.PERIPHERAL: signal.astype(np.float32)},
        trace=rated.astype(np.float32),
    )
