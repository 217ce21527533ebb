"""Recordings as downloaded -> a store of trials.

One subject is one task: its folder in the store appears when it is whole, so an
interrupted run goes on where it stopped, and a run of what is complete does
nothing. What a subject was made from is recorded and compared.
"""

import logging
import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float
from numpy.typing import NDArray

from deepvanet.config import (
    Artefacts,
    Execution,
    PrepareSettings,
    Segmenting,
    digest,
    refuse_difference,
    to_dict,
)
from deepvanet.datasets import (
    OpenReader,
    Reader,
    check,
    describe_traces,
    find_data_set,
    leave_out,
    list_channels,
)
from deepvanet.execution import FAILURES, run_tasks
from deepvanet.files import make_folder, remove_unfinished, write_text
from deepvanet.findings import (
    attempt,
    check_codes,
    collect,
    refuse_errors,
    say_count,
    write_findings,
)
from deepvanet.preparation.faces import sample_features, track_trial
from deepvanet.preparation.inputs import fingerprint, is_current
from deepvanet.preprocessing import bio as bio_signals
from deepvanet.preprocessing import segments
from deepvanet.preprocessing.cleaning import CleaningFacts, clean
from deepvanet.preprocessing.cleaning.filters import find_factor
from deepvanet.preprocessing.face import (
    FaceBackend,
    FaceTrack,
    load_backend,
    make_backend,
)
from deepvanet.results import NOTE_SEPARATOR
from deepvanet.schema import (
    BIO,
    PAPER_STREAMS,
    Channel,
    Recording,
    Stream,
    Target,
    Trial,
    UserError,
)
from deepvanet.store import (
    SESSION,
    CleaningRecord,
    Manifest,
    TrialBlock,
    open_store,
    read_manifest,
    write_subject,
)

logger = logging.getLogger(__name__)

_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
ADVICE = " with --accept, or leave the subject out with --exclude"
_PACKAGES = ("deepvanet", "numpy", "av", "opencv-python-headless")
_PACKAGES_OF_RAW = ("mne", "mne-icalabel", "python-picard", "torch")


@dataclass(frozen=True)
class PreparationSummary:
    """What a store holds after ``prepare``.

    Attributes
    ----------
    n_done_before : int
        Subjects that were complete and current, and were left alone.
    trials : DataFrame
        One row a trial: what its video and its channels gave, and how many segments of
        one second it has, of each stream.
    """

    store: Path
    n_subjects: int
    n_done_before: int
    trials: pd.DataFrame

    def lines(self) -> list[str]:
        """Say in sentences what it holds."""
        total = self.trials.select_dtypes("integer").sum()
        store = (
            f"store: {self.store} ({say_count(self.n_subjects, 'subject')}, "
            f"{self.n_done_before} of them finished before; "
            f"{say_count(len(self.trials), 'trial')}, "
            f"{say_count(int(total['n_segments']), 'second')}, "
            f"{total['n_segments_with_face']} with a face)"
        )
        found = (_say_faces(total), self._say_streams(), _say_silence(total))
        return [store, *chain.from_iterable(found)]

    def _say_streams(self) -> Iterator[str]:
        counts = {stream: f"n_segments_with_{stream}" for stream in Stream}
        has = {
            s: self.trials[name] for s, name in counts.items() if name in self.trials
        }
        parts = (f"{stream} in {sum(n)} of them" for stream, n in has.items())
        yield f"streams: {', '.join(parts)}".replace("of them", "seconds", 1)
        n_silent = int((self.trials["has_video"] == 0).sum())
        if n_silent:
            stay = ("trial has no video: it stays", "trials have no video: they stay")
            yield f"{say_count(n_silent, *stay)} in, without a face stream"
        for stream, n in has.items():
            n_without = int((n == 0).sum())
            if n_without and not stream.is_images:
                lacking = say_count(n_without, "trial has", "trials have")
                yield f"{lacking} no {stream} stream"


def _say_faces(total: "pd.Series[int]") -> Iterator[str]:
    if total["n_frames"]:
        yield (
            f"faces: {total['n_faces_found'] / total['n_frames']:.1%} of "
            f"{total['n_frames']} images found, {total['n_faces_filled']} filled from "
            f"a neighbour, {total['n_frames_padded']} padded at the end, "
            f"{total['n_faces_lost']} lost"
        )


def _say_silence(total: "pd.Series[int]") -> Iterator[str]:
    for column, what in (
        ("n_bad_channels", "not finite"),
        ("n_flat_channels", "flat"),
    ):
        if total[column]:
            channels = say_count(int(total[column]), "channel is", "channels are")
            yield f"{channels} {what}, counted over trials"


