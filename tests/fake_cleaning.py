"""What a run says of cleaned recordings, invented: tables, spectra, an excerpt."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from deepvanet import results

CHANNELS = ("Fp1", "Fp2", "F7", "F8", "Cz", "T7", "P3", "Oz")
SFREQ = 128
TOO_SHORT = "too short to be unmixed: 12,800 samples of 19,220"
NO_PULSES = "no status pulses: onset assumed at 30 s"


def write_cleaning(
    path: Path,
    *,
    subjects: Sequence[str] = ("01", "02", "03", "04", "05", "06"),
    n_recordings: int = 4,
    seed: int = 0,
    **changes: Any,
) -> pd.DataFrame:
    """Write the three files into a run; return the table of recordings.

    Parameters
    ----------
    changes
        Columns of the table that get this value in every row.
    """
    rng = np.random.default_rng(seed)
    names = [
        (who, f"{130 * place + 2 * number}")
        for place, who in enumerate(subjects)
        for number in range(1, n_recordings + 1)
    ]
    table = pd.DataFrame([_invent_row(*name, rng) for name in names])
    table.loc[table.index[5::9], ["note", "variance_removed"]] = [TOO_SHORT, np.nan]
    flat = {"is_unmixed": 0, "n_components": 0, "n_removed": 0, "removed": ""}
    table.loc[table["note"] == TOO_SHORT, list(flat)] = list(flat.values())
    late = table.index[2::7]
    notes = [
        results.NOTE_SEPARATOR.join(filter(None, [NO_PULSES, note]))
        for note in table.loc[late, "note"]
    ]
    table.loc[late, "note"] = notes
    table = table.assign(**changes)
    results.write_table(path / "recordings.csv", [table], results.RECORDING_COLUMNS)
    results.write_table(
        path / "spectra.csv",
        [_invent_spectra(*name, rng) for name in names],
        results.SPECTRUM_COLUMNS,
    )
    np.savez(path / "excerpt.npz", **invent_excerpt(*names[0], rng))
    return table


def _invent_row(
    subject: str, recording: str, rng: np.random.Generator
) -> dict[str, Any]:
    counts = {
        name: int(rng.poisson(rate))
        for name, rate in (
            ("eye", 1.8),
            ("muscle", 2.2),
            ("heart", 0.3),
            ("channel", 0.5),
        )
    }
    bad = rng.choice(["T7", "Fp1", "PO4", "FC5"], rng.poisson(0.4), replace=False)
    return {
        "subject": subject,
        "recording": recording,
        "n_trials": 1,
        "seconds": round(float(rng.uniform(94, 198)), 1),
        "sfreq": 256,
        "artefacts": "icalabel",
        "is_unmixed": 1,
        "n_eeg": 32,
        "bad_channels": "+".join(bad),
        "n_components": 31 - len(bad),
        "n_removed": sum(counts.values()),
        "removed": "+".join(f"{name}:{n}" for name, n in counts.items() if n),
        "variance_removed": float(rng.beta(2.5, 4)),
        "note": "",
    }


def _invent_spectra(
    subject: str, recording: str, rng: np.random.Generator
) -> pd.DataFrame:
    """Draw 1/f with alpha and 50 Hz, then what a band-pass of 4-45 Hz leaves."""
    frequency = np.arange(1, 61)
    brain = 18 - 14 * np.log10(frequency) + rng.normal(0, 1.5)
    brain = brain + rng.uniform(4, 9) * np.exp(-(((frequency - 10) / 1.8) ** 2))
    artefacts = 12 * np.exp(-frequency / 4) + 6 / (1 + np.exp(-(frequency - 25) / 5))
    line = 25 * np.exp(-(((frequency - 50) / 0.7) ** 2))
    edges = 1 / np.sqrt(1 + (4 / frequency) ** 16) / np.sqrt(1 + (frequency / 45) ** 40)
    return pd.DataFrame(
        {
            "subject": subject,
            "recording": recording,
            "frequency_hz": frequency,
            "before_db": brain + artefacts * rng.uniform(0.7, 1.3) + line,
            "after_db": brain + 20 * np.log10(edges) + rng.normal(0, 0.4, 60),
        }
    )


def invent_excerpt(
    subject: str, recording: str, rng: np.random.Generator
) -> Mapping[str, np.ndarray]:
    """Draw ten seconds with blinks in front and a burst at the left temple."""
    time = np.arange(10 * SFREQ) / SFREQ
    noise = rng.normal(0, 1, (len(CHANNELS), len(time)))
    brain = np.array([np.convolve(row, np.hanning(9), "same") for row in noise]) * 3
    brain[-2:] += 8 * np.sin(2 * np.pi * 10 * time) * (1 + np.sin(time))
    blinks = sum(110 * np.exp(-(((time - at) / 0.09) ** 2)) for at in (1.2, 4.4, 8.1))
    front = np.array([1, 0.95, 0.45, 0.4, 0.15, 0.1, 0.05, 0])[:, None]
    burst = rng.normal(0, 18, len(time)) * ((time > 5.5) & (time < 7))
    temple = np.array([0, 0, 0.2, 0, 0, 1, 0.1, 0])[:, None]
    return {
        "before": (brain + front * blinks + temple * burst).astype(np.float32),
        "after": brain.astype(np.float32),
        "sfreq": np.array(float(SFREQ)),
        "channels": np.array(CHANNELS),
        "subject": np.array(subject),
        "recording": np.array(recording),
        "start_s": np.array(61.0),
    }
