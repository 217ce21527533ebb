"""Settings, which change numbers, apart from execution, which does not.

Settings are frozen dataclasses of plain values. They go to and from TOML, and
their digest names what was computed with them.
"""

import dataclasses
import hashlib
import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomli_w

from deepvanet.files import write_text
from deepvanet.schema import UserError

MEMORY_OF_A_JOB = 2 * 2**30
"""Bytes; a fit of the face network at batch 64 takes 1.3 GB."""


@dataclass(frozen=True)
class PrepareSettings:
    """How recordings become segments (the paper's section 3, implementation).

    Attributes
    ----------
    baseline : str
        ``mean`` (one number a channel), ``waveform`` (the mean one-second
        waveform, as the published code does) or ``none``.
    artefacts : str
        ``icalabel`` unmixes raw EEG and takes out what is not brain; ``none`` only
        filters it.
    artefact_probability : float
        A component goes when it is an artefact, of whatever class, with more than
        this probability. On made-up recordings cleaned EEG is least wrong from 0.7
        to 0.8.
    seed : int
        Draws what the unmixing starts from.
    face : str
        Name of the face backend.
    face_fps : float
        Face images a second.
    face_size : int
        Side of a face image in pixels.
    sfreq : float
        Samples a second of the stored signals, in Hz.
    """

    baseline: str = "mean"
    artefacts: str = "none"
    artefact_probability: float = 0.7
    seed: int = 0
    face: str = "dlib5"
    face_fps: float = 5.0
    face_size: int = 64
    sfreq: float = 128.0


@dataclass(frozen=True)
class NetworkSettings:
    """How the network is built and trained; the defaults are the paper's.

    Attributes
    ----------
    scale : str
        ``train``: each channel by median and interquartile range of the
        training rows, faces by their mean image and the deviation from it;
        ``none``: the published recipe.
    steps : int
        Optimiser steps of a fit; 0: as many as ``epochs`` passes take.
    class_weight : str
        ``balanced``: both classes count alike, by the trials of the training rows;
        ``none``: every segment counts alike, as published.
    normalise : str
        ``subject``: each subject's features or signals are compared with its own,
        without labels; ``none``: they are not.
    face_features, bio_features : int
        Lengths of the two feature vectors, the paper's lambda 1 and 2.
    threads : int
        Threads of one fit. Part of the settings, since sums change with it.
    precision : str
        Of the face's convolutions: ``float32``; ``bfloat16``, with weights and sums in
        float32; ``auto`` is bfloat16 where the machine multiplies it natively. All
        else, signals foremost, is float32.
    device : str
        Where networks are trained: ``cpu`` or ``cuda``.
    face_weights : str
        Digest of the weights that the face trunk starts from; empty: drawn ones.
    freeze_face : bool
        Whether the trunk keeps those weights.
    grid_face, grid_bio : tuple of int
        Lengths that each fold chooses from, in place of ``face_features`` and
        ``bio_features``, on its validation rows; empty: nothing is chosen.
    """

    scale: str = "train"
    epochs: int = 50
    steps: int = 0
    class_weight: str = "balanced"
    normalise: str = "none"
    batch_size: int = 64
    learning_rate: float = 1e-3
    face_features: int = 16
    bio_features: int = 64
    dropout: float = 0.5
    threads: int = 1
    precision: str = "auto"
    device: str = "cpu"
    face_weights: str = ""
    freeze_face: bool = False
    grid_face: tuple[int, ...] = ()
    grid_bio: tuple[int, ...] = ()


@dataclass(frozen=True)
class PretrainSettings:
    """How the face trunk is pretrained.

    Attributes
    ----------
    scale : str
        ``train``: images relative to the mean image of the training actors;
        ``none``: pixels as 0 to 1, as published.
    validation, test : float
        Shares of the actors.
    aspect : float
        How wide a pixel of the frames is.
    threads : int
        Part of the settings, since sums change with it.
    """

    scale: str = "train"
    epochs: int = 20
    batch_size: int = 64
    learning_rate: float = 1e-3
    validation: float = 0.15
    test: float = 0.15
    aspect: float = 1.0
    seed: int = 0
    threads: int = 1


@dataclass(frozen=True)
class EvaluateSettings:
    """What is trained and tested.

    Attributes
    ----------
    folds : int | None
        None: ten, fewer where there are fewer units, equal for the run's protocols.
    subjects : tuple of str
        Empty takes all.
    recipe : str
        One of ``RECIPES``, from which other settings were taken.
    control : str
        ``none``; ``shuffled-labels``: ratings are permuted over the trials of each
        subject before anything is trained; ``noise``: signals are noise with the
        subject's average spectrum, faces are those of unrelated seconds. A score
        above chance then is no recognition of affect.
    """

    protocols: tuple[str, ...] = ("paper", "trial-matched", "trial")
    targets: tuple[str, ...] = ("valence", "arousal")
    streams: tuple[str, ...] = ("face+bio",)
    learners: tuple[str, ...] = ("network",)
    label_rule: str = ">=5"
    folds: int | None = None
    seeds: tuple[int, ...] = (0,)
    subjects: tuple[str, ...] = ()
    control: str = "none"
    recipe: str = "default"
    network: NetworkSettings = field(default_factory=NetworkSettings)