def suggest_artefacts(name: str) -> Artefacts:
    """Return how a data set's EEG is cleaned where nothing else is asked for."""
    reader = find_data_set(name, "reader").load_reader()
    # whether the electrodes of a user's own recordings allow it is not known
    is_known = reader.IS_RAW and not isinstance(reader, OpenReader)
    return "icalabel" if is_known else "none"


def prepare(
    name: str,
    root: Path,
    out: Path,
    *,
    settings: PrepareSettings,
    execution: Execution,
    exclude: Sequence[str] = (),
    accept: Sequence[str] = (),
) -> PreparationSummary:
    """Turn a folder of recordings into a store, or complete one.

    Parameters
    ----------
    name : str
        Of a data set with a reader, as ``datasets.DATASETS`` lists them.
    root, out : Path
        The data set as downloaded, and the store.
    settings : PrepareSettings
        How signals and videos are processed.
    execution : Execution
        How subjects are prepared in parallel.
    exclude : sequence of str
        Subjects to leave out.
    accept : sequence of str
        Codes of errors whose assumption is taken; what cannot be read is left out.

    Returns
    -------
    PreparationSummary
        The folder of the store, and what it holds.

    Raises
    ------
    UserError
        When there is an error that is not accepted, before any work starts, or the
        store was made otherwise.
    TaskError
        When subjects failed otherwise; the others are prepared.
    """
    accepted = check_codes(accept, field="accept", families=False)
    reader = find_data_set(name, "reader").load_reader()
    find_factor(settings.sfreq, settings.peripheral_rate)  # or a sentence
    backend = make_backend(settings.face)
    with collect():  # what these report, check reports too
        subjects, waiting = list_waiting(reader, root, out, exclude)
    if waiting:
        findings = check(name, root, exclude=exclude, execution=execution).findings
        refuse_errors(findings, accepted, what=ADVICE)
    with collect():  # what these report is among the findings
        if not reader.IS_RAW:
            first = next(read_recordings(reader, root, subjects[0]), None)
            if first is not None:
                clean_recording(first, settings)  # refuses what cannot be cleaned
        manifest = _describe(reader, root, settings, backend)
    make_folder(out / "subjects")
    remove_unfinished(out / "subjects")
    _claim(out, manifest)
    _warn_of_other_subjects(out, subjects, root)
    if waiting:
        write_findings(out, findings)
    work = partial(_prepare_subject, name, root, out, settings, accepted)
    done = run_tasks(
        work, waiting, execution=execution, what="prepare", failures=out / FAILURES
    )
    for subject in done:
        logger.info("subject %s is prepared", subject)
    remove_unfinished(out / "subjects")  # of machines that were lost
    if not any((out / "subjects").glob("[!.]*")):
        raise UserError(f"{root}: nothing of any subject can be read")
    return PreparationSummary(
        store=out,
        n_subjects=len(subjects),
        n_done_before=len(subjects) - len(waiting),
        trials=_count_seconds(out),
    )


def list_waiting(
    reader: Reader, root: Path, out: Path, exclude: Sequence[str] = ()
) -> tuple[list[str], list[str]]:
    """Return the subjects of a data set, and those that a store does not hold yet.

    Parameters
    ----------
    reader : Reader
        Of the data set.
    root, out : Path
        The data set, and the store.
    exclude : sequence of str
        Subjects to leave out.

    Returns
    -------
    tuple
        All subjects, and those that are to be prepared.

    Raises
    ------
    UserError
        When there is no such data set, or a subject's id can name no folder.
    """
    subjects = leave_out(reader.list_subjects(root), exclude)
    for subject in subjects:
        _check_name(subject, root)
    waiting = [
        subject
        for subject in subjects
        if not is_current(out, subject, reader.input_files(root, subject), root)
    ]
    return subjects, waiting


def _count_seconds(out: Path) -> pd.DataFrame:
    """Return the trials of a store, with the seconds that each stream has."""
    trials = open_store(out)
    try:
        return trials.cut(Segmenting(baseline="none")).trials
    except UserError:  # no trial lasts a second, or a second is no whole of samples
        streams = trials.manifest.streams
        counts = ["n_segments", *(f"n_segments_with_{stream}" for stream in streams)]
        return trials.table.assign(**dict.fromkeys(counts, 0))


