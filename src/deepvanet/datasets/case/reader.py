"""CASE: 30 people watch eight videos, and say with a joystick how they feel [1]_.

Read as downloaded, nothing renamed::

    data/interpolated/physiological/sub_1.csv   8 sensors at 1000 Hz, which video
    data/interpolated/annotations/sub_1.csv     valence and arousal at 20 Hz
    data/non-interpolated/                      the same, at the times of the recorder
    data/raw/physiological/sub1_DAQ.txt         volts, without a header
    data/raw/annotations/sub1_joystick.txt      steps of the joystick
    metadata/seqs_order.txt, videos_duration.txt    which video was shown when

Times are in ms, of raw files in seconds, on one clock; they are measured, as those of
any recording. A trial is one of the eight videos. No one rated a whole video: its
rating is the mean of what the joystick said, and what it said is kept as a trace. Both
are mapped from 0.5 to 9.5 onto 1 to 9. Before most videos there was a blue screen; its
last seconds are the baseline. Before the first it may have been a calm video.

References
----------
.. [1] Sharma, Castellini, van den Broek, Albu-Schaeffer, Schwenker (2019). A dataset of
   continuous affect annotations and physiological signals for emotion analysis.
   Scientific Data 6, 196.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float

from deepvanet.datasets.case.facts import (
    BASELINE_S,
    CHANNELS,
    RESTS,
    SCALE,
    SENSORS,
    SFREQ,
    SHORTEST_S,
    STEPS,
    TARGETS,
    TRACE_SFREQ,
    VIDEOS,
)
from deepvanet.datasets.case.files import (
    RAW,
    SIGNAL_COLUMNS,
    TRACE_COLUMNS,
    VIDEO,
    Files,
    find_files,
    find_subject,
    place_files,
    read_columns,
    read_sequence,
)
from deepvanet.datasets.file_trials import pick_trial
from deepvanet.datasets.synthetic_mark import name_copy
from deepvanet.datasets.traces import average, place_trace
from deepvanet.findings import list_some, refuse, report
from deepvanet.schema import (
    HIGHEST_RATING,
    LOWEST_RATING,
    Recording,
    Target,
    Trace,
    TraceFormat,
    TrialSpan,
    UserError,
)
from deepvanet.signal_io.time_grid import TimeGrid, place_samples

IS_RAW = True
FORM = TraceFormat(TRACE_SFREQ, tuple(map(str, TARGETS)))

MOST_APART_S = 0.5
"""By which signals and joystick may differ in when a video begins."""
EXACT_S = 1e-6
BESIDE_S = 0.1
"""By which two videos may be apart that follow each other."""
BEYOND = 0.05
"""Of the joystick's scale, by which numbers may be outside of it: they were
extrapolated."""

Row = Float[np.ndarray, " time"]
Joystick = Float[np.ndarray, "target time"]


@dataclass(frozen=True)
class Stretch:
    """Where one video stands without a break, in seconds of the recording."""

    video: int
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Subject:
    """What the files of one subject hold.

    Attributes
    ----------
    grid : TimeGrid
        Signals, in the units of ``CHANNELS``.
    stretches : tuple of Stretch
        All videos in order of time, on the clock of the files.
    """

    name: str
    grid: TimeGrid
    stretches: tuple[Stretch, ...]


def name_dataset(root: Path) -> str:
    """Return what results call this data set: real and synthetic ones differ."""
    return name_copy(root, "case")


def describe_traces(root: Path) -> TraceFormat:
    """Return how what the joystick said is kept: as often as it was read."""
    del root
    return FORM


def list_subjects(root: Path) -> list[str]:
    """Return the subjects that have signals, "01" to "30" in a full copy.

    Raises
    ------
    UserError
        When the folder is missing, or is not CASE.
    """
    return list(find_files(root))


def input_files(root: Path, subject: str) -> list[Path]:
    """Return every file that a subject's trials are made of."""
    return [path for path in find_files(root)[subject].list_all() if path.is_file()]


def read_recordings(root: Path, subject: str) -> Iterator[Recording]:
    """Read a subject's files; one recording holds all trials.

    Raises
    ------
    UserError
        When a file is not as documented, or there is no trial.
    """
    files = find_files(root)[subject]
    held = read_subject(files, subject)
    traces = read_traces(files, held)
    return iter([_make_recording(held, traces)])


def holds(path: Path) -> bool:
    """Say whether a file holds the signals of a subject of the data set."""
    return find_subject(path) is not None


