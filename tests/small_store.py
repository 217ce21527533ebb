"""Small stores of noise in which a rating shows, in the real format."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from deepvanet.config import PrepareSettings, digest, to_dict
from deepvanet.labels import label_ratings
from deepvanet.learners.held_seconds import hold_seconds
from deepvanet.schema import PAPER_STREAMS, Channel, ChannelType, Goal, Stream, Target
from deepvanet.store import (
    Manifest,
    Rows,
    SegmentStore,
    TrialBlock,
    open_store,
    write_subject,
)
from segment_blocks import join_segments

CHANNELS = (
    Channel("Fp1", ChannelType.EEG, "uV"),
    Channel("Cz", ChannelType.EEG, "uV"),
    Channel("Oz", ChannelType.EEG, "uV"),
    Channel("GSR", ChannelType.GSR, "Ohm"),
    Channel("Temp", ChannelType.TEMPERATURE, "degC"),
)
GAZE_CHANNELS = (
    Channel("Gaze x", ChannelType.GAZE_POSITION, "px"),
    Channel("Gaze y", ChannelType.GAZE_POSITION, "px"),
    Channel("Pupil left", ChannelType.PUPIL, "mm"),
)
BIO_UNITS = {
    Stream.EEG: (np.zeros((3, 1)), 10 * np.ones((3, 1))),
    Stream.PERIPHERAL: (np.array([[2e5], [31.0]]), np.array([[3e3], [0.5]])),
    Stream.GAZE: (np.array([[600], [500], [3.5]]), np.array([[200], [150], [0.4]])),
}


def write_small_store(
    root: Path,
    *,
    n_subjects: int = 2,
    n_trials: int = 6,
    n_segments: int = 4,
    streams: Iterable[Stream] = PAPER_STREAMS,
    effect: float = 1.0,
    without_face: Iterable[str] = (),
    artefacts: str = "none",
    baseline: str = "mean",
    in_one_recording: bool = False,
    dataset: str = "deap",
    images: tuple[int, int] = (2, 24),
    personal: bool = False,
    n_sessions: int = 0,
    graded: bool = False,
    arousal_effect: float = 0.0,
    seed: int = 0,
) -> SegmentStore:
    """Write a store of noise in which valence shows, and cut it into seconds.

    Half of each subject's trials are rated high, of each target. Three channels of
    EEG and two peripheral ones; 2 images of 24 x 24 a segment: networks are quick.

    Parameters
    ----------
    effect : float
        By how many standard deviations a high rating moves signals and brightness.
    without_face : iterable of str
        Subjects who have no video.
    artefacts : str
        How the store says that its EEG was cleaned.
    baseline : str
        ``none``: trials have no baseline; else it is a second of zeros, so that
        nothing is subtracted.
    in_one_recording : bool
        Whether a subject's trials lie in one recording, or each in its own.
    images : tuple of int
        How many a segment has, and their side in pixels; fewer and smaller ones make
        a network quick.
    personal : bool
        Whether a subject has one rating over all its trials: every other one is high.
    n_sessions : int
        How many sessions a subject's trials lie in, in turn; 0: it is not stated.
    graded : bool
        Whether ratings lie evenly between 1 and 9, and show by how far they are from 5;
        a trial then has a dominance, which is its valence, and a text, its mood.
    arousal_effect : float
        By how many standard deviations a high arousal moves the last channel of EEG.
    """
    rng, streams = np.random.default_rng(seed), tuple(streams)
    settings = to_dict(PrepareSettings(artefacts=artefacts, face_fps=float(images[0])))
    channels = CHANNELS + (GAZE_CHANNELS if Stream.GAZE in streams else ())
    named = tuple(s for s in Stream if s in {*PAPER_STREAMS, *streams})
    manifest = Manifest(
        dataset, False, settings, digest(settings), channels, {}, streams=named
    )
    (root / "subjects").mkdir(parents=True)
    (root / "manifest.json").write_text(manifest.to_json())
    for number in range(1, n_subjects + 1):
        subject = f"{number:02d}"
        held = [s for s in streams if s != Stream.FACE or subject not in without_face]
        valence, arousal = (rng.permutation(n_trials) % 2 * 4 + 3.0 for _ in "va")
        if graded:
            scale = np.linspace(1, 9, n_trials)
            valence, arousal = (rng.permutation(scale) for _ in "va")
        if personal:
            valence[:] = arousal[:] = 7.0 if number % 2 else 3.0
        blocks = [
            _sample_trial(
                {"subject": subject, "trial": f"{trial + 1:02d}"}
                | ({"session": f"day {trial % n_sessions}"} if n_sessions else {})
                | (_name_mood(valence[trial]) if graded else {}),
                "all" if in_one_recording else f"{trial + 1:02d}",
                {Target.VALENCE: valence[trial], Target.AROUSAL: arousal[trial]},
                stimulus=str(stimulus + 1),
                n_segments=n_segments,
                streams=held,
                effect=effect * (valence[trial] - 5) / 2
                if graded
                else effect * (1 if valence[trial] >= 5 else -1),
                images=images,
                rest=0 if baseline == "none" else 128,
                rng=rng,
                of_last=arousal_effect * (arousal[trial] - 5) / 2,
            )
            for trial, stimulus in enumerate(rng.permutation(n_trials))
        ]
        write_subject(
            root, subject, parts=iter(blocks), inputs={"inputs": {}}, streams=named
        )
    return open_store(root).cut()


def _name_mood(valence: float) -> dict[str, object]:
    mood = "sad" if valence < 4 else "calm" if valence <= 6 else "glad"
    return {"dominance": round(float(valence), 3), "mood": mood}


def take_rows(store: SegmentStore, streams: Iterable[Stream] = PAPER_STREAMS) -> Rows:
    """Take all rows that have the streams, with valence labels."""
    numbers = store.rows_with(tuple(streams))
    ratings = store.table[Target.VALENCE].to_numpy()[numbers]
    return Rows(store, numbers, tuple(streams), label_ratings(ratings, ">=5"))


def rate(rows: Rows) -> Rows:
    """Return rows with their valence as it was rated, to be predicted as a number."""
    rated = rows.table[Target.VALENCE].to_numpy(dtype=float)
    return replace(rows, label=rated, goal=Goal("rating"))


def hold(
    arrays: Mapping[Stream, np.ndarray], channels: Sequence[Channel] = CHANNELS
) -> Rows:
    """Return arrays, by default of the small store's channels, as a recording."""
    return hold_seconds(arrays, channels=channels, sfreq=128.0)


