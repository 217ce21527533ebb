"""Measure how fast the package is, as ratios taken side by side in one process.

How to read the table. Two ways of doing the same work take turns, once each per
repetition, and the ratio of every pair is noted: *median*, *least* and *most* are
those of the ratios, so a machine that is slow today is slow for both. ``x faster``
is the other way's time over ours, ``x as long`` is ours over the other's. Work of
one thread is timed by the processor time it took, which other work on the machine
disturbs little; whole commands and the opening of a store by the clock.

*Limits* are what this machine can do at best: the rate of a large matrix product on
one thread, in each precision that it has, of copying memory (bytes read plus bytes
written), of reading a file that is not in memory, and of decoding a video.
``% of ...`` says how much of that we reach. The goals are those the project has
set itself; a row that misses its goal is shown like any other.

Memory is the most that a fresh process held, above what its imports took.

The same numbers go to ``--out`` as JSON; ``--before`` takes such a file of another
commit, and shows its medians beside these.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import av
import numpy as np
import torch
from literal import (
    FACES_PER_S,
    FPS,
    LiteralTraining,
    find_faces_bare,
    train_bare,
    train_from_pictures,
    train_signals,
    write_pictures,
)
from material import (
    take_rows,
    write_full_size_store,
    write_full_size_subject,
    write_noise_store,
    write_recordings,
)
from measuring import (
    Call,
    Row,
    describe_machine,
    measure_apart,
    plot_table,
    read_medians,
    run_command,
    take_turns,
)
from numpy.typing import NDArray
from visiting import measure_page

from deepvanet.config import (
    FIT_LAG,
    EvaluateSettings,
    Execution,
    NetworkSettings,
    PrepareSettings,
    Segmenting,
)
from deepvanet.evaluation import evaluate
from deepvanet.files import write_text
from deepvanet.learners.bandpower import Bandpower
from deepvanet.learners.held_seconds import hold_seconds
from deepvanet.learners.inputs import open_rows, to_network
from deepvanet.learners.lag import find_lag
from deepvanet.learners.network import NetworkLearner
from deepvanet.learners.offsets import open_stretches, open_training
from deepvanet.learners.repeatable import name_precision, use_threads
from deepvanet.learners.scaling import fit_scaling
from deepvanet.preparation.run import prepare
from deepvanet.preprocessing.face import FaceBackend, make_backend, track_face
from deepvanet.preprocessing.video import sample_frames
from deepvanet.schema import BIO, PAPER_STREAMS, Goal, Stream
from deepvanet.store import Rows, SegmentStore, open_store
from deepvanet.tasks import list_lags

MULTIPLY_ADDS = 343_181_268
"""Of one face+bio segment forward, none of them avoidable; 342 million are the
face's. A step of training takes three times as many."""
GEMM_SIDE = 2048
COPIED_BYTES = 2**28
WINDOWS = Segmenting(4.0, 1.0)
"""That overlap; each sample is in four."""


def measure_limits(folder: Path, *, repeats: int = 5) -> list[Row]:
    """Measure what the machine can do at best, on one thread."""
    file = folder / "bytes"
    file.write_bytes(os.urandom(2**20) * 256)
    multiplies = [partial(_multiply_matrices, name) for name in _list_precisions()]
    copy, *multiplied = take_turns(_make_copier(), *multiplies, repeats=repeats)
    read, *_ = take_turns(
        partial(_read_cold, file), repeats=repeats, clock=time.perf_counter
    )
    return [
        *(
            Row(f"limit: {name} GEMM, one thread", _gemm_rates(seconds), "GFLOP/s")
            for name, seconds in zip(_list_precisions(), multiplied, strict=True)
        ),
        Row("limit: memory copy", [2 * COPIED_BYTES / s / 1e9 for s in copy], "GB/s"),
        Row("limit: disk read", [2**28 / s / 1e9 for s in read], "GB/s"),
    ]