def read_file(path: Path, trial: str | None) -> Recording:
    """Read a subject's signals, with the span of one trial, without its rating.

    Parameters
    ----------
    trial : str
        Its place in time, from 1.

    Raises
    ------
    UserError
        When the file cannot be read or has no such trial.
    """
    subject = find_subject(path)
    if subject is None:
        raise UserError(f"{path}: no file of CASE")
    form = path.absolute().parent.parent.name.lower()
    held = read_subject(place_files(path.absolute(), form), subject)
    recording = _make_recording(held, {})
    spans = {span.trial: span for span in recording.spans}
    return replace(recording, spans=(pick_trial(path, trial, spans),))


def read_subject(files: Files, subject: str) -> Subject:
    """Read a subject's signals, and which video stood when.

    Raises
    ------
    UserError
        When a file cannot be read, or is not as documented.
    """
    is_raw = files.form == RAW
    names = SIGNAL_COLUMNS if is_raw else (*SIGNAL_COLUMNS, VIDEO)
    columns = read_columns(files.physiology, names, has_header=not is_raw)
    values = np.stack([columns[sensor.column] for sensor in SENSORS])
    if is_raw:
        gains, offsets = (
            np.array([getattr(sensor, name) for sensor in SENSORS])[:, None]
            for name in ("gain", "offset")
        )
        values = gains * values + offsets
    values *= np.array([sensor.factor for sensor in SENSORS])[:, None]
    grid = place_samples(
        _to_seconds(columns["daqtime"], is_raw=is_raw),
        values,
        name=str(files.physiology),
        labels=[channel.name for channel in CHANNELS],
        stated_hz=SFREQ,
    )
    if is_raw:
        stretches = _line_up(read_sequence(files.metadata, subject))
    else:
        stretches = find_stretches(columns[VIDEO], grid)
    return Subject(subject, grid, tuple(_keep_trials(files, grid, stretches)))


def find_stretches(video: Row, grid: TimeGrid) -> list[Stretch]:
    """Return where each video stands, without the shortest stretches.

    Parameters
    ----------
    video : array, shape (sample,)
        The number of the video, in the order of the file.
    grid : TimeGrid
        When the samples were taken.

    Returns
    -------
    list of Stretch
        In order of time, on the clock of the file.
    """
    known = np.flatnonzero(np.isfinite(grid.times))
    known = known[np.argsort(grid.times[known], kind="stable")]
    shown, times = np.nan_to_num(video[known]), grid.times[known]
    edges = np.flatnonzero(np.diff(shown)) + 1
    firsts, lasts = np.r_[0, edges], np.r_[edges, len(shown)] - 1
    stretches = [
        Stretch(int(shown[first]), start, end + 1 / grid.rate)
        for first, start, end in zip(
            firsts.tolist(), times[firsts].tolist(), times[lasts].tolist(), strict=True
        )
        if shown[first] in (*VIDEOS, *RESTS)
    ]
    return [s for s in stretches if s.end_s - s.start_s >= SHORTEST_S - EXACT_S]


def read_traces(files: Files, held: Subject) -> dict[Stretch, Trace]:
    """Read what the joystick said during each trial, from 1 to 9.

    Returns
    -------
    dict
        Not a number where nothing was recorded.

    Raises
    ------
    UserError
        When the file cannot be read, or is not as documented.
    """
    is_raw = files.form == RAW
    names = TRACE_COLUMNS if is_raw else (*TRACE_COLUMNS, VIDEO)
    columns = read_columns(files.annotations, names, has_header=not is_raw)
    values = np.stack([columns[str(target)] for target in TARGETS])
    if is_raw:
        values = SCALE[0] + (SCALE[1] - SCALE[0]) * (values + STEPS) / (2 * STEPS)
    grid = place_samples(
        _to_seconds(columns["jstime"], is_raw=is_raw),
        _keep_on_scale(files.annotations, values),
        name=str(files.annotations),
        labels=[str(target) for target in TARGETS],
        stated_hz=TRACE_SFREQ,
    )
    if not is_raw:
        _compare_starts(files, held, find_stretches(columns[VIDEO], grid))
    times = grid.start + np.arange(grid.values.shape[1]) / grid.rate
    share = (np.clip(grid.values, *SCALE) - SCALE[0]) / (SCALE[1] - SCALE[0])
    rated = LOWEST_RATING + share * (HIGHEST_RATING - LOWEST_RATING)
    return {
        stretch: place_trace(
            times, rated.T, FORM, onset_s=stretch.start_s, end_s=stretch.end_s
        )
        for stretch in held.stretches
        if stretch.video in VIDEOS
    }


def _to_seconds(times: Row, *, is_raw: bool) -> Row:
    return times if is_raw else times / 1000