def _describe(
    reader: Reader,
    root: Path,
    settings: PrepareSettings,
    backend: FaceBackend,
) -> Manifest:
    dataset, values = reader.name_dataset(root), to_dict(settings)
    channels = list_channels(reader, root)
    held = {*PAPER_STREAMS, *(channel.stream for channel in channels)}
    packages = (*_PACKAGES, *(_PACKAGES_OF_RAW if reader.IS_RAW else ()))
    return Manifest(
        dataset=dataset,
        is_raw=reader.IS_RAW,
        settings=values,
        digest=digest({"dataset": dataset, **values}),
        channels=channels,
        versions={
            "python": platform.python_version(),
            **{name: version(name) for name in packages},
            f"face backend {backend.name}": backend.version,
        },
        traces=describe_traces(reader, root),
        streams=tuple(stream for stream in Stream if stream in held),
    )


def _claim(out: Path, manifest: Manifest) -> None:
    """Make the folder a store of these settings, or refuse one of others."""
    found = read_manifest(out)
    is_empty = not any((out / "subjects").glob("[!.]*"))
    if found is None and not is_empty:
        raise UserError(f"{out}: holds subjects but no manifest.json")
    if found is None or is_empty:
        write_text(out / "manifest.json", manifest.to_json())
        return
    there, asked = (
        {"dataset": made.dataset, **made.settings} for made in (found, manifest)
    )
    refuse_difference(out, there, asked, what="store")
    if found.channels != manifest.channels:
        raise UserError(f"{out}: this store was made from other channels")
    if found.traces != manifest.traces:
        raise UserError(f"{out}: this store was made from other traces")


def _warn_of_other_subjects(out: Path, subjects: Sequence[str], root: Path) -> None:
    """Say which subjects of the store are not in the data set; they stay."""
    for folder in sorted((out / "subjects").glob("[!.]*")):
        if folder.name not in subjects:
            logger.warning(
                "%s: holds subject %s, which is not in %s", out, folder.name, root
            )


def _check_name(name: str, root: Path) -> None:
    if not _SAFE_NAME.fullmatch(name):
        raise UserError(f"{root}: {name!r} cannot name a subject's folder")


def _prepare_subject(
    name: str,
    root: Path,
    out: Path,
    settings: PrepareSettings,
    accept: Sequence[str],
    subject: str,
) -> str:
    reader = find_data_set(name, "reader").load_reader()
    with collect() as found:
        files = reader.input_files(root, subject)
        if is_current(out, subject, files, root):
            return subject  # by a machine that was lost before it could say so
        backend = load_backend(settings.face)
        inputs = fingerprint(files, root)
        manifest = read_manifest(out)

        def read_blocks() -> Iterator[TrialBlock]:
            for recording in read_recordings(reader, root, subject):
                yield from prepare_recording(
                    recording,
                    settings=settings,
                    backend=backend,
                    features=() if manifest is None else manifest.features,
                )
            refuse_errors(found, accept, what=ADVICE)

        is_written = write_subject(
            out,
            subject,
            parts=read_blocks(),
            inputs={"inputs": inputs},
            findings=found,
            streams=PAPER_STREAMS if manifest is None else manifest.streams,
            factors=None if manifest is None else manifest.factors,
        )
    if not is_written:
        logger.warning("subject %s is left out: nothing of it can be read", subject)
    return subject


def read_recordings(reader: Reader, root: Path, subject: str) -> Iterator[Recording]:
    """Yield the recordings that can be read; the others become findings.

    Parameters
    ----------
    reader : Reader
        Of the data set.
    root : Path
        Where it lies.
    subject : str
        Whose recordings are read.

    Yields
    ------
    Recording
        As it was read.
    """
    recordings = attempt(lambda: iter(reader.read_recordings(root, subject)))
    while recordings is not None:
        recording = attempt(partial(next, recordings, None))
        if recording is None:
            return
        yield recording


def prepare_recording(
    recording: Recording,
    *,
    settings: PrepareSettings,
    backend: FaceBackend,
    features: Sequence[Channel] = (),
) -> Iterator[TrialBlock]:
    """Clean a recording and cut out its trials.

    Parameters
    ----------
    recording : Recording
        As it was read.
    settings : PrepareSettings
        How signals and videos are processed.
    backend : FaceBackend
        What finds faces.
    features : sequence of Channel
        Of faces, which others made, in their order.

    Returns
    -------
    iterator of TrialBlock
        One for each trial, in the recording's order.
    """
    recording, facts = clean_recording(recording, settings)
    record = None if facts is None else _record(recording, facts)
    for trial in segments.cut_trials(recording):
        block = prepare_trial(
            trial, settings=settings, backend=backend, features=features
        )
        row = {**block.row, "recording": recording.name}
        yield replace(block, row=row, cleaning=record)
        record = None


