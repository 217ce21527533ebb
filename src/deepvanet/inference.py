"""A bundle, a face video and signals -> valence and arousal for each second.

Each second is answered by the network with the most streams that this second
has: where the face is lost, or before the video starts, by the signals alone.
A score is the probability of a *high self-rating*, learnt from one rating a
trial; it is not an intensity.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from deepvanet.bundle import Bundle, load_bundle
from deepvanet.datasets.recordings import read_recording
from deepvanet.files import check_file, whole_file
from deepvanet.preprocessing import segments
from deepvanet.preprocessing.bio import BASELINES
from deepvanet.preprocessing.cleaning import clean
from deepvanet.preprocessing.face import FrameState, make_backend, track_face
from deepvanet.preprocessing.video import probe, sample_frames
from deepvanet.schema import (
    STREAM_SETS,
    Recording,
    Stream,
    Target,
    UserError,
    as_recording,
)

TIMELINE_COLUMNS = (
    "time_s",
    "valence",
    "arousal",
    "valence_label",
    "arousal_label",
    "face_found",
    "streams",
)


USUAL_REST_S = 3.0
"""Of a recording of which nothing else is known, at its start."""


@dataclass(frozen=True)
class Timeline:
    """Scores of a recording, one row a second.

    Attributes
    ----------
    table : DataFrame
        Columns ``TIMELINE_COLUMNS``; a score is empty where no network could say.
    """

    table: pd.DataFrame

    def write(self, path: Path) -> None:
        """Write the table as CSV, whole or not at all."""
        check_file(path)
        with whole_file(path) as unfinished:
            self.table.to_csv(unfinished, index=False, float_format="%.6g")

    def lines(self) -> list[str]:
        """Say it in sentences."""
        n_answered = int((self.table["streams"] != "").sum())
        n_faces = int(self.table["face_found"].sum())
        return [
            f"{len(self.table)} seconds: {n_answered} answered, {n_faces} with a face"
        ]


@dataclass(frozen=True)
class _Seconds:
    """A stream's segments and the second of the recording they start at."""

    first: int
    has: Bool[np.ndarray, " second"]
    array: NDArray[Any]


def predict(
    model: Path,
    *,
    video: Path | None,
    bio: Path | None,
    trial: str | None = None,
    video_offset_s: float | None = None,
    baseline_s: tuple[float | None, float | None] = (None, None),
) -> Timeline:
    """Score each second of a recording.

    Parameters
    ----------
    video, bio : Path, optional
        At least one.
    trial : str, optional
        Which trial of a signal file that holds several.
    video_offset_s : float, optional
        Second of the signals at which the video starts; where it is not given,
        where the data set's videos do, as at the stimulus, else 0.
    baseline_s : (float | None, float | None)
        Start and end of the rest that the bundle's recipe subtracts, in seconds of
        the signals. None is the rest before the stimulus of a data set's file, else
        the first three seconds.

    Raises
    ------
    UserError
        When the recording does not fit the bundle.
    """
    bundle = load_bundle(model)
    if video is None and bio is None:
        raise UserError("predict: needs --video, --bio or both")
    offset_s, true_fps = video_offset_s or 0.0, None
    seconds: dict[Stream, _Seconds] = {}
    if bio is not None:
        recording = _read(bio, bundle, trial)
        rest_s = _place_rest(recording, *baseline_s)
        seconds |= _cut_signals(recording, bundle, bio, rest_s)
        for span in recording.spans:
            if video_offset_s is None:
                offset_s = span.onset_s - span.video_onset_s
            if video and span.video and video.samefile(span.video):
                true_fps = span.fps
    if video is not None:
        end = max((item.first + len(item.has) for item in seconds.values()), default=0)
        seconds[Stream.FACE] = _cut_video(
            video, bundle, offset_s, true_fps=true_fps, signals_end=end
        )
    return Timeline(_score(bundle, seconds))


def _cut_signals(
    recording: Recording,
    bundle: Bundle,
    path: Path,
    baseline_s: tuple[float, float],
) -> dict[Stream, _Seconds]:
    """Cut cleaned signals as the bundle's recipe says, stream by stream."""
    sfreq = bundle.recipe.sfreq
    rest = _cut_rest(recording, path, baseline_s)
    remove = BASELINES[bundle.recipe.baseline]
    signals = remove(recording.bio, rest, segments.measure_segment(sfreq))
    array = segments.cut_bio(signals, sfreq=sfreq)
    return {
        stream: _Seconds(0, np.ones(len(array), bool), array[:, index])
        for stream, index in _place_channels(recording, bundle, path).items()
    }


def _read(path: Path, bundle: Bundle, trial: str | None) -> Recording:
    """Read a recording, and clean it as those that the bundle was trained on."""
    recording = read_recording(path, channels=bundle.channels, trial=trial)
    _place_channels(recording, bundle, path)  # refuses before the long work
    recording = _clean(recording, bundle, path)
    if trial is None:
        return recording
    return as_recording(next(segments.cut_trials(recording)))


def _place_channels(
    recording: Recording, bundle: Bundle, path: Path
) -> dict[Stream, list[int]]:
    """Return where the channels lie that the bundle needs, stream by stream."""
    places = {}
    for stream in dict.fromkeys(channel.stream for channel in recording.channels):
        if stream not in bundle.streams:
            continue
        wanted = bundle.channels_of(stream)
        missing = [c.name for c in wanted if c not in recording.channels]
        if missing:
            raise UserError(
                f"--bio {path}: {len(missing)} of {len(wanted)} {stream} channels are "
                f"missing: {', '.join(missing)}"
            )
        places[stream] = [recording.channels.index(channel) for channel in wanted]
    return places