def _line_up(sequence: Sequence[tuple[int, float]]) -> list[Stretch]:
    """Return where videos stand that follow each other from 0 s on."""
    ends = np.cumsum([seconds for _, seconds in sequence]).tolist()
    return [
        Stretch(video, end - seconds, end)
        for (video, seconds), end in zip(sequence, ends, strict=True)
    ]


def _keep_trials(
    files: Files, grid: TimeGrid, stretches: Sequence[Stretch]
) -> Iterator[Stretch]:
    """Yield stretches that the signals hold; report trials that they do not."""
    ends_s = grid.start + grid.values.shape[1] / grid.rate
    trials = [stretch for stretch in stretches if stretch.video in VIDEOS]
    if not trials:
        raise refuse("F01", "holds no video from 1 to 8", source=files.physiology)
    seen = [stretch.video for stretch in trials]
    again = [VIDEOS[video] for video in VIDEOS if seen.count(video) > 1]
    if again:
        report(
            "T11",
            f"{list_some(again)} is shown in more than one stretch",
            source=files.physiology,
            assumed="each stretch is a trial of its own",
        )
    for stretch in stretches:
        start_s, end_s = max(stretch.start_s, grid.start), min(stretch.end_s, ends_s)
        lost_s = stretch.end_s - stretch.start_s - max(end_s - start_s, 0.0)
        is_there = end_s - start_s >= SHORTEST_S - EXACT_S
        if stretch.video in VIDEOS and lost_s > MOST_APART_S:
            report(
                "T12",
                f"the signals lack {lost_s:.1f} s of {VIDEOS[stretch.video]}",
                source=files.physiology,
                assumed="the trial is used without them"
                if is_there
                else "the trial is left out",
            )
        if is_there:
            yield Stretch(stretch.video, start_s, end_s)


def _keep_on_scale(path: Path, values: Joystick) -> Joystick:
    """Return values of the joystick, not a number where it cannot be one."""
    is_off = (values < SCALE[0] - BEYOND) | (values > SCALE[1] + BEYOND)
    if is_off.any():
        report(
            "R16",
            f"the joystick is outside of {SCALE[0]:g} to {SCALE[1]:g} in "
            f"{is_off.sum()} of {is_off.size} samples",
            source=path,
            assumed="these samples are missing",
        )
    return np.where(is_off, np.nan, values)


def _compare_starts(files: Files, held: Subject, annotated: Sequence[Stretch]) -> None:
    """Report videos that begin at another time in the file of the joystick."""
    odd = [
        VIDEOS[stretch.video]
        for stretch in held.stretches
        if stretch.video in VIDEOS
        and not any(
            other.video == stretch.video
            and abs(other.start_s - stretch.start_s) <= MOST_APART_S
            for other in annotated
        )
    ]
    if odd:
        report(
            "F08",
            f"{list_some(odd)} does not begin there when {files.physiology.name} of "
            "the signals says",
            source=files.annotations,
            assumed="a trial begins when the signals say; both have one clock",
        )


def _make_recording(held: Subject, traces: Mapping[Stretch, Trace]) -> Recording:
    trials = [stretch for stretch in held.stretches if stretch.video in VIDEOS]
    return Recording(
        subject=held.name,
        name=f"sub_{int(held.name)}",
        bio=held.grid.values,
        sfreq=held.grid.rate,
        channels=CHANNELS,
        spans=tuple(
            _make_span(held, number, stretch, traces.get(stretch))
            for number, stretch in enumerate(trials, start=1)
        ),
        is_raw=IS_RAW,
    )


def _make_span(
    held: Subject, number: int, stretch: Stretch, trace: Trace | None
) -> TrialSpan:
    name = VIDEOS[stretch.video]
    means = average(trace) if trace else {}
    return TrialSpan(
        trial=f"{number:02d}",
        stimulus=name,
        onset_s=stretch.start_s - held.grid.start,
        end_s=stretch.end_s - held.grid.start,
        baseline_s=_measure_rest(held, stretch),
        video=None,
        fps=None,
        ratings={Target(target): mean for target, mean in means.items()},
        more={"state": name.partition("-")[0]},
        trace=trace,
    )


def _measure_rest(held: Subject, trial: Stretch) -> float:
    """Return how many seconds of rest come right before a trial, as its baseline."""
    for rest in held.stretches:
        if rest.video in RESTS and abs(rest.end_s - trial.start_s) <= BESIDE_S:
            before_s = min(BASELINE_S, rest.end_s - rest.start_s)
            return round(min(before_s, trial.start_s - held.grid.start), 6)
    return 0.0