@dataclass(frozen=True)
class TrainSettings:
    """What goes into a bundle.

    Attributes
    ----------
    cross_validate : bool
        Whether the number of epochs is chosen, and probabilities are calibrated, by
        a cross-validation; else there are ``network.epochs`` epochs.
    stream_dropout : float
        Above 0: one network for all streams, which loses each of them in training
        with this probability, and answers from any of them.
    """

    targets: tuple[str, ...] = ("valence", "arousal")
    streams: tuple[str, ...] = ("face", "bio", "face+bio")
    label_rule: str = ">=5"
    seed: int = 0
    subjects: tuple[str, ...] = ()
    cross_validate: bool = False
    stream_dropout: float = 0.0
    network: NetworkSettings = field(default_factory=NetworkSettings)


EXECUTORS = ("local", "ray")


@dataclass(frozen=True)
class Execution:
    """Where and how work runs; results do not depend on it.

    Attributes
    ----------
    jobs : int
        Tasks side by side on this machine.
    executor : str
        ``local``: processes of this machine; ``ray``: a Ray cluster.
    address : str
        Of the cluster; empty: one of this machine alone is started, and ended.
    gpus_per_task : float
        Share of a GPU that a cluster keeps for a task.
    """

    jobs: int = 1
    progress: bool = False
    executor: str = "local"
    address: str = ""
    gpus_per_task: float = 0.0


def suggest_jobs() -> int:
    """Return how many processes the cores and the memory of this machine can feed."""
    if not hasattr(os, "sched_getaffinity"):  # macOS, Windows
        return os.cpu_count() or 1
    n_cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(1, min(n_cores, memory // MEMORY_OF_A_JOB))


def to_dict(settings: Any) -> dict[str, Any]:
    """Return a settings dataclass as plain values without its Nones."""
    return _walk(dataclasses.asdict(settings))


def _walk(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _walk(value)
        if isinstance(value, Mapping)
        else list(value)
        if isinstance(value, tuple)
        else value
        for key, value in values.items()
        if value is not None
    }


def read_evaluate_settings(values: Mapping[str, Any]) -> EvaluateSettings:
    """Read what ``to_dict`` made of the settings of a run.

    Raises
    ------
    UserError
        When they are of another version.
    """
    plain, network = _as_tuples(values), _as_tuples(values.get("network", {}))
    try:
        return EvaluateSettings(**{**plain, "network": NetworkSettings(**network)})
    except TypeError as error:
        raise UserError(f"settings of another version: {error}") from None


def _as_tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    return {n: tuple(v) if isinstance(v, list) else v for n, v in values.items()}


def digest(value: Any) -> str:
    """Return a short name for plain values, the same in every process."""
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def write_toml(path: Path, values: Mapping[str, Any]) -> None:
    """Write plain values as TOML."""
    write_text(path, tomli_w.dumps(values))


def read_toml(path: Path) -> dict[str, Any]:
    """Read TOML, or raise ``UserError``."""
    try:
        return tomllib.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read: {error}") from None


def claim_folder(folder: Path, described: Mapping[str, Any], *, what: str) -> None:
    """Write ``settings.toml`` into a folder, or refuse one of other settings.

    Parameters
    ----------
    described : mapping
        Plain values, as TOML can hold them.
    what : str
        What the folder holds, for the sentence.

    Raises
    ------
    UserError
        When the folder was made with other settings; the first one is named.
    """
    file = folder / "settings.toml"
    if file.is_file():
        refuse_difference(folder, read_toml(file), described, what=what)
    else:
        write_toml(file, described)


def refuse_difference(folder: Path, there: Any, asked: Any, *, what: str) -> None:
    """Raise ``UserError`` for the first setting that is another than before."""
    found = _find_difference(there, asked, what)
    if found:
        raise UserError(
            f"{folder}: this {what} was made with other settings ({found}); "
            "choose another --out"
        )


def _find_difference(there: Any, asked: Any, name: str) -> str:
    if isinstance(there, Mapping) and isinstance(asked, Mapping):
        pairs = ((there.get(key), asked.get(key), key) for key in {**there, **asked})
        return next(filter(None, (_find_difference(*pair) for pair in pairs)), "")
    return "" if there == asked else f"{name} is {there!r} there, got {asked!r}"