def _clean(recording: Recording, bundle: Bundle, path: Path) -> Recording:
    """Bring a recording to where the bundle's own were before they were cut."""
    recipe = bundle.recipe
    if bundle.is_raw and not recording.is_raw:
        raise UserError(
            f"--bio {path}: the bundle was trained on raw recordings, got one that "
            "was filtered before"
        )
    if bundle.is_raw:
        cleaned = clean(
            recording,
            artefacts=recipe.artefacts,
            probability=recipe.artefact_probability,
            sfreq=recipe.sfreq,
            seed=recipe.seed,
        )
        return cleaned.recording
    if recording.sfreq != recipe.sfreq:
        raise UserError(
            f"--bio {path}: the bundle was trained at {recipe.sfreq:g} Hz, got "
            f"{recording.sfreq:g} Hz"
        )
    return recording


def _place_rest(
    recording: Recording, start_s: float | None, end_s: float | None
) -> tuple[float, float]:
    """Return the rest asked for, or that of the data set, or the first seconds."""
    usual = (0.0, USUAL_REST_S)
    for span in recording.spans:
        usual = (span.onset_s - span.baseline_s, span.onset_s)
    return (
        usual[0] if start_s is None else start_s,
        usual[1] if end_s is None else end_s,
    )


def _cut_rest(
    recording: Recording, path: Path, baseline_s: tuple[float, float]
) -> Float[np.ndarray, "channel time"]:
    start_s, end_s = baseline_s
    length_s = recording.bio.shape[1] / recording.sfreq
    if not 0 <= start_s < end_s <= length_s:
        raise UserError(
            f"--baseline-start {start_s:g} --baseline-end {end_s:g}: must be a span of "
            f"{path}, which lasts {length_s:g} s"
        )
    start, end = (round(t * recording.sfreq) for t in baseline_s)
    return recording.bio[:, start:end]


def _cut_video(
    path: Path,
    bundle: Bundle,
    offset_s: float,
    *,
    true_fps: float | None,
    signals_end: int,
) -> _Seconds:
    """Find the face in each second that the video shows at least half of.

    Where the signals go on, the end is padded from the last face as in ``prepare``.
    """
    fps = bundle.recipe.face_fps
    first = max(0, math.ceil(offset_s))
    start_s = first - offset_s
    shown_s = _measure_video(path, true_fps) - start_s
    if shown_s < 0.5:
        raise UserError(f"--video {path}: shows less than half a second to predict")
    n_frames = round(max(math.floor(shown_s + 0.5), signals_end - first) * fps)
    frames = sample_frames(
        path, fps=fps, true_fps=true_fps, start_s=start_s, n_frames=n_frames
    )
    track = track_face(
        frames,
        make_backend(bundle.recipe.face),
        n_frames=n_frames,
        size=bundle.recipe.face_size,
        fps=fps,
    )
    lost = segments.count_per_segment(track.state == FrameState.LOST, fps=fps)
    return _Seconds(first, lost == 0, segments.cut_faces(track.crops, fps=fps))


def _measure_video(path: Path, true_fps: float | None) -> float:
    """Return how long a video lasts, in seconds."""
    info = probe(path)
    return info.duration_s * info.fps / (true_fps or info.fps)


def _score(bundle: Bundle, seconds: Mapping[Stream, _Seconds]) -> pd.DataFrame:
    """Answer each second by the network with the most streams it has."""
    if bundle.pick(frozenset(seconds)) is None:
        raise UserError(
            f"{bundle.path}: the bundle knows {', '.join(bundle.stream_sets)}, got "
            f"{'+'.join(seconds) or 'none of their streams'}"
        )
    n_seconds = max(item.first + len(item.has) for item in seconds.values())
    has = {stream: np.zeros(n_seconds, bool) for stream in seconds}
    for stream, item in seconds.items():
        has[stream][item.first : item.first + len(item.has)] = item.has
    chosen = [
        bundle.pick(frozenset(s for s in seconds if has[s][k])) or ""
        for k in range(n_seconds)
    ]
    table = pd.DataFrame({"time_s": np.arange(n_seconds), "streams": chosen})
    for target in Target:
        score = _score_target(bundle, target, seconds, chosen)
        table[target] = score
        label = pd.Series(score > 0.5, dtype="Int64")
        table[f"{target}_label"] = label.mask(np.isnan(score))
    face = has.get(Stream.FACE, np.zeros(n_seconds, bool))
    return table.assign(face_found=face.astype(int))[list(TIMELINE_COLUMNS)]


def _score_target(
    bundle: Bundle,
    target: Target,
    seconds: Mapping[Stream, _Seconds],
    chosen: list[str],
) -> Float[np.ndarray, " second"]:
    score = np.full(len(chosen), np.nan)
    if target not in bundle.targets:
        return score
    names = np.array(chosen)
    for name in dict.fromkeys(name for name in chosen if name):
        rows = np.flatnonzero(names == name)
        arrays = {
            stream: seconds[stream].array[rows - seconds[stream].first]
            for stream in STREAM_SETS[name]
        }
        score[rows] = bundle.load(target, name).score_arrays(arrays)
    return score