def clean_recording(
    recording: Recording, settings: PrepareSettings
) -> tuple[Recording, CleaningFacts | None]:
    """Clean a raw recording; hand on one without signals, or that others cleaned.

    Parameters
    ----------
    recording : Recording
        As it was read.
    settings : PrepareSettings
        How it is cleaned.

    Returns
    -------
    tuple
        The recording, and what cleaning did to it, None where nothing was done.

    Raises
    ------
    UserError
        When signals that others filtered come at another rate.
    """
    if not recording.channels:
        return recording, None
    if recording.is_raw or settings.artefacts != "none":
        cleaned = clean(
            recording,
            artefacts=settings.artefacts,
            probability=settings.artefact_probability,
            sfreq=settings.sfreq,
            seed=settings.seed,
        )
        return cleaned.recording, cleaned.facts
    if recording.sfreq != settings.sfreq:
        raise UserError(
            f"subject {recording.subject} recording {recording.name}: filtered "
            f"signals must come at {settings.sfreq:g} Hz, got {recording.sfreq:g} Hz"
        )
    return recording, None


def _record(recording: Recording, facts: CleaningFacts) -> CleaningRecord:
    names = {"subject": recording.subject, "recording": recording.name}
    row = names | dict(facts.row())
    row["note"] = NOTE_SEPARATOR.join(filter(None, [*recording.notes, facts.note]))
    excerpt = names | asdict(facts.excerpt)
    return CleaningRecord(
        row=row,
        spectra=pd.DataFrame(names | asdict(facts.spectra)),
        excerpt={name: np.array(value) for name, value in excerpt.items()},
    )


def prepare_trial(
    trial: Trial,
    *,
    settings: PrepareSettings,
    backend: FaceBackend,
    features: Sequence[Channel] = (),
) -> TrialBlock:
    """Bring the signals of a trial, its baseline in front, and its face together.

    Parameters
    ----------
    trial : Trial
        As it was cut.
    settings, backend, features
        As in ``prepare_recording``.

    Returns
    -------
    TrialBlock
        What a store keeps of it.
    """
    track = track_trial(trial, settings=settings, backend=backend)
    samples = np.asarray(trial.bio.T, dtype=np.float32)
    arrays: dict[Stream, NDArray[Any]] = {
        stream: samples[:, [c.stream is stream for c in trial.channels]]
        for stream in dict.fromkeys(c.stream for c in trial.channels)
    }
    if track is not None:
        arrays[Stream.FACE] = track.crops
    sampled = sample_features(trial, features, settings=settings)
    if sampled is not None:
        arrays[Stream.FACE_FEATURES] = sampled
    return TrialBlock(
        row=_describe_trial(trial, track),
        arrays=arrays,
        n_baseline=round(trial.baseline_s * trial.sfreq),
        face_state=None if track is None else track.state,
        trace=None if trial.trace is None else trial.trace.values.astype(np.float32),
    )


def _measure_missing(bio: Float[np.ndarray, "*_ time"]) -> Float[np.ndarray, "*_"]:
    """Return the share of samples that are missing, of each channel."""
    return np.asarray(1 - np.isfinite(bio).mean(axis=-1))


def _name_missing(trial: Trial) -> str:
    """Name the channels that miss samples in a trial, each with its share."""
    return " ".join(
        f"{channel.name}={share:.4f}"
        for channel, share in zip(
            trial.channels, _measure_missing(trial.bio), strict=True
        )
        if share
    )


def _describe_trial(trial: Trial, track: FaceTrack | None) -> Mapping[str, Any]:
    """Return the trial's row of ``trials.csv``."""
    is_bio = np.array([c.stream in BIO for c in trial.channels], bool)  # never closed
    bad, flat = bio_signals.find_silence(trial.bio[is_bio])
    return {
        **trial.more,
        "subject": trial.subject,
        "trial": trial.trial,
        "stimulus": trial.stimulus,
        **({SESSION: trial.session} if trial.session else {}),
        **dict.fromkeys(map(str, Target), np.nan),
        **{str(name): rating for name, rating in trial.ratings.items()},
        "duration_s": segments.measure_stimulus(trial) / trial.sfreq,
        "baseline_s": trial.baseline_s,
        "has_video": int(track is not None),
        "n_frames": 0 if track is None else len(track.state),
        "n_faces_lost": 0 if track is None else track.n_lost,
        "n_bad_channels": int(bad.sum()),
        "n_flat_channels": int(flat.sum()),
        "missing": _name_missing(trial),
    }