def _sample_trial(
    names: Mapping[str, str],
    recording: str,
    ratings: Mapping[Target, float],
    *,
    stimulus: str,
    n_segments: int,
    streams: Iterable[Stream],
    effect: float,
    images: tuple[int, int],
    rest: int,
    rng: np.random.Generator,
    of_last: float = 0.0,
) -> TrialBlock:
    streams = tuple(streams)
    table = pd.DataFrame({"segment": range(n_segments)}).assign(
        **names, **ratings, stimulus=stimulus, recording=recording, n_frames_padded=0
    )
    table = table.assign(duration_s=1.0)
    table = table.assign(start_s=table["segment"] * 1.0, n_faces_filled=0)
    n_images, side = images
    table = table.assign(n_faces_found=n_images * (Stream.FACE in streams))
    table = table.assign(
        **{
            f"has_{s}": int(s in streams)
            for s in dict.fromkeys((*PAPER_STREAMS, *streams))
        }
    )
    arrays = {}
    for stream, (level, unit) in BIO_UNITS.items():
        if stream not in (*PAPER_STREAMS, *streams):
            continue
        noise = rng.normal(effect, 1.0, (n_segments, len(level), 128))
        if stream is Stream.EEG:
            noise[:, -1] += of_last
        arrays[stream] = (level + unit * noise).astype(np.float32)
    shape = (n_segments, n_images, side, side, 3)
    pixels = rng.normal(128 + 30 * effect, 30, shape)
    arrays[Stream.FACE] = pixels.clip(0, 255).astype(np.uint8)
    held = {stream: arrays[stream] for stream in streams}
    return join_segments(table, held, rest=rest)
