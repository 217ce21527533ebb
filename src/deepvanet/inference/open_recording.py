"""Open the files of a recording, and find out how they lie in time."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from deepvanet.bundle import Bundle
from deepvanet.findings import collect, list_some, say_count
from deepvanet.inference.faces import (
    FaceReader,
    open_face_reader,
    open_trial_face_reader,
)
from deepvanet.inference.features import FeatureFile, open_features
from deepvanet.inference.levels import Levels
from deepvanet.inference.recording import OpenRecording, RecordingPart
from deepvanet.inference.recording_input import RecordingInput
from deepvanet.inference.signal_reader import (
    SignalReader,
    open_signal_reader,
    subtract_baseline,
)
from deepvanet.inference.trials import find_trials, is_same_file
from deepvanet.schema import TrialSpan, UserError


def open_recording(bundle: Bundle, recording: RecordingInput) -> OpenRecording:
    """Open a recording that a bundle is to score.

    Raises
    ------
    UserError
        When the recording does not fit the bundle, or has an error that is not
        accepted.
    """
    recording.check()
    with collect() as found:
        opened = replace(_open(bundle, recording), accept=recording.accept)
    opened.keep(found)
    return opened


def _open(bundle: Bundle, recording: RecordingInput) -> OpenRecording:
    if bundle.grid.is_whole:
        for field in ("video", "features"):
            if getattr(recording, field) is not None:
                raise UserError(
                    f"{bundle.path} reads whole trials of signals, and no face: leave "
                    "it out",
                    field=field,
                )
    signals = open_signal_reader(recording, bundle)
    features = None
    if recording.features is not None:
        features = open_features(recording.features, bundle, video=recording.video)
    _check_streams(bundle, signals, recording)
    if recording.trials is not None:
        return _open_trials(bundle, signals, features, recording, recording.trials)
    return _open_whole(bundle, signals, features, recording)


def _check_streams(
    bundle: Bundle, signals: SignalReader | None, recording: RecordingInput
) -> None:
    streams = [] if signals is None else list(signals.places)
    streams += recording.streams_beside
    if bundle.pick(frozenset(streams)) is None:
        files = " and ".join(map(str, recording.files))
        raise UserError(
            f"{bundle.path}: from {files}: the bundle knows "
            f"{', '.join(bundle.stream_sets)}, got "
            f"{'+'.join(streams) or 'none of their streams'}"
        )


def _open_whole(
    bundle: Bundle,
    signals: SignalReader | None,
    features: FeatureFile | None,
    recording: RecordingInput,
) -> OpenRecording:
    video, offset_s, true_fps = recording.video, recording.video_offset_s or 0.0, None
    if signals is not None:
        signals = subtract_baseline(signals, bundle, recording.baseline_s)
        for span in signals.spans:
            if recording.video_offset_s is None:
                offset_s = span.onset_s - span.video_onset_s
            if is_same_file(video, span.video):
                true_fps = span.fps
    n_segments, faces, shown = 0 if signals is None else signals.n_segments, None, None
    if video is not None:
        faces = open_face_reader(
            video,
            bundle,
            offset_s,
            true_fps=true_fps,
            n_with_signals=n_segments if signals and signals.places else 0,
        )
        last = faces.first + faces.n_segments
        n_segments = max(n_segments, last)
        start_s, end_s = bundle.grid.time(np.array([faces.first, last])).tolist()
        shown = start_s, end_s
    sampled = None
    if features is not None:
        n_segments = max(n_segments, bundle.grid.count(features.lasts_s + offset_s))
        sampled = features.open(-offset_s, n_segments)
    _check_length(n_segments, bundle, recording)
    open_faces = None if faces is None else lambda: faces
    grid = bundle.grid if signals is None else signals.windows
    part = RecordingPart(0, n_segments, grid, signals, open_faces, features=sampled)
    assumptions = _join_notes(signals, features)
    return OpenRecording((part,), offset_s, Levels(bundle), shown, assumptions)


def _join_notes(
    signals: SignalReader | None, features: FeatureFile | None
) -> tuple[str, ...]:
    """Return what was assumed of both files."""
    return (
        *(() if signals is None else signals.notes),
        *(() if features is None else features.notes),
    )


def _check_length(n_segments: int, bundle: Bundle, recording: RecordingInput) -> None:
    if not n_segments:
        files = " and ".join(map(str, recording.files))
        given = ("bio", "video", "features", "peripherals")
        raise UserError(
            f"{files}: shorter than a segment of {bundle.grid.length_s:g} s, which the "
            "bundle was trained on: a longer recording is needed",
            field=next(name for name in given if getattr(recording, name)),
        )


def _open_trials(
    bundle: Bundle,
    signals: SignalReader | None,
    features: FeatureFile | None,
    recording: RecordingInput,
    table: Path,
) -> OpenRecording:
    video = recording.video
    file = None if signals is None else signals.file
    spans, notes = find_trials(
        table, bundle, file=file, video=video, features=recording.features
    )
    shown = [s for s in spans if s.video is None or is_same_file(s.video, video)]
    offset_s = recording.video_offset_s
    if offset_s is None:
        known = shown if signals is not None else []
        offset_s = next((s.onset_s - s.video_onset_s for s in known), 0.0)
    parts = [
        _open_trial(
            bundle,
            span,
            signals,
            video if span in shown else None,
            features if features and _is_of(span, features) else None,
            offset_s=offset_s,
            is_asked=recording.video_offset_s is not None,
        )
        for span in spans
    ]
    long_enough = tuple(part for part in parts if part.n_segments)
    _check_length(len(long_enough), bundle, recording)
    assumptions = (
        *_join_notes(signals, features),
        *notes,
        *_tell_short(parts, bundle),
    )
    return OpenRecording(long_enough, offset_s, Levels(bundle), assumptions=assumptions)


def _is_of(span: TrialSpan, features: FeatureFile) -> bool:
    """Say whether a table may be of a trial: its row names it, or none."""
    named = span.face_features
    return named is None or is_same_file(named, features.path)


def _tell_short(parts: Sequence[RecordingPart], bundle: Bundle) -> tuple[str, ...]:
    """Say which trials are shorter than a segment."""
    short = [part.span.trial for part in parts if part.span and not part.n_segments]
    if not short:
        return ()
    length = f"{bundle.grid.length_s:g} s"
    what = say_count(
        len(short),
        f"trial is shorter than a segment of {length} and is",
        f"trials are shorter than a segment of {length} and are",
    )
    return (f"{what} left out: {list_some(short)}",)


def _open_trial(
    bundle: Bundle,
    span: TrialSpan,
    signals: SignalReader | None,
    video: Path | None,
    features: FeatureFile | None,
    *,
    offset_s: float,
    is_asked: bool,
) -> RecordingPart:
    if signals is None:
        own, start = None, span.video_onset_s + offset_s
        lasts_s, n_segments = span.end_s, bundle.grid.count(span.end_s)
    else:
        own, start = signals.cut(span), span.onset_s
        lasts_s, n_segments = own.n_samples / own.sfreq, own.n_segments
    video_s = span.video_onset_s
    if signals is not None and is_asked:
        video_s = span.onset_s - offset_s

    def open_faces() -> FaceReader:
        return open_trial_face_reader(
            video or Path(),
            bundle,
            start_s=video_s,
            n_segments=n_segments,
            lasts_s=lasts_s,
            true_fps=span.fps if is_same_file(video, span.video) else None,
            face_choice=span.face_choice,
        )

    faces = open_faces if video else None
    grid = bundle.grid.settle(lasts_s)
    sampled = None if features is None else features.open(video_s, n_segments)
    return RecordingPart(start, n_segments, grid, own, faces, span, sampled)
