"""One fold fitted by every learner, and saved so that it is never fitted again."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Num
from numpy.typing import NDArray

from deepvanet.config import (
    EvaluateSettings,
    NetworkSettings,
    Offsets,
    Segmenting,
    digest,
)
from deepvanet.evaluation.parts import Part
from deepvanet.files import whole_file
from deepvanet.learners.lag import FoundLag, find_lag
from deepvanet.learners.learner import (
    Choice,
    Epoch,
    EpochLearner,
    FittedLearner,
    Learner,
    Traits,
)
from deepvanet.learners.making import find_learner
from deepvanet.learners.priors import encode_shares
from deepvanet.learners.training import count_steps, plan_steps
from deepvanet.protocols import Protocol
from deepvanet.protocols.folds import Fold, can_choose_epoch
from deepvanet.schema import Goal, Stream, parse_streams
from deepvanet.store import Rows, Segments, SegmentStore, find_digest, open_store
from deepvanet.tasks import TASKS, MovingRating, join_outputs, split_outputs

LAG = "lag"
"""Of a saved fit: the numbers of its ``FoundLag``."""

WATCHED_EACH = "watched_each"
"""Of a saved fit of several targets: by epoch, the watched loss of each."""
_PARTS = ("train", "first", "validation", "test")


@dataclass(frozen=True)
class FoldJob:
    """One fold, to be fitted by every learner.

    Attributes
    ----------
    name : str
        What distinguishes it from the run's other tasks, for people.
    numbers, label : mapping
        Row numbers of the store, and labels, of the parts ``train``, ``first``,
        ``validation`` and ``test`` of a fold.
    goal : Goal
        What is predicted.
    choice : Choice
        ``loss``: learners with epochs are fitted on ``first``, choose their epoch on
        ``validation`` and are fitted again on ``train``; ``accuracy``: the test rows
        choose; ``last``: nothing does.
    unit : str
        What the protocol never splits.
    offsets : str
        As ``NetworkSettings`` has it; ``none`` unless the protocols are honest.
    sized_as : int
        Of a control: the training rows of the fit whose optimiser steps are taken;
        else 0.
    readings : tuple of str
        Which epochs the protocols read: the chosen one, the last one, or both.
    files : mapping
        Where each learner's result goes.
    traces : mapping
        Of ratings that move: those of each part at each lag, of which ``find_lag``
        finds one; else empty.
    lags_s : tuple of float
        The lags, in seconds.
    lag : FoundLag | None
        The one that the labels have; None before it is found, and where nothing moves.
    """

    name: str
    streams: tuple[Stream, ...]
    seed: int
    numbers: Mapping[str, Int[np.ndarray, " row"]]
    label: Mapping[str, Num[np.ndarray, " row *target"]]
    goal: Goal
    choice: Choice
    unit: str
    offsets: Offsets
    sized_as: int
    readings: tuple[Epoch, ...]
    files: Mapping[str, Path]
    traces: Mapping[str, Float[np.ndarray, "row lag"]] = field(default_factory=dict)
    lags_s: tuple[float, ...] = ()
    lag: FoundLag | None = None

    def __str__(self) -> str:
        return self.name

    def take_rows(self, store: Segments) -> dict[str, Rows]:
        """Return the rows of each part of the fold."""
        return {
            part: Rows(store, numbers, self.streams, self.label[part], goal=self.goal)
            for part, numbers in self.numbers.items()
        }


def plan_task(
    part: Part, fold: Fold, out: Path, settings: EvaluateSettings, run: str
) -> FoldJob:
    """Say what is fitted on a fold, which rows choose the epoch, and where it goes.

    Parameters
    ----------
    part : Part
        Rows, labels and protocols that the fold belongs to.
    fold : Fold
        Its training, validation and test rows.
    out : Path
        Folder of the run; results go to ``fits`` in it.
    settings : EvaluateSettings
        Settings of the run: they name the learners.
    run : str
        Digest of the run's settings but for its lists: a fit of other settings has
        another file name, and so has one of other rows.

    Returns
    -------
    FoldJob
        What ``fit_task`` needs, with a file for each learner.
    """
    rows = {name: getattr(fold, name) for name in _PARTS}
    label = part.label_in(fold)
    moving = part.task if isinstance(part.task, MovingRating) else None
    choice = Choice.LAST
    if part.chooses_on_test:
        choice = Choice.ACCURACY
    elif can_choose_epoch(part.table, part.stratify(fold), fold):
        choice = Choice.LOSS
    numbers = {key: part.numbers[row] for key, row in rows.items()}
    labels = {key: label[row] for key, row in rows.items()}
    offsets = find_offsets(part.protocols[0], settings)
    # what distinguishes this fit from every other fit of the run, however it grows
    name = {
        "run": run,
        "family": part.protocols[0].name,
        "target": part.target,
        "task": settings.task,
        "streams": part.streams,
        "seed": part.seed,
        "scope": fold.scope,
        "fold": fold.number,
        "rows": [_digest_rows(each) for each in (numbers, labels)],
        "how": [choice, part.protocols[0].inner_unit, offsets, fold.sized_as],
        "readings": list(part.readings),
    }
    return FoldJob(
        name=(
            f"{'+'.join(p.name for p in part.protocols)} {part.target} {part.streams} "
            f"seed {part.seed} {fold.scope} fold {fold.number}"
        ),
        streams=parse_streams(part.streams),
        seed=part.seed,
        numbers=numbers,
        label=labels,
        goal=part.task.goal,
        choice=choice,
        unit=part.protocols[0].inner_unit,
        offsets=offsets,
        sized_as=fold.sized_as,
        readings=part.readings,
        files={
            learner: out / "fits" / f"{digest({**name, 'learner': learner})}.npz"
            for learner in list_learners(settings, part.streams)
        },
        traces={
            key: part.rows.ratings[row].astype(np.float32) for key, row in rows.items()
        }
        if moving
        else {},
        lags_s=moving.lags_s if moving else (),
    )


def _digest_rows(parts: Mapping[str, Num[np.ndarray, " row *target"]]) -> str:
    """Return a short name for numbers of each part of a fold."""
    content = hashlib.sha256()
    for key, values in parts.items():
        content.update(f"{key} {values.dtype} {values.shape}".encode())
        content.update(np.ascontiguousarray(values).tobytes())
    return content.hexdigest()[:16]


def list_learners(settings: EvaluateSettings, streams: str) -> list[str]:
    """Return the learners that read a stream set, then the priors, always scored."""
    asked = dict.fromkeys([*settings.learners, *TASKS[settings.task].priors])
    return [n for n in asked if find_traits(n, settings).can_read(streams)]


def find_traits(learner: str, settings: EvaluateSettings) -> Traits:
    """Return what a learner is like."""
    return find_learner(learner)(settings.network, 0).traits


_opened: dict[tuple[Path, Segmenting], tuple[str, SegmentStore]] = {}


def open_once(path: Path, segmenting: Segmenting) -> SegmentStore:
    """Cut a store once a process, and again when it was prepared since."""
    made, key = find_digest(path), (path, segmenting)
    if key not in _opened or _opened[key][0] != made:
        _opened[key] = made, open_store(path).cut(segmenting)
    return _opened[key][1]


def fit_task(
    store_path: Path,
    settings: EvaluateSettings,
    face_weights: Path | None,
    task: FoldJob,
) -> None:
    """Fit every learner that has no saved result yet, and save what it scored.

    Parameters
    ----------
    store_path : Path
        Store whose segments are read.
    settings : EvaluateSettings
        Settings of the run: how trials are cut, and those of its networks.
    face_weights : Path | None
        What the face trunk starts from; None: random weights.
    task : FoldJob
        The fold, and a file for each learner.
    """
    store = open_once(store_path, settings.segmenting)
    task = settle_lag(store, task)
    for name, file in task.files.items():
        if not file.is_file():
            _save_fit(file, **fit_one(store, settings, face_weights, task, name))


def settle_lag(store: Segments, task: FoldJob) -> FoldJob:
    """Return the job with labels at the lag that its training rows have.

    All learners of a fold have the same, so that they are scored alike. A job whose
    ratings do not move is returned as it is.
    """
    if not task.lags_s:
        return task
    train = task.take_rows(store)["train"]
    lag = find_lag(train, task.traces["train"], task.lags_s, seed=task.seed)
    place = task.lags_s.index(lag.lag_s)
    label = {part: rated[:, place].astype(float) for part, rated in task.traces.items()}
    return replace(task, label=label, lag=lag)


def fit_one(
    store: SegmentStore,
    settings: EvaluateSettings,
    face_weights: Path | None,
    task: FoldJob,
    name: str,
) -> dict[str, NDArray[Any]]:
    """Fit one learner on one fold and score its test rows, epoch by epoch read.

    Parameters
    ----------
    store : SegmentStore
        Store whose segments are read.
    settings : EvaluateSettings
        Settings of the run; those of its networks are used.
    face_weights : Path | None
        What the face trunk starts from; None: random weights.
    task : FoldJob
        The fold.
    name : str
        The learner.

    Returns
    -------
    dict of str to array
        Scores of the test rows, by the epoch that is read, with history and choices.
    """
    rows = task.take_rows(store)
    network = settle_network(settings.network, task)
    learner = find_learner(name)(network, task.seed, face_weights)
    if task.sized_as and learner.traits.epochs:
        whole = replace(network, steps=0)
        learner = find_learner(name)(whole, task.seed, face_weights)
        steps = count_steps(learner, rows["train"], whole)
        steps = max(1, round(steps * task.sized_as / len(rows["train"])))
        network = replace(network, steps=steps)
        learner = find_learner(name)(network, task.seed, face_weights)
    return {**_fit(learner, rows, task), **spell_lag(task.lag)}


def read_lag(fit: Mapping[str, NDArray[Any]]) -> FoundLag | None:
    """Return the lag of a fit, None where ratings do not move."""
    if LAG not in fit:
        return None
    lag_s, low_s, high_s, share, is_flat = fit[LAG].tolist()
    return FoundLag(lag_s, low_s, high_s, share, is_flat=bool(is_flat))


def find_offsets(protocol: Protocol, settings: EvaluateSettings) -> Offsets:
    """Return where training segments start under a protocol.

    Published protocols have them at their places, and so have controls, which differ
    from a published protocol in as little as can be.
    """
    return settings.network.offsets if protocol.kind == "honest" else "none"


def settle_network(settings: NetworkSettings, task: FoldJob) -> NetworkSettings:
    """Return the settings of a task's networks: a control takes another fit's steps.

    Parameters
    ----------
    settings : NetworkSettings
        Of the run.
    """
    settings = replace(settings, offsets=task.offsets)
    if not task.sized_as:
        return settings
    return replace(settings, steps=sum(plan_steps(task.sized_as, settings)))


def _fit(
    learner: Learner, rows: Mapping[str, Rows], task: FoldJob
) -> dict[str, NDArray[Any]]:
    train = rows["train"]
    if train.goal.parts and not learner.traits.joins_targets:
        return _fit_apart(learner, rows, task)
    constant = _score_constant(train, len(rows["test"]))
    rates = [rate for rate in constant if rate is not None]
    if len(rates) == len(constant):
        score = join_outputs(rates) if train.goal.parts else rates[0]
        nothing = {"history": np.empty((0, 4)), **_spell_choices({})}
        return {**dict.fromkeys(task.readings, score), **nothing}
    first, fitted = fit_learner(learner, rows, task)
    history = [
        (item.epoch, item.train_loss, item.watched_loss, item.watched_accuracy)
        for item in first.history
    ]
    scores: dict[str, NDArray[Any]] = {}
    for epoch in task.readings:
        score = fitted.score(rows["test"], epoch=epoch)
        scores[epoch] = _put_constant(score, constant, train.goal) if rates else score
    if train.goal.parts:
        of_each = [item.of_targets for item in first.history]
        scores[WATCHED_EACH] = np.array(of_each, dtype=float)
    return {
        **scores,
        "history": np.array(history, dtype=float).reshape(-1, 4),
        "chosen_epoch": np.array(first.chosen_epoch or 0),
        **_spell_choices(fitted.choices),
    }


def _fit_apart(
    learner: Learner, rows: Mapping[str, Rows], task: FoldJob
) -> dict[str, NDArray[Any]]:
    """Fit a prior, which has no epochs, on each of several targets."""
    of_target = {name: part.split_targets() for name, part in rows.items()}
    fits = [
        _fit(learner, {name: parts[place] for name, parts in of_target.items()}, task)
        for place in range(len(task.goal.parts))
    ]
    joined: dict[str, NDArray[Any]] = {
        epoch: join_outputs([fit[epoch] for fit in fits]) for epoch in task.readings
    }
    return {**fits[0], **joined}


_Constant = Float[np.ndarray, "row ..."] | None


def _score_constant(train: Rows, n_rows: int) -> list[_Constant]:
    """Return base rates of each target with one class in training, None of others."""
    return [
        np.repeat(encode_shares(part.label[:1], part.goal), n_rows, axis=0)
        if len(np.unique(part.label)) < 2
        else None
        for part in train.split_targets()
    ]


def _put_constant(
    score: Float[np.ndarray, "row output"], constant: Sequence[_Constant], goal: Goal
) -> Float[np.ndarray, "row output"]:
    """Return scores with base rates where a target had one class in training."""
    found = zip(split_outputs(score, goal), constant, strict=True)
    return join_outputs([mine if rate is None else rate for mine, rate in found])


def fit_learner(
    learner: Learner, rows: Mapping[str, Rows], task: FoldJob
) -> tuple[FittedLearner, FittedLearner]:
    """Fit a learner on a fold's rows; return the fit that chose, and the final one.

    They are one and the same where no validation rows choose an epoch.
    """
    first = _fit_first(learner, rows, task)
    if task.choice is Choice.LOSS and isinstance(learner, EpochLearner):
        return first, learner.refit(rows["train"], plan=first.plan, unit=task.unit)
    return first, first


def _fit_first(
    learner: Learner, rows: Mapping[str, Rows], task: FoldJob
) -> FittedLearner:
    """Fit once: on all training rows, or on those beside the validation rows."""
    if not learner.traits.has_epochs or task.choice is Choice.LAST:
        return learner.fit(rows["train"], unit=task.unit)
    train, watch = ("first", "validation")
    if task.choice is Choice.ACCURACY:
        train, watch = ("train", "test")
    return learner.fit(
        rows[train], watch=rows[watch], choose=task.choice, unit=task.unit
    )


def spell_lag(lag: FoundLag | None) -> dict[str, NDArray[Any]]:
    """Return what a saved fit says of its lag, nothing where ratings do not move."""
    return {} if lag is None else {LAG: np.array(astuple(lag), dtype=float)}


def _spell_choices(choices: Mapping[str, float]) -> dict[str, NDArray[Any]]:
    return {
        "choice_names": np.array(list(choices), dtype=str),
        "choice_values": np.array(list(choices.values()), dtype=float),
    }


def _save_fit(file: Path, **arrays: NDArray[Any]) -> None:
    with whole_file(file) as unfinished, unfinished.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **arrays)
