"""Negative controls: the same evaluation where there is nothing to learn.

They hold nothing to learn: a score above chance on them has another cause than affect.

``shuffled-labels``
    The ratings of each subject are permuted over its trials before folds are cut.
    Signals and their trials stay as they are, so a learner that recognises a trial
    still scores where the trial is on both sides. Where each subject has one label (a
    diagnosis, a group), labels are permuted over subjects.
``noise``
    EEG and peripheral signals are noise with the subject's *average* level and spectrum
    (a trial's own carry what was felt), made for the baseline before the stimulus too,
    which is then subtracted as that of the recordings is. The face images of a second
    are those of another second, of anyone.
"""

import json
import zlib
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Float32, Int, UInt8
from numpy.typing import NDArray
from scipy.signal import welch

from deepvanet.config import Baseline, EvaluateSettings, Execution, Segmenting
from deepvanet.execution import run_tasks
from deepvanet.files import make_folder, remove_unfinished, write_text
from deepvanet.protocols import columns_of
from deepvanet.protocols.dealing import number_units
from deepvanet.schema import FrameState, Stream
from deepvanet.store import (
    SegmentStore,
    TrialBlock,
    TrialStore,
    open_store,
    write_subject,
)
from deepvanet.tasks import Task

NO_CONTROL = EvaluateSettings.control
SPECTRUM_S = 4
"""Length of the pieces whose spectra are averaged, in seconds."""


def shuffle_ratings(
    table: pd.DataFrame,
    task: Task,
    ratings: Float[np.ndarray, "row column"],
    *,
    seed: int,
) -> Float[np.ndarray, "row column"]:
    """Return ratings permuted over the trials of each subject, or over subjects.

    Trials without a rating stay without one. The seed and the subject's name alone
    sample the permutation. Where each subject has one label, within a subject nothing
    can be permuted: whole subjects exchange labels, and all rated trials of a subject
    get the mean rating of another one's. Of two ratings a trial keeps its pair.

    Parameters
    ----------
    table : DataFrame
        Rows of a store, with the columns subject and trial.
    task : Task
        By which each subject may have one label.
    ratings : array, shape (row, column)
        What is permuted, as ``read_ratings`` returns it.
    seed : int
        Other seeds give other permutations.

    Returns
    -------
    array, shape (row, column)
        Ratings for each row of the table, NaN where its trial gets none.
    """
    if task.goal.moves:
        return _shuffle_courses(table, ratings, seed)
    units = table[columns_of("trial")]
    first = np.flatnonzero(~units.duplicated().to_numpy())
    trials, own = units.iloc[first].reset_index(drop=True), ratings[first]
    known = task.find_known(own)
    is_personal = task.are_personal(own, trials)
    columns = []
    for place, column in enumerate(ratings.T):
        if is_personal:
            rated = trials[known].assign(rating=own[known, place])
            exchanged = _exchange_subjects(rated, "rating", seed)
            columns.append(_look_up(exchanged, units))
        else:
            rated = units.assign(rating=column)
            columns.append(permute_within(rated, "rating", seed=seed))
    return np.stack(columns, axis=1)


def _shuffle_courses(
    table: pd.DataFrame, ratings: Float[np.ndarray, "row lag"], seed: int
) -> Float[np.ndarray, "row lag"]:
    """Return courses of ratings permuted over trials, cut to the shorter of both."""
    shuffled = np.full_like(ratings, np.nan)
    courses = list_courses(table)
    subjects = [str(table["subject"].iloc[rows[0]]) for rows in courses]
    for subject in dict.fromkeys(subjects):
        trials = [
            rows for one, rows in zip(subjects, courses, strict=True) if one == subject
        ]
        order = _make_generator(seed, subject).permutation(len(trials))
        for rows, other in zip(trials, order.tolist(), strict=True):
            n = min(len(rows), len(trials[other]))
            shuffled[rows[:n]] = ratings[trials[other][:n]]
    return shuffled


def list_courses(table: pd.DataFrame) -> list[Int[np.ndarray, " item"]]:
    """Return the rows of each trial, in their order; trials by subject and name."""
    number = number_units(table, "trial")
    order = np.argsort(number, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(number[order])) + 1)


