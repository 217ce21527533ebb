"""Small copies of WESAD in its real format, pickled as Python 2 did, by hand."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

CHEST_HZ, WRIST_HZ = 700, {"ACC": 32, "BVP": 64, "EDA": 4, "TEMP": 4}
USUAL = ((0, 2), (1, 4), (0, 1), (6, 1), (2, 3), (0, 1), (4, 3), (3, 3), (4, 3), (0, 2))
"""Labels, and how many seconds each stands: rest, stress, meditation, fun, the same."""
ORDER = ("Base", "TSST", "Medi 1", "Fun", "Medi 2")
FELT = ((7, 2), (3, 8), (6, 1), (8, 6), (7, 1))
"""Valence and arousal, in the order of conditions."""


def make_signals(
    stretches: Sequence[tuple[int, float]] = USUAL, *, seed: int = 0
) -> dict[str, object]:
    """Return what a pickle holds: noise around what each channel usually is."""
    rng = np.random.default_rng(seed)
    label = np.concatenate([np.full(round(s * CHEST_HZ), k) for k, s in stretches])
    seconds = len(label) / CHEST_HZ

    def sample(level: float, spread: float, sfreq: int, n: int = 1) -> np.ndarray:
        return level + spread * rng.standard_normal((round(seconds * sfreq), n))

    chest = {
        "ACC": sample(0.5, 0.1, CHEST_HZ, 3),
        "ECG": sample(0.0, 0.2, CHEST_HZ),
        "EMG": sample(0.0, 0.01, CHEST_HZ),
        "EDA": sample(5.0, 0.1, CHEST_HZ),
        "Temp": sample(34.0, 0.01, CHEST_HZ).astype("f4"),
        "Resp": sample(0.0, 2.0, CHEST_HZ),
    }
    levels = {"ACC": 60.0, "BVP": 0.0, "EDA": 1.0, "TEMP": 32.0}
    wrist = {
        name: sample(levels[name], 0.05, sfreq, 3 if name == "ACC" else 1)
        for name, sfreq in WRIST_HZ.items()
    }
    signals = {"chest": chest, "wrist": wrist}
    return {"signal": signals, "label": label.astype("i4"), "subject": "S2"}


def describe(
    order: Sequence[str] = (*ORDER, "sRead", "fRead"),
    felt: Sequence[Sequence[object]] = FELT,
) -> str:
    """Return a table of answers."""
    start = ";".join(f"{k + 7}.08" for k in range(len(order)))
    lines = ["# Subj;S2;;;;", f"# ORDER;{';'.join(order)};;", f"# START;{start};;"]
    lines += [f"# END;{start};;", ";;;;;", *["# PANAS;1;1;3;;"] * len(felt), ";;;"]
    lines += [f"# DIM;{';'.join(map(str, row))};;;" for row in felt]
    return "\n".join([*lines, ";;;", "# SSSQ;1;2;3;4;5;1;;", ""])


def pickle_in_protocol_0(value: object) -> bytes:
    """Return a value as ``cPickle.dump(value, file)`` of Python 2 wrote it."""
    return _dump(value) + b"."


def _dump(value: object) -> bytes:
    if isinstance(value, Mapping):
        items = (
            _quote(key.encode()) + _dump(held) + b"s" for key, held in value.items()
        )
        return b"(d" + b"".join(items)
    if isinstance(value, str):
        return _quote(value.encode())
    array = np.asarray(value)
    shape = b"".join(b"I%d\n" % n for n in array.shape)
    return (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR"
        b"(I1\n(" + shape + b"tcnumpy\ndtype\n(" + _quote(array.dtype.str[1:].encode())
        + b"I0\nI1\ntR(I3\nS'<'\nNNNI-1\nI-1\nI0\ntbI00\n"
        + _quote(array.tobytes()) + b"tb"
    )  # fmt: skip


def _quote(raw: bytes) -> bytes:
    # a double quote among the bytes makes repr choose single ones, as Python 2's did
    return b"S'" + repr(b'"' + raw)[3:-1].encode() + b"'\n"


def write_wesad_subject(
    root: Path,
    number: int = 2,
    *,
    signals: Mapping[str, object] | None = None,
    answers: str | None = None,
    **options: object,
) -> Path:
    """Write a subject's two files; return the pickle."""
    folder = root / f"S{number}"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"S{number}.pkl"
    held = make_signals(seed=number, **options) if signals is None else signals
    path.write_bytes(pickle_in_protocol_0(held))
    text = describe() if answers is None else answers
    (folder / f"S{number}_quest.csv").write_text(text, encoding="latin-1")
    return path