def measure_step(folder: Path, *, repeats: int = 5, batch: int = 64) -> list[Row]:
    """Compare a training step of the learner, data included, with a literal one."""
    store = write_noise_store(folder / "faces", n_trials=2, n_segments=batch // 2)
    rows = take_rows(store, PAPER_STREAMS, batch)
    fetch = open_rows(rows, fit_scaling(rows))
    literal = LiteralTraining(*_read_literally(rows))
    measured = []
    for precision in _list_precisions():
        settings = NetworkSettings(epochs=1, batch_size=batch, precision=precision)
        learner = NetworkLearner(settings, seed=0)
        ours, other, gemm, data = take_turns(
            partial(learner.fit, rows),
            literal.step,
            partial(_multiply_matrices, precision),
            lambda: to_network(fetch(np.random.default_rng(0).permutation(batch))),
            repeats=repeats,
        )
        flop = 2 * 3 * MULTIPLY_ADDS * batch
        reached = [
            100 * flop / seconds / 1e9 / rate
            for seconds, rate in zip(ours, _gemm_rates(gemm), strict=True)
        ]
        measured += [
            Row(
                f"training step, face+bio, batch {batch}, {precision}, against the "
                "literal network",
                _divide(other, ours),
                "x faster",
                {"float32": ">= 1.5", "bfloat16": ">= 3"}[precision],
                f"{_middle(ours):.2f} s against {_middle(other):.2f} s",
            ),
            Row(
                f"the same, necessary operations of the {precision} GEMM rate",
                reached,
                "% of GEMM rate",
                ">= 55",
                f"{flop / _middle(ours) / 1e9:.1f} GFLOP/s",
            ),
            Row(
                f"the same, {precision}, time spent on data",
                [100 * share for share in _divide(data, ours)],
                "% of the step",
                "<= 3",
                f"{1000 * _middle(data):.1f} ms",
            ),
        ]
    return measured


def measure_pipeline(
    folder: Path, *, repeats: int = 5, n_segments: int = 128
) -> list[Row]:
    """Compare an epoch, data and steps, with one that reads PNGs out of a zip."""
    store = write_noise_store(
        folder / "pictures", n_trials=2, n_segments=n_segments // 2
    )
    rows = take_rows(store, PAPER_STREAMS, n_segments)
    file = folder / "faces.zip"
    write_pictures(file, n_segments)
    literal = LiteralTraining(*_read_literally(rows))
    settings = NetworkSettings(epochs=1)
    ours, other = take_turns(
        lambda: NetworkLearner(settings, seed=0).fit(rows),
        partial(train_from_pictures, literal, file),
        repeats=repeats,
    )
    return [
        Row(
            f"a whole epoch of {n_segments} segments, {name_precision(settings)}, "
            "against the literal pipeline",
            _divide(other, ours),
            "x faster",
            ">= 5",
            f"{_middle(ours):.2f} s against {_middle(other):.2f} s",
        )
    ]


def measure_fits(
    folder: Path, *, repeats: int = 2, n_trials: int = 40, epochs: int = 20
) -> list[Row]:
    """Compare fits side by side with one after another that have all threads."""
    store = write_noise_store(
        folder / "fits", n_trials=n_trials, n_segments=60, streams=BIO
    )
    settings = EvaluateSettings(
        protocols=("paper",), streams=("bio",), network=NetworkSettings(epochs=epochs)
    )
    runs = (folder / f"fits-run-{number}" for number in range(repeats + 1))
    every = take_rows(store, BIO, len(store.table))
    read = open_rows(every, fit_scaling(every))(np.arange(len(every)))
    bio = torch.cat([read[stream] for stream in BIO], dim=1)
    label = torch.from_numpy(every.label).float()
    n_train = len(every) * 9 // 10

    def fit_in_turn() -> None:
        with use_threads(os.cpu_count() or 1):
            for _ in range(2 * 10):
                train_signals(bio[:n_train], label[:n_train], epochs=epochs)

    ours, other = take_turns(
        lambda: evaluate(
            store.path,
            next(runs),
            settings=settings,
            execution=Execution(jobs=os.cpu_count() or 1),
        ),
        fit_in_turn,
        repeats=repeats,
        clock=time.perf_counter,
    )
    return [
        Row(
            f"20 bio fits of {epochs} epochs by evaluate, side by side, against the "
            "literal network with all threads",
            _divide(other, ours),
            "x faster",
            ">= 1.8",
            f"{_middle(ours):.1f} s against {_middle(other):.1f} s",
        )
    ]


def measure_latency(
    folder: Path, *, repeats: int = 5, n_calls: int = 100, batch: int = 64
) -> list[Row]:
    """Time one segment after another, as arrays of numbers, and many at once.

    The first of them, which prepare what is the same for all, do not count.
    """
    store = write_noise_store(folder / "latency", n_trials=2, n_segments=batch // 2)
    rows = take_rows(store, PAPER_STREAMS, batch)
    measured = []
    for precision in _list_precisions():
        settings = NetworkSettings(epochs=1, precision=precision)
        fitted = NetworkLearner(settings, seed=0).fit(rows)
        arrays = {
            stream: rows.read(stream, np.arange(batch)) for stream in PAPER_STREAMS
        }
        held = partial(
            hold_seconds, channels=store.manifest.channels, sfreq=store.sfreq
        )
        many_rows = held(arrays)
        one_row = held({stream: array[:1] for stream, array in arrays.items()})
        single, many = (
            take_turns(
                partial(fitted.find_logits, given), repeats=n, clock=time.perf_counter
            )[0]
            for given, n in ((one_row, repeats * n_calls), (many_rows, repeats))
        )
        groups = np.array_split(np.array(single), repeats)
        measured += [
            Row(
                f"latency of one segment, face+bio, {precision}, one thread, p95",
                [1000 * float(np.quantile(group, 0.95)) for group in groups],
                "ms",
                "<= 6",
                f"median {1000 * _middle(single):.2f} ms",
            ),
            Row(
                f"the same, {batch} at once",
                [batch / seconds for seconds in many],
                "segments/s",
            ),
        ]
    return measured


def measure_epoch(
    folder: Path, *, repeats: int = 5, n_trials: int = 36, epochs: int = 5
) -> list[Row]:
    """Compare a bio epoch of the learner with a bare loop over tensors."""
    store = write_noise_store(
        folder / "signals", n_trials=n_trials, n_segments=60, streams=BIO
    )
    rows = take_rows(store, BIO, len(store.table))
    scalings = fit_scaling(rows)
    held = open_rows(rows, scalings)(np.arange(len(rows)))
    training = open_training(rows, scalings, NetworkSettings(), seed=0)
    short, long = (
        NetworkLearner(NetworkSettings(epochs=count), seed=0)
        for count in (1, 1 + epochs)
    )
    batches = np.array_split(np.random.default_rng(0).permutation(len(rows)), 34)
    started, whole, bare, gather, copy = take_turns(
        lambda: short.fit(rows),
        lambda: long.fit(rows),
        lambda: train_bare(held, rows, epochs=epochs),
        lambda: [training(index) for index in batches],
        _make_copier(),
        repeats=repeats,
    )
    ours = [(b - a) / epochs for a, b in zip(started, whole, strict=True)]
    other = [seconds / epochs for seconds in bare]
    first = _middle(started) - _middle(ours)
    n_bytes = sum(tensor.nbytes for tensor in held.values())
    rates = [n_bytes / seconds / 1e9 for seconds in gather]
    copied = [COPIED_BYTES / seconds / 1e9 for seconds in copy]
    return [
        Row(
            f"bio epoch of {len(rows)} segments, against a bare loop",
            _divide(ours, other),
            "x as long",
            "<= 1.15",
            f"{_middle(ours):.2f} s against {_middle(other):.2f} s; "
            f"once a fit, before the first: {first:.2f} s",
        ),
        Row(
            "the same, gathering its batches",
            [100 * share for share in _divide(rates, copied)],
            "% of memory copy",
            "",
            f"{1000 * _middle(gather):.0f} ms an epoch, {2 * _middle(rates):.1f} GB/s",
        ),
    ]


def measure_gathering(
    folder: Path, *, repeats: int = 9, n_trials: int = 40, n_batches: int = 20
) -> list[Row]:
    """Compare gathering windows with gathering from a copy of them in memory.

    Batches are random. A fit keeps trials in memory, scaled, and windows are a view of
    those; what is too large for that is read from the store for each batch.
    """
    write_noise_store(folder / "windows", n_trials=n_trials, n_segments=60, streams=BIO)
    trials = open_store(folder / "windows")
    measured = []
    for segmenting in (Segmenting(), WINDOWS):
        store = trials.cut(segmenting)
        measured += _compare_gathering(store, repeats=repeats, n_batches=n_batches)
    return measured


def _compare_gathering(
    store: SegmentStore, *, repeats: int, n_batches: int
) -> list[Row]:
    rows = take_rows(store, BIO, len(store.table))
    scalings = fit_scaling(rows)
    stretches = open_stretches(rows, scalings)
    scaled = open_rows(rows, scalings)(np.arange(len(rows)))
    copied = {stream: rows.read(stream) for stream in BIO}
    rng = np.random.default_rng(0)
    batches = list(rng.integers(0, len(rows), (n_batches, 64)))
    here = np.zeros(64)

    def visit(gather: Callable[[NDArray[np.int64]], object]) -> Call:
        def visit_all() -> None:
            for index in batches:
                gather(index)

        return visit_all

    held, of_scaled, read, of_copied = take_turns(
        visit(lambda index: stretches(index, here)),
        visit(lambda index: [scaled[s][torch.from_numpy(index)] for s in BIO]),
        visit(lambda index: [rows.read(s, index) for s in BIO]),
        visit(lambda index: [copied[s][index] for s in BIO]),
        repeats=repeats,
    )
    grid = store.segmenting
    what = f"windows of {grid.length_s:g} s each {grid.step_s:g} s"
    return [
        Row(
            f"gathering 64 bio {what} as a fit does, against a copy in memory",
            _divide(held, of_scaled),
            "x as long",
            "<= 1.3",
            _say_batch(held, of_scaled, n_batches),
        ),
        Row(
            f"the same {what}, read from the store",
            _divide(read, of_copied),
            "x as long",
            "<= 1.3",
            _say_batch(read, of_copied, n_batches),
        ),
    ]


def _say_batch(ours: Sequence[float], other: Sequence[float], n_batches: int) -> str:
    each, its = (1000 * _middle(taken) / n_batches for taken in (ours, other))
    return f"{each:.2f} ms against {its:.2f} ms a batch"


def measure_faces(folder: Path, *, repeats: int = 5) -> list[Row]:
    """Compare a video's way to aligned faces with what nobody can leave out."""
    video = next(_recordings(folder).rglob("*.avi"))
    with av.open(str(video)) as container:
        n_pictures = container.streams.video[0].frames
    duration_s = n_pictures / FPS
    n_frames = int(duration_s * FACES_PER_S)
    backend = make_backend("dlib5")
    ours, bare, decoding = take_turns(
        partial(_track, video, backend, n_frames),
        partial(find_faces_bare, video, backend),
        partial(find_faces_bare, video, None),
        repeats=repeats,
    )
    found = _track(video, backend, n_frames)
    return [
        Row(
            "video to aligned faces, against decode + detect + landmarks alone",
            _divide(ours, bare),
            "x as long",
            "<= 1.3",
            f"{_middle(ours):.2f} s against {_middle(bare):.2f} s, of which decoding "
            f"{_middle(decoding):.2f} s; found in {found} of {n_frames} frames",
        ),
        Row(
            "limit: decoding 720x576 at 50 fps, one core",
            [n_pictures / seconds for seconds in decoding],
            "frames/s",
        ),
        Row(
            "faces a second, 720x576 at 50 fps, one core",
            [n_frames / seconds for seconds in ours],
            "faces/s",
            "",
            f"{duration_s / _middle(ours):.0f} x real time",
        ),
    ]


def _track(video: Path, backend: FaceBackend, n_frames: int) -> int:
    frames = sample_frames(video, fps=FACES_PER_S, n_frames=n_frames)
    return track_face(frames, backend, n_frames=n_frames, fps=FACES_PER_S).n_found


def _open_and_cut(path: Path, segmenting: Segmenting) -> SegmentStore:
    return open_store(path).cut(segmenting)


def measure_opening(
    folder: Path, *, repeats: int = 3, n_subjects: int = 32
) -> list[Row]:
    """Open a store as large as all of DEAP, and cut it, in fresh processes."""
    path = folder / "full"
    n_rows = write_full_size_store(path, n_subjects=n_subjects)
    what = f"opening a store of {n_rows} rows, {n_subjects} subjects"
    rows = []
    for name, segmenting in (
        (what, Segmenting()),
        (f"{what}, cut into windows of 4 s each 1 s", WINDOWS),
    ):
        work = partial(_open_and_cut, path, segmenting)
        seconds, megabytes = measure_apart(work, repeats=repeats)
        rows.append(Row(name, seconds, "s", "<= 1"))
        rows.append(Row(f"{name}: memory", megabytes, "MB above imports"))
    return rows


def measure_preparing(folder: Path, *, repeats: int = 2) -> list[Row]:
    """Prepare a subject of DEAP's size in fresh processes, and see what they hold."""
    videos = list(_recordings(folder).rglob("*.avi"))
    root = write_full_size_subject(folder / "subject", videos)
    seconds, megabytes = [], []
    for number in range(repeats):
        work = partial(
            prepare,
            *("deap", root, folder / f"prepared-{number}"),
            settings=PrepareSettings(),
            execution=Execution(),
        )
        once = measure_apart(work, repeats=1)
        seconds += once[0]
        megabytes += once[1]
    return [
        Row(
            "preparing one subject, 40 trials of 63 s: memory",
            megabytes,
            "MB above imports",
            "<= 600",
            f"{_middle(seconds):.1f} s with {len(videos)} videos of 12 s",
        )
    ]


def measure_reruns(folder: Path, *, repeats: int = 3) -> list[Row]:
    """Run finished commands again, in processes of their own."""
    write_noise_store(
        folder / "small", n_subjects=2, n_trials=8, n_segments=5, streams=BIO
    )
    evaluating = (
        *("evaluate", str(folder / "small"), "--out", str(folder / "run")),
        *("--streams", "bio", "--folds", "4", "--epochs", "2", "--jobs", "1"),
    )
    preparing = (
        *("prepare", "deap", str(_recordings(folder))),
        *("--out", str(folder / "store"), "--jobs", "1"),
    )
    rows = []
    for name, words, goal in (
        ("deepvanet --help", ("--help",), "<= 0.3"),
        ("re-run of a finished prepare", preparing, "<= 5"),
        ("re-run of a finished evaluate", evaluating, "<= 5"),
    ):
        first_s, _ = run_command(*words)
        seconds, busy = zip(*(run_command(*words) for _ in range(repeats)), strict=True)
        beside = f"of a core {_middle(busy):.2f} s; the first took {first_s:.1f} s"
        rows.append(Row(name, list(seconds), "s", goal, beside))
    return rows


def measure_evaluating(
    folder: Path, *, repeats: int = 1, protocol: str = "paper"
) -> list[Row]:
    """Evaluate one target on a store as large as all of DEAP, in a fresh process."""
    path = folder / "full-evaluated"
    write_full_size_store(path)
    settings = EvaluateSettings(
        protocols=(protocol,),
        targets=("valence",),
        streams=("face+bio",),
        folds=3,
        subjects=() if protocol == "subject" else ("01",),
        network=NetworkSettings(epochs=1),
    )
    work = partial(
        evaluate, path, folder / "full-run", settings=settings, execution=Execution()
    )
    seconds, megabytes = measure_apart(work, repeats=repeats)
    what = "all 22 subjects" if protocol == "subject" else "one subject"
    return [
        Row(
            f"evaluating {what} of a store of all of DEAP: memory",
            megabytes,
            "MB above imports",
            "<= 2000",
            f"three folds, one epoch each: {_middle(seconds):.0f} s",
        )
    ]


def measure_windows(
    folder: Path,
    *,
    repeats: int = 1,
    n_subjects: int = 32,
    n_trials: int = 40,
    learners: Sequence[str] = ("bandpower-logistic",),
) -> list[Row]:
    """Evaluate overlapping windows of all of DEAP's signals, in a fresh process.

    Signals are noise, and lie on disk in their full size. Tests are on other subjects.
    """
    path = folder / "full-signals"
    store = write_noise_store(
        path, n_subjects=n_subjects, n_trials=n_trials, n_segments=60, streams=BIO
    )
    n_rows = len(open_store(store.path).cut(WINDOWS).table)
    return [
        _measure_windows(path, folder / f"run-{learner}", learner, n_rows, repeats)
        for learner in learners
    ]


def _measure_windows(
    path: Path, out: Path, learner: str, n_rows: int, repeats: int
) -> Row:
    settings = EvaluateSettings(
        protocols=("subject",),
        targets=("valence",),
        streams=("bio",),
        learners=(learner,),
        segment=WINDOWS.segment_s,
        step=WINDOWS.step_s,
        folds=2,
        permutations=0,
        network=NetworkSettings(epochs=1),
    )
    seconds, megabytes = [], []
    for number in range(repeats):  # a finished run would not be done again
        run = out.with_name(f"{out.name}-{number}")
        work = partial(evaluate, path, run, settings=settings, execution=Execution())
        once = measure_apart(work, repeats=1)
        seconds += once[0]
        megabytes += once[1]
    return Row(
        f"evaluating {learner} on {n_rows} bio windows of 4 s each 1 s: memory",
        megabytes,
        "MB above imports",
        "<= 2000",
        f"two folds of subjects: {_middle(seconds):.0f} s",
    )


def measure_traces(
    folder: Path, *, repeats: int = 5, n_trials: int = 40, n_segments: int = 60
) -> list[Row]:
    """Find the lag of a rating that moves, and compare that with one fit of a ridge.

    The features of the rows are known to both.
    """
    store = write_noise_store(
        folder / "traces",
        n_trials=n_trials,
        n_segments=n_segments,
        streams=(Stream.EEG,),
    )
    rows = take_rows(store, (Stream.EEG,), n_trials * n_segments)
    lags_s = list_lags(FIT_LAG, EvaluateSettings.longest_lag)
    traces = np.random.default_rng(0).standard_normal((len(rows), len(lags_s)))
    moving = Goal("rating", moves=True)
    rows = replace(rows, label=traces[:, 0], goal=moving)
    learner = Bandpower("bandpower-ridge", NetworkSettings(), 0)
    found, fitted = take_turns(
        partial(find_lag, rows, traces, lags_s),
        partial(learner.fit, rows),
        repeats=repeats,
    )
    return [
        Row(
            f"finding one of {len(lags_s)} lags on {len(rows)} rows of EEG, against "
            "one fit of bandpower-ridge",
            _divide(found, fitted),
            "x as long",
            "<= 5",
            f"{1000 * _middle(found):.0f} ms against {1000 * _middle(fitted):.0f} ms",
        )
    ]


MEASURES: Mapping[str, Callable[[Path], list[Row]]] = {
    "limits": measure_limits,
    "step": measure_step,
    "pipeline": measure_pipeline,
    "epoch": measure_epoch,
    "gathering": measure_gathering,
    "fits": measure_fits,
    "latency": measure_latency,
    "faces": measure_faces,
    "opening": measure_opening,
    "preparing": measure_preparing,
    "evaluating": measure_evaluating,
    "traces": measure_traces,
    "reruns": measure_reruns,
    "page": measure_page,
}
FULL: Mapping[str, Callable[[Path], list[Row]]] = {
    **MEASURES,
    "step": partial(measure_step, repeats=15),
    "pipeline": partial(measure_pipeline, n_segments=640),
    "fits": partial(measure_fits, epochs=50, repeats=3),
    "evaluating": partial(measure_evaluating, protocol="subject"),
    "windows": measure_windows,
}
"""Of ``make bench-full``: longer where length tells more."""


def _recordings(folder: Path) -> Path:
    root = folder / "DEAP"
    return root if root.exists() else write_recordings(root, n_trials=2, seconds=12)


def _list_precisions() -> tuple[str, ...]:
    """List those that this processor multiplies natively."""
    return tuple(dict.fromkeys(("float32", name_precision(NetworkSettings()))))


def _read_literally(rows: Rows) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return faces, signals and labels as the literal network reads them."""
    inputs = to_network(open_rows(rows, fit_scaling(rows))(np.arange(len(rows))))
    bio = torch.cat([inputs[stream] for stream in BIO], dim=1)
    return inputs[Stream.FACE], bio, torch.from_numpy(rows.label).float()


def _read_cold(file: Path) -> None:
    """Read a file that the system was told to forget."""
    with file.open("rb", buffering=0) as opened:
        os.fsync(opened.fileno())
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        while opened.read(2**22):
            pass


def _multiply_matrices(precision: str = "float32") -> None:
    matrix = _MATRIX[precision]
    torch.mm(matrix, matrix)


def _make_copier() -> Callable[[], object]:
    source = torch.ones(COPIED_BYTES // 4)
    target = torch.zeros_like(source)
    return lambda: target.copy_(source)


_MATRIX = {
    name: torch.ones(GEMM_SIDE, GEMM_SIDE, dtype=getattr(torch, name))
    for name in ("float32", "bfloat16")
}


def _gemm_rates(seconds: Sequence[float]) -> list[float]:
    return [2 * GEMM_SIDE**3 / taken / 1e9 for taken in seconds]


def _divide(above: Sequence[float], below: Sequence[float]) -> list[float]:
    return [a / b for a, b in zip(above, below, strict=True)]


_middle = statistics.median


def main() -> None:
    """Measure, print the table, and write the numbers."""
    parser = argparse.ArgumentParser(description="Measure speed and memory as ratios.")
    default = Path(tempfile.gettempdir()) / "deepvanet-bench.json"
    parser.add_argument("--out", type=Path, default=default, help=f"JSON; {default}")
    parser.add_argument("--before", type=Path, help="JSON of another commit")
    parser.add_argument("--full", action="store_true", help="take half an hour")
    parser.add_argument("--only", nargs="+", choices=list(FULL), help="some rows")
    asked = parser.parse_args()
    measures = FULL if asked.full else MEASURES
    torch.set_num_threads(1)
    machine, rows = describe_machine(), []
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        for name in asked.only or measures:
            print(f"{name} ...", file=sys.stderr, flush=True)
            rows += {**FULL, **measures}[name](Path(folder))
    machine["seconds"] = time.perf_counter() - start
    said = "{processor}, {cores} cores, load {load:.1f} at the start, {seconds:.0f} s"
    print(said.format(**machine))
    print(plot_table(rows, read_medians(asked.before)))
    values = {"machine": machine, "rows": [row.to_dict() for row in rows]}
    write_text(asked.out, json.dumps(values, indent=2) + "\n")
    print(asked.out)


if __name__ == "__main__":
    main()