def _exchange_subjects(
    rated: pd.DataFrame, target: str, seed: int
) -> dict[tuple[str, str], float]:
    # a mean of high ratings is high, and one of low ratings is low
    mean = rated.groupby("subject", sort=True, observed=True)[target].mean()
    order = _make_generator(seed, "all subjects").permutation(len(mean))
    given = dict(zip(mean.index, mean.to_numpy()[order], strict=True))
    pairs = zip(rated["subject"], rated["trial"], strict=True)
    return {(subject, trial): given[subject] for subject, trial in pairs}


def permute_within(
    table: pd.DataFrame, target: str, *, seed: int
) -> Float[np.ndarray, " row"]:
    """Return ratings permuted over the rated trials of each subject."""
    trials = table.drop_duplicates(columns_of("trial"))
    rated = trials[trials[target].notna()]
    shuffled = {}
    for subject, mine in rated.groupby("subject", sort=True, observed=True):
        order = _make_generator(seed, str(subject)).permutation(len(mine))
        pairs = zip(mine["trial"], mine[target].to_numpy()[order], strict=True)
        shuffled.update({(str(subject), trial): rating for trial, rating in pairs})
    return _look_up(shuffled, table)


def _look_up(
    rating_of: Mapping[tuple[str, str], float], table: pd.DataFrame
) -> Float[np.ndarray, " row"]:
    """Return each row's rating, NaN of a trial that has none."""
    keys = zip(table["subject"], table["trial"], strict=True)
    return np.array([rating_of.get(key, np.nan) for key in keys], dtype=float)


def write_noise_store(
    store: SegmentStore, folder: Path, *, seed: int, execution: Execution
) -> Path:
    """Write a store of noise with the rows of another, a subject at a time; resumes.

    Parameters
    ----------
    store : SegmentStore
        Has the rows that are kept, and the signals whose level and spectrum are copied.
    folder : Path
        Where the store of noise is written.
    seed : int
        Seed of the noise.
    execution : Execution
        How subjects are written in parallel.

    Returns
    -------
    Path
        The folder, as given.
    """
    make_folder(folder / "subjects")
    remove_unfinished(folder / "subjects")
    write_text(folder / "manifest.json", store.manifest.to_json())
    subjects = list(dict.fromkeys(store.table["subject"]))
    waiting = [
        name
        for name in subjects
        if not (folder / "subjects" / name / "subject.json").is_file()
    ]
    work = partial(_write_noise, store.path, folder, seed, store.segmenting.baseline)
    for _ in run_tasks(work, waiting, execution=execution, what="noise"):
        pass
    return folder


def _write_noise(
    path: Path, folder: Path, seed: int, baseline: Baseline | None, subject: str
) -> None:
    trials = open_store(path)
    seconds = trials.cut(Segmenting(baseline=baseline))
    inputs = json.loads((path / "subjects" / subject / "subject.json").read_text())
    blocks = _make_noise(trials, seconds, subject, seed)
    write_subject(
        folder,
        subject,
        parts=blocks,
        inputs=inputs,
        streams=trials.manifest.streams,
        factors=trials.manifest.factors,
    )


def _make_noise(
    trials: TrialStore, seconds: SegmentStore, subject: str, seed: int
) -> Iterator[TrialBlock]:
    mine = np.flatnonzero((seconds.table["subject"] == subject).to_numpy())
    averages = {s: _find_average(seconds, mine, s) for s in trials.manifest.signals}
    for number in np.flatnonzero((trials.table["subject"] == subject).to_numpy()):
        row = {str(k): v for k, v in trials.table.iloc[number].items()}
        rng = _make_generator(seed, f"{subject}/{row['trial']}")
        arrays: dict[Stream, NDArray[Any]] = {}
        for stream, average in averages.items():
            samples = trials.read_trial(stream, int(number))
            if average is not None and len(samples):
                n_rest = 0 if stream.is_at_fps else row["n_baseline"]
                arrays[stream] = _replace(samples, n_rest, average, rng)
        state = trials.read_state(int(number))
        if len(state):
            arrays[Stream.FACE] = _sample_faces(seconds, state, rng)
        yield TrialBlock(
            row=row,
            arrays=arrays,
            n_baseline=row["n_baseline"],
            face_state=state if len(state) else None,
        )


