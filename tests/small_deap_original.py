"""Small copies of DEAP's raw recordings in their real format.

A signal depends on its label alone, so it is the same in every order of channels.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from deepvanet.synthetic.bdf import write_bdf
from small_deap import sample_ratings, write_ratings

SFREQ = 512
_GENEVA = """
    Fp1 AF3 F3 F7 FC5 FC1 C3 T7 CP5 CP1 P3 P7 PO3 O1 Oz Pz
    Fp2 AF4 Fz F4 F8 FC6 FC2 Cz C4 T8 CP6 CP2 P4 P8 PO4 O2
"""
_TWENTE = """
    Fp1 AF3 F7 F3 FC1 FC5 T7 C3 CP1 CP5 P7 P3 Pz PO3 O1 Oz
    O2 PO4 P4 P8 CP6 CP2 C4 T8 FC6 FC2 F4 F8 AF4 Fp2 Fz Cz
"""
GENEVA, TWENTE = _GENEVA.split(), _TWENTE.split()
OTHERS = [*(f"EXG{k}" for k in range(1, 9))]
OTHERS += ["GSR1", "GSR2", "Erg1", "Erg2", "Resp", "Plet", "Temp"]
FIRST_ONSET = 7 * SFREQ + 123
STEP = 13 * SFREQ + 77
"""Samples from one onset to the next; neither is a whole second."""


def sample_signal(label: str, n_samples: int) -> np.ndarray:
    """Return the signal of a label, in microvolts, Ohm or degrees."""
    rng = np.random.default_rng([ord(letter) for letter in label])
    noise = rng.standard_normal(n_samples)
    if label.startswith("GSR"):
        return 2e5 + 1e4 * noise
    if label == "Temp":
        return 30 + 0.1 * noise
    return 1000 * rng.standard_normal() + 30 * noise


def list_events(
    n_trials: int = 3, *, seconds: float = 4, end: bool = True
) -> list[tuple[int, int]]:
    """Return (sample, code) of an experiment as documented."""
    events = [(100, 1)]
    for trial in range(n_trials):
        onset = FIRST_ONSET + trial * STEP
        after = onset + round(seconds * SFREQ)
        events += [(onset - 6 * SFREQ, 2), (onset - 5 * SFREQ, 3), (onset, 4)]
        events += [(after, 5), (after + SFREQ, 1)]
    return [*events, (events[-1][0] + SFREQ, 7)] if end else events


def make_status(
    events: Iterable[tuple[int, int]],
    n_samples: int,
    *,
    above: int = 0,
    held: bool = False,
) -> np.ndarray:
    """Return status numbers; each code stands for 20 samples, or until the next."""
    status = np.zeros(n_samples, dtype=int)
    for sample, code in events:
        status[sample : None if held else sample + 20] = code
    return status | above


def write_recording(
    root: Path,
    subject: str,
    *,
    events: Sequence[tuple[int, int]] | None = None,
    eeg: Sequence[str] | None = None,
    others: Sequence[str] = OTHERS,
    replaced: Mapping[str, np.ndarray | float] | None = None,
    units: Mapping[str, str] | None = None,
    gsr: str | None = None,
    seconds: int = 48,
    sfreq: int = SFREQ,
    above: int = 0,
    held: bool = False,
    status_labels: Sequence[str] = ("Status",),
    knows_length: bool = True,
) -> Path:
    """Write a raw recording as the subject's laboratory did.

    Parameters
    ----------
    replaced : mapping
        Other signals by label, in the units of the file.
    gsr : str
        "nS" or "Ohm".
    """
    is_twente = int(subject) <= 22
    gsr = gsr or ("nS" if is_twente else "Ohm")
    labels = [*(eeg or (TWENTE if is_twente else GENEVA)), *others]
    n_samples = seconds * sfreq
    signals = {label: sample_signal(label, n_samples) for label in labels}
    if gsr == "nS":
        signals |= {x: 1e9 / signals[x] for x in ("GSR1", "GSR2") if x in labels}
    for label, signal in (replaced or {}).items():
        signals[label] = np.broadcast_to(np.asarray(signal, float), n_samples)
    named = {"GSR1": gsr, "GSR2": gsr, "Temp": "degC"} | dict(units or {})
    path = root / "data_original" / f"s{subject}.bdf"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bdf(
        path,
        np.stack([signals[label] for label in labels]),
        labels=labels,
        units=[named.get(label, "uV") for label in labels],
        sfreq=float(sfreq),
        status=make_status(
            list_events() if events is None else events,
            n_samples,
            above=above,
            held=held,
        ),
        status_labels=status_labels,
        knows_length=knows_length,
    )
    return path


def write_small_original(
    root: Path, *, subjects: Sequence[str] = ("01",), n_trials: int = 3, **options
) -> Path:
    """Write raw recordings and their ratings; no trial shows its own experiment."""
    rng = np.random.default_rng(0)
    (root / "metadata_csv").mkdir(parents=True)
    rows = []
    for subject in subjects:
        rows += sample_ratings(rng, int(subject), n_trials)
        write_recording(root, subject, **options)
    write_ratings(root, rows)
    return root
