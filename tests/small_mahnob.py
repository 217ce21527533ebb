"""Small copies of MAHNOB-HCI in its real formats."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np

from deepvanet.synthetic.bdf import write_bdf
from films import number_pictures, write_video

SFREQ = 256
REST_S = 30
PULSE = 268
_EEG = """
    Fp1 AF3 F3 F7 FC5 FC1 C3 T7 CP5 CP1 P3 P7 PO3 O1 Oz Pz
    Fp2 AF4 Fz F4 F8 FC6 FC2 Cz C4 T8 CP6 CP2 P4 P8 PO4 O2
"""
LABELS = [*_EEG.split(), *(f"EXG{k}" for k in range(1, 9))]
LABELS += ["GSR1", "GSR2", "Erg1", "Erg2", "Resp", "Temp"]
UNITS = {"GSR1": "Ohm", "GSR2": "Ohm", "Temp": "degC"}
JUNK = 0xD9_0000
"""Battery and range bits, as they stand above the lower 16."""
FELT = {"feltVlnc": "7", "feltArsl": "3"}


def number_of(subject: int, trial: int) -> int:
    """Return the session of an emotional trial."""
    return 130 * (subject - 1) + 2 * trial


def sample_signals(seconds: float, *, sfreq: int = SFREQ, seed: int = 0) -> np.ndarray:
    """Return all signals but the status, in their units, each of a level of its own."""
    rng = np.random.default_rng(seed)
    n_samples = round(seconds * sfreq)
    level = np.arange(len(LABELS))[:, None] * 100.0
    spread = np.full((len(LABELS), 1), 30.0)
    for label, (mean, sd) in {"GSR1": (3e5, 2e3), "Temp": (31.0, 0.1)}.items():
        level[LABELS.index(label)], spread[LABELS.index(label)] = mean, sd
    return level + spread * rng.standard_normal((len(LABELS), n_samples))


def make_status(onset: int, end: int, n_samples: int) -> np.ndarray:
    """Return a status that pulses for a tenth of a second, with junk above."""
    status = np.full(n_samples, JUNK)
    for sample in (onset, end):
        status[sample : sample + SFREQ // 10] |= PULSE
    return status


def write_session(
    root: Path,
    number: int = 2,
    *,
    stimulus_s: int = 4,
    media: str = "53.avi",
    felt: Mapping[str, str] | None = None,
    bio: np.ndarray | None = None,
    status: np.ndarray | None = None,
    labels: Sequence[str] = LABELS,
    sfreq: int = SFREQ,
    has_bdf: bool = True,
    has_video: bool = True,
    knows_length: bool = True,
    kind: str = "emotion elicitation",
    is_stim: str = "1",
    vid_rate: str = "60.9708",
) -> Path:
    """Write a session of one clip, with decoys, and return its folder."""
    subject, offset = (number - 1) // 130 + 1, (number - 1) % 130 + 1
    folder = root / "Sessions" / str(number)
    folder.mkdir(parents=True)
    seconds = 2 * REST_S + stimulus_s
    bio = sample_signals(seconds, sfreq=sfreq) if bio is None else bio
    if status is None:
        onset = REST_S * sfreq
        status = make_status(onset, onset + stimulus_s * sfreq, bio.shape[1])
    code = "S" if is_stim == "1" else "N"
    bdf = f"Part_{subject}_{code}_Trial{(offset + 1) // 2}_emotion.bdf"
    stem = f"P{subject}-Rec1-2009.07.09.17.53.46"
    colour = f"{stem}_C1 trigger _C_Section_{offset}.avi"
    grey = f"{stem}_BW1 _BW_Section_{offset}.avi"
    tracks = []
    if has_bdf:
        units = [UNITS.get(label, "uV") for label in labels]
        write_bdf(
            folder / bdf,
            bio,
            labels=labels,
            units=units,
            sfreq=float(sfreq),
            status=status,
            knows_length=knows_length,
        )
        tracks.append({"type": "Physiological", "filename": bdf})
    if has_video:
        n_frames = 61 * (stimulus_s + 1)
        write_video(folder / grey, number_pictures([0] * 5), fps=61)
        write_video(folder / colour, number_pictures(range(n_frames)), fps=61)
        tracks.append({"type": "Video", "color": "0", "filename": grey})
        tracks.append({"type": "Video", "color": "1", "filename": colour})
    attributes = {
        "sessionId": str(number),
        "experimentType": kind,
        "isStim": is_stim,
        "cutNr": str(offset),
        "mediaFile": media,
        "vidRate": vid_rate,
        **(FELT if felt is None else felt),
    }
    write_xml(folder, attributes, tracks, subject=str(subject))
    return folder


def write_xml(
    folder: Path,
    attributes: Mapping[str, str],
    tracks: Sequence[Mapping[str, str]],
    *,
    subject: str = "1",
) -> None:
    """Write a ``session.xml`` whose tracks are nested as in the real one."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f"<session {spell(attributes)}>"]
    lines.append(f'<subject id="{subject}" gender="m"/>')
    for track in tracks:
        inner = '<annotation type="Gaze" filename="gaze.tsv"/>'
        lines.append(f"<track {spell(track)}>{inner}</track>")
    (folder / "session.xml").write_text("\n".join([*lines, "</session>"]))


def spell(attributes: Mapping[str, str]) -> str:
    return " ".join(f"{key}={quoteattr(text)}" for key, text in attributes.items())