def _replace(
    samples: Float32[np.ndarray, "time channel"],
    n_rest: int,
    average: "_Average",
    rng: np.random.Generator,
) -> Float32[np.ndarray, "time channel"]:
    """Return noise in place of a trial's samples; what is missing stays missing.

    The level is that of signals without their baseline.
    """
    level, spectrum = average
    noise = sample_noise_of(spectrum, len(samples), rng).T
    noise[n_rest:] += level
    noise[~np.isfinite(samples)] = np.nan
    return noise.astype(np.float32)


def sample_noise_of(
    spectrum: Float[np.ndarray, "channel frequency"],
    n_samples: int,
    rng: np.random.Generator,
) -> Float[np.ndarray, "channel time"]:
    """Return Gaussian noise of a spectrum.

    Parameters
    ----------
    spectrum : array, shape (channel, frequency)
        Variance at frequencies from 0 to half the sampling rate, evenly; its sum
        over frequencies is about the variance of the noise.
    """
    white = np.fft.rfft(rng.standard_normal((len(spectrum), n_samples)), axis=1)
    there = np.linspace(0, 1, spectrum.shape[1])
    wanted = np.linspace(0, 1, white.shape[1])
    density = np.stack([np.interp(wanted, there, row) for row in spectrum])
    gain = np.sqrt(density * (spectrum.shape[1] - 1))
    return np.asarray(np.fft.irfft(white * gain, n_samples, axis=1))


_Average = tuple[Float[np.ndarray, " channel"], Float[np.ndarray, "channel frequency"]]


def _find_average(
    store: SegmentStore, rows: NDArray[Any], stream: Stream
) -> _Average | None:
    """Return a subject's mean level and spectrum, or None without the stream."""
    table = store.table.iloc[rows]
    has = table[f"has_{stream}"].to_numpy(dtype=bool)
    if not has.any():
        return None
    trials = table[has].groupby("trial", sort=False, observed=True).indices
    parts = [rows[has][index] for index in trials.values()]
    levels = [_average_known(store.read(stream, part)) for part in parts]
    level = np.nan_to_num(np.nanmean(levels, axis=0))
    spectra = [_measure_spectrum(store.read(stream, part), level) for part in parts]
    return level, np.mean(spectra, axis=0)


def _average_known(
    segments: Float32[np.ndarray, "segment channel time"],
) -> Float[np.ndarray, " channel"]:
    """Return the mean of each channel over the samples that are known, NaN of none."""
    known = np.isfinite(segments)
    if known.all():
        return np.asarray(segments.mean(axis=(0, 2), dtype=float))
    n_known = known.sum(axis=(0, 2))
    total = np.where(known, segments, 0).sum(axis=(0, 2), dtype=float)
    return np.where(n_known, total / np.maximum(n_known, 1), np.nan)


def _measure_spectrum(
    segments: Float32[np.ndarray, "segment channel time"],
    level: Float[np.ndarray, " channel"],
) -> Float[np.ndarray, "channel frequency"]:
    """Return a trial's variance around a level by frequency, its offset included."""
    rate = segments.shape[2]
    joined = np.concatenate(list(segments), axis=1).astype(float) - level[:, None]
    joined[~np.isfinite(joined)] = 0
    short = SPECTRUM_S * rate - joined.shape[1]
    if short > 0:
        joined = np.pad(joined, ((0, 0), (0, short)), mode="wrap")
    power = welch(
        joined, fs=rate, nperseg=SPECTRUM_S * rate, detrend=False, scaling="density"
    )[1]
    return np.asarray(power / SPECTRUM_S)


def _sample_faces(
    seconds: SegmentStore, state: UInt8[np.ndarray, " frame"], rng: np.random.Generator
) -> UInt8[np.ndarray, "frame height width 3"]:
    """Return images of other seconds in place of a trial's; lost ones stay black."""
    known = seconds.rows_with([Stream.FACE])
    sampled = rng.choice(known, size=-(-len(state) // round(seconds.fps)))
    images = seconds.read(Stream.FACE, sampled)
    frames = images.reshape(-1, *images.shape[2:])[: len(state)]
    frames[state == FrameState.LOST] = 0
    return frames


def _make_generator(seed: int, name: str) -> np.random.Generator:
    """Return the generator of one subject or trial, for any set of others."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])
