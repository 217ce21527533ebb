"""Write a small study of synthetic recordings, as tables: what the examples start from.

Each subject has one table of signals and sees each clip once. A high valence raises the
alpha rhythm, a high arousal the skin conductance and the pupil, by ``effect``; and each
trial has a mark of its own that no rating explains, as in real recordings.
"""

from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pandas as pd

RATE = 128
EEG = ("F3", "F4", "Cz", "Pz", "O1", "O2")
BASELINE_S = 2.0


def write_study(*, n_subjects=3, n_trials=12, seconds=6, effect=1.0, seed=0):
    """Write a table of signals for each subject; return the table of trials."""
    rng = np.random.default_rng(seed)
    folder = Path(mkdtemp(prefix="deepvanet-"))
    trials = []
    for subject in range(1, n_subjects + 1):
        ratings = {
            name: np.round(rng.permutation(np.linspace(1, 9, n_trials)), 1)
            for name in ("valence", "arousal")
        }
        clips = rng.permutation(n_trials)
        blocks = [
            sample_trial(
                ratings["valence"][k], ratings["arousal"][k], seconds, effect, rng
            )
            for k in range(n_trials)
        ]
        table = pd.concat(blocks, ignore_index=True)
        table.insert(0, "time_s", np.arange(len(table)) / RATE)
        table.to_csv(folder / f"s{subject}.csv", index=False, float_format="%.6g")
        for k in range(n_trials):
            trials.append(
                {
                    "subject": f"{subject:02d}",
                    "trial": f"{k + 1:02d}",
                    "stimulus": f"clip-{clips[k] + 1:02d}",
                    "bio": f"s{subject}.csv",
                    "onset_s": k * (seconds + BASELINE_S) + BASELINE_S,
                    "duration_s": seconds,
                    "valence": ratings["valence"][k],
                    "arousal": ratings["arousal"][k],
                }
            )
    (folder / "recordings.toml").write_text(f"baseline_s = {BASELINE_S:g}\n")
    pd.DataFrame(trials).to_csv(folder / "trials.csv", index=False)
    return folder / "trials.csv"


def sample_trial(valence, arousal, seconds, effect, rng):
    """Return the signals of a trial, two seconds of baseline first."""
    n = round((BASELINE_S + seconds) * RATE)
    time = np.arange(n) / RATE - BASELINE_S
    during = time >= 0
    pleased, stirred = (valence - 5) / 4, (arousal - 5) / 4
    alpha = 4 * np.exp(0.35 * effect * pleased * during + 0.2 * rng.standard_normal())
    columns = {}
    for name in EEG:
        phase = rng.uniform(0, 2 * np.pi) + np.cumsum(0.05 * rng.standard_normal(n))
        rhythm = alpha * np.sin(2 * np.pi * 10 * time + phase)
        noise = 8 * np.exp(0.4 * rng.standard_normal()) * rng.standard_normal(n)
        columns[f"{name} [uV]"] = rhythm + noise
    rise = 1 - np.exp(-np.maximum(time, 0) / 2)
    reaction = 0.5 * rng.standard_normal()  # which no rating explains
    level = 6 + rng.standard_normal() + (0.3 * effect * stirred + reaction) * rise
    columns["GSR [uS]"] = level + 0.05 * rng.standard_normal(n)
    wander = np.cumsum(rng.standard_normal((2, n)), axis=1)
    columns["Gaze x [px]"], columns["Gaze y [px]"] = 500 + wander
    reaction = 0.25 * rng.standard_normal()
    pupil = 3.5 + 0.2 * rng.standard_normal()
    pupil = pupil + (0.15 * effect * stirred + reaction) * rise
    columns["Pupil [mm]"] = pupil + 0.03 * rng.standard_normal(n)
    return pd.DataFrame(columns)
