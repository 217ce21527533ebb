"""Decision-level fusion: a face network and a bio network, trained apart, then joined.

``decision-fusion:RULE`` joins them by a rule of :mod:`deepvanet.learners.fusion_rules`,
fitted on *inner out-of-fold* scores: the training rows are divided once more, units
of the protocol whole, and every part is scored by two networks that never saw it.
These train for as many steps as were chosen for the two that are joined. Scores
are those of evaluation mode and do not depend on the batch.

Where there are too few units to deal, or those held out have one class, nothing can
be fitted honestly: the members count alike (``mean-logit``), and ``choices`` says
``is_fitted`` 0.

``decision-fusion:adaboost-published`` does what the published code does, for
comparison. It differs from ``adaboost`` in this:

- No row is reweighted: scores are compared with labels for equality, which never
  holds. (Where it held, right rows would gain weight, since the sign is turned.)
- Weights are not renormalised, so the bio member's error shrinks with the face's.
- The error is the mean distance of scores from labels, put into the formula for
  hard votes; a member worse than chance keeps a negative weight.
- It is measured on the members' own training rows.
- Networks stay in training mode, in measuring and in testing: dropout is at work,
  and batch normalisation takes the statistics of the batch and goes on learning
  from test rows, so that a score depends on the rows beside it (``unlabelled``).
- Networks are those of the last epoch under every protocol, and no segment is
  trained on at an offset.
- The score lacks the factor 2 of AdaBoost's posterior; decisions do not change.

Ours departs from it in what would stop it: errors are clipped, where an error of 0
gives an infinite weight there; and members have the paper's sizes for every data
set, where its bio network takes 48 channels of MAHNOB-HCI and training gives 38.

Saved, a fusion is::

    FOLDER/fusion.json   the rule and its weights
    FOLDER/face/, bio/   the two networks
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float
from scipy.special import expit

from deepvanet.config import NetworkSettings
from deepvanet.documents import Known, build
from deepvanet.files import whole_folder, write_text
from deepvanet.learners.fusion_rules import MEMBERS, RULES, Weights, weigh_as_published
from deepvanet.learners.held_rows import open_rows
from deepvanet.learners.inputs import to_network
from deepvanet.learners.learner import (
    Choice,
    Epoch,
    EpochRecord,
    FitPlan,
    Learner,
    Training,
    Traits,
)
from deepvanet.learners.network import FittedNetwork, NetworkLearner, load_network
from deepvanet.learners.repeatable import sample_from, use_threads
from deepvanet.learners.saved import read_saved, refuse_damage
from deepvanet.learners.training import SCORED_AT_ONCE
from deepvanet.models.feature_fusion import DeepVANet
from deepvanet.protocols.folds import INNER_FOLDS, cut_inner_folds
from deepvanet.schema import WITH_CHANNELS, Stream
from deepvanet.store import Rows

FORMAT = "deepvanet-fusion-2"
PUBLISHED = "adaboost-published"
PAIRED = ((Stream.FACE,), WITH_CHANNELS)
"""It needs the face and a stream of signals."""
ALIKE = "mean-logit"
"""The rule where there is nothing to fit one on."""

Pair = Mapping[str, FittedNetwork]
Scores = Float[np.ndarray, "row 2"]


@dataclass(frozen=True)
class DecisionFusion:
    """Train two networks apart and join their scores by a rule of ``RULES``."""

    rule: str
    settings: NetworkSettings
    seed: int
    face_weights: Path | None = None
    traits: ClassVar[Traits] = Traits(needs=PAIRED, has_epochs=True, takes_offsets=True)

    def fit(
        self,
        train: Rows,
        *,
        watch: Rows | None = None,
        choose: Choice = Choice.LAST,
        unit: str = "trial",
    ) -> "FittedFusion":
        """Train both members, then the rule on inner out-of-fold scores.

        Where validation rows choose the epoch, no rule is fitted: ``refit`` does that.

        Parameters
        ----------
        train : Rows
            Seconds with labels, of the face and at least one other stream.
        watch : Rows | None
            Rows that both members score after each epoch.
        choose : Choice
            Which epoch of each member is read; ``Choice.LOSS`` fits no rule.
        unit : str
            What inner folds keep whole.

        Returns
        -------
        FittedFusion
            Both networks, and the numbers of the rule where it could be fitted.
        """
        pair = _fit_pair(self._member, train, watch, choose)
        # validation that chooses leaves the last epoch of no interest
        readings: tuple[Epoch, ...] = ("chosen", "last")
        if choose is not Choice.ACCURACY:
            readings = ("chosen",)
        if choose is Choice.LOSS:
            return FittedFusion(rule=self.rule, pair=pair, weights={"chosen": None})
        read_at: Choice | Mapping[str, int] = choose
        if choose is Choice.ACCURACY:
            read_at = {name: fitted.chosen_epoch for name, fitted in pair.items()}
        held = [
            (index, _fit_pair(self._member, train.take(inner), None, read_at))
            for inner, index in self._deal(train, unit)
        ]
        weights: dict[str, Weights | None] = {
            reading: self._fit_rule(train, held, reading) for reading in readings
        }
        if choose is Choice.LAST:
            weights["last"] = weights["chosen"]
        return FittedFusion(rule=self.rule, pair=pair, weights=weights)

    def refit(
        self, train: Rows, *, plan: FitPlan, unit: str = "trial"
    ) -> "FittedFusion":
        """Train both members again for the steps that each chose, then the rule."""

        def make(name: str) -> NetworkLearner:
            settings = replace(self.settings, steps=plan[f"{name}_steps"])
            return replace(self._member(name), settings=settings)

        pair = _fit_pair(make, train, None, Choice.LAST)
        held = [
            (index, _fit_pair(make, train.take(inner), None, Choice.LAST))
            for inner, index in self._deal(train, unit)
        ]
        weights = {"chosen": self._fit_rule(train, held, "chosen")}
        return FittedFusion(rule=self.rule, pair=pair, weights=weights)

    def list_trainings(self, streams: Sequence[Stream]) -> Sequence[Training]:
        """Name both members, which a fitted rule trains on inner folds too."""
        times = 1.0 + (INNER_FOLDS - 1 if RULES[self.rule].is_fitted else 0)
        return _list_members(self._member, streams, times)

    def _deal(self, train: Rows, unit: str) -> list[tuple[np.ndarray, np.ndarray]]:
        if not RULES[self.rule].is_fitted:
            return []
        return cut_inner_folds(train.table, train.label, unit=unit, seed=self.seed)

    def _fit_rule(
        self,
        train: Rows,
        held: Sequence[tuple[np.ndarray, Pair]],
        epoch: Epoch,
    ) -> Weights | None:
        if not RULES[self.rule].is_fitted:
            return {}
        label = np.concatenate([train.label[:0], *(train.label[i] for i, _ in held)])
        if len(np.unique(label)) < 2:
            return None
        scores = [_score_pair(pair, train.take(i), epoch) for i, pair in held]
        return RULES[self.rule].fit(np.concatenate(scores), label)

    def _member(self, _name: str) -> NetworkLearner:
        return NetworkLearner(self.settings, self.seed, self.face_weights)


@dataclass(frozen=True, eq=False)
class FittedFusion:
    """Two networks and how their scores are joined.

    Attributes
    ----------
    weights : mapping
        Of each reading that was asked for; None where nothing could be fitted.
    """

    rule: str
    pair: Pair
    weights: Mapping[str, Weights | None]

    @property
    def mean_face(self) -> Float[np.ndarray, "colour _ _"]:
        """That of the face network."""
        return self.pair["face"].mean_face

    @property
    def history(self) -> Sequence[EpochRecord]:
        """The means of both members' records."""
        pairs = zip(*(self.pair[name].history for name in MEMBERS), strict=True)
        return [_average(face, bio) for face, bio in pairs]

    @property
    def chosen_epoch(self) -> int:
        """The later one of the two members'; ``choices`` has both."""
        return max(fitted.chosen_epoch for fitted in self.pair.values())

    @property
    def plan(self) -> FitPlan:
        """The steps of both members; empty of a loaded one."""
        return {
            f"{name}_{what}": value
            for name, fitted in self.pair.items()
            for what, value in fitted.plan.items()
        }

    @property
    def choices(self) -> Mapping[str, float]:
        """Epochs and weights."""
        found: dict[str, float] = {}
        for reading, weights in self.weights.items():
            prefix = "last " if reading == "last" else ""
            for name, fitted in self.pair.items():
                last = len(fitted.history)
                epoch = last if prefix else fitted.chosen_epoch
                found[f"{prefix}{name}_epoch"] = float(epoch)
            found[f"{prefix}is_fitted"] = float(weights is not None)
            found |= {f"{prefix}{k}": v for k, v in (weights or {}).items()}
        return found

    def score(
        self, rows: Rows, *, epoch: Epoch = "chosen"
    ) -> Float[np.ndarray, " row"]:
        """Return the probability that each row is high."""
        if epoch not in self.weights:
            raise ValueError("validation rows chose the epoch: there is no last one")
        weights = self.weights[epoch]
        rule = RULES[ALIKE if weights is None else self.rule]
        return rule.join(_score_pair(self.pair, rows, epoch), weights or {})

    def save(self, folder: Path) -> None:
        """Write both networks and the rule, as it reads the chosen epoch."""
        _save(folder, self.pair, {"rule": self.rule, "weights": self.weights["chosen"]})


@dataclass(frozen=True)
class PublishedFusion:
    """Do what the published code does; the module says how it differs."""

    settings: NetworkSettings
    seed: int
    face_weights: Path | None = None
    traits: ClassVar[Traits] = Traits(needs=PAIRED, adapts_to_test=True)

    def fit(
        self,
        train: Rows,
        *,
        watch: Rows | None = None,  # noqa: ARG002 - the last epoch is taken
        choose: Choice = Choice.LAST,  # noqa: ARG002
        unit: str = "trial",  # noqa: ARG002 - nothing is divided
    ) -> "FittedPublishedFusion":
        """Train both members, and weigh them by their error on the same rows.

        Parameters
        ----------
        train : Rows
            Seconds with labels, of the face and at least one other stream.
        watch : Rows | None
            Not used.
        choose : Choice
            Not used: the last epoch is read.
        unit : str
            Not used: nothing is divided.

        Returns
        -------
        FittedPublishedFusion
            Both networks and their weights.
        """
        pair = _fit_pair(self._member, train, None, Choice.LAST)
        scores = _score_in_training_mode(pair, train, self.seed)
        face, bio = np.abs(scores - train.label[:, None]).mean(axis=0)
        return FittedPublishedFusion(
            pair=pair, alpha=weigh_as_published(face, bio), seed=self.seed
        )

    def list_trainings(self, streams: Sequence[Stream]) -> Sequence[Training]:
        """Name both members."""
        return _list_members(self._member, streams, 1.0)

    def _member(self, _name: str) -> NetworkLearner:
        settings = replace(self.settings, offsets="none")
        return NetworkLearner(settings, self.seed, self.face_weights)


@dataclass(frozen=True, eq=False)
class FittedPublishedFusion:
    """Two networks that go on learning their batch statistics while they score."""

    pair: Pair
    alpha: tuple[float, float]
    seed: int
    history: ClassVar[Sequence[EpochRecord]] = ()
    chosen_epoch: ClassVar[int | None] = None
    plan: ClassVar[FitPlan] = {}

    @property
    def choices(self) -> Mapping[str, float]:
        """The two weights."""
        return {f"{k}_alpha": v for k, v in zip(MEMBERS, self.alpha, strict=True)}

    def score(
        self,
        rows: Rows,
        *,
        epoch: Epoch = "chosen",  # noqa: ARG002 - there is the last one only
    ) -> Float[np.ndarray, " row"]:
        """Return a score of each row, which depends on the rows beside it."""
        margins = 2 * _score_in_training_mode(self.pair, rows, self.seed) - 1
        return np.asarray(expit(margins @ np.array(self.alpha)))

    def save(self, folder: Path) -> None:
        """Write both networks, as they are by now, and the weights."""
        values = {"alpha": list(self.alpha), "seed": self.seed}
        _save(folder, self.pair, {"rule": PUBLISHED, "weights": values})


def _fit_pair(
    make: Callable[[str], NetworkLearner],
    train: Rows,
    watch: Rows | None,
    choose: Choice | Mapping[str, int],
) -> Pair:
    return {
        name: make(name).fit(
            _narrow(train, name),
            watch=None if watch is None else _narrow(watch, name),
            choose=choose if isinstance(choose, Choice) else choose[name],
        )
        for name in MEMBERS
    }


def _narrow(rows: Rows, member: str) -> Rows:
    """Return the rows with the streams of one member."""
    streams = tuple(s for s in rows.streams if (s is Stream.FACE) == (member == "face"))
    return replace(rows, streams=streams)


def _score_pair(pair: Pair, rows: Rows, epoch: Epoch) -> Scores:
    scores = [pair[n].score(_narrow(rows, n), epoch=epoch) for n in MEMBERS]
    return np.stack(scores, axis=1)


def _score_in_training_mode(pair: Pair, rows: Rows, seed: int) -> Scores:
    scores = []
    for name in MEMBERS:
        fitted = pair[name]
        with use_threads(fitted.threads), sample_from(seed):
            scores.append(_score_batches(fitted, _narrow(rows, name)))
    return np.stack(scores, axis=1)


@torch.no_grad()
def _score_batches(fitted: FittedNetwork, rows: Rows) -> Float[np.ndarray, " row"]:
    """Score rows by a network in training mode, which changes its statistics."""
    network: DeepVANet = fitted.chosen.train()
    fetch = open_rows(rows, fitted.scalings)
    parts = [
        network(to_network(fetch(index))).double().sigmoid().numpy()
        for index in np.array_split(
            np.arange(len(rows)), -(-len(rows) // SCORED_AT_ONCE)
        )
    ]
    network.eval()
    return np.concatenate(parts)


def _average(face: EpochRecord, bio: EpochRecord) -> EpochRecord:
    def mean(a: float | None, b: float | None) -> float | None:
        return None if a is None or b is None else (a + b) / 2

    return EpochRecord(
        epoch=face.epoch,
        train_loss=(face.train_loss + bio.train_loss) / 2,
        watched_loss=mean(face.watched_loss, bio.watched_loss),
        watched_accuracy=mean(face.watched_accuracy, bio.watched_accuracy),
    )


def _list_members(
    make: Callable[[str], NetworkLearner], streams: Sequence[Stream], times: float
) -> list[Training]:
    members = {
        "face": (Stream.FACE,),
        "bio": tuple(stream for stream in streams if stream is not Stream.FACE),
    }
    return [Training("network", make(n), members[n], times) for n in MEMBERS]


def _save(folder: Path, pair: Pair, values: Mapping[str, Any]) -> None:
    with whole_folder(folder) as unfinished:
        for name, fitted in pair.items():
            fitted.save(unfinished / name)
        text = json.dumps({"format": FORMAT, **values}, indent=2) + "\n"
        write_text(unfinished / "fusion.json", text)


@dataclass(frozen=True)
class SavedFusion:
    """What ``fusion.json`` holds."""

    rule: Annotated[str, Known((*RULES, PUBLISHED))]
    weights: Mapping[str, Any] | None


@dataclass(frozen=True)
class PublishedWeights:
    """The weights in it, as the published code has them."""

    alpha: tuple[float, ...]
    seed: int


def load_fusion(folder: Path) -> FittedFusion | FittedPublishedFusion:
    """Load what a fitted fusion saved.

    Raises
    ------
    UserError
        When a file is missing, damaged or of another format.
    """
    file = folder / "fusion.json"
    saved = read_saved(file, FORMAT, SavedFusion)
    pair = {name: load_network(folder / name) for name in MEMBERS}
    with refuse_damage(file):
        if saved.rule == PUBLISHED:
            told = build(PublishedWeights, saved.weights, place="weights")
            face, bio = told.alpha
            return FittedPublishedFusion(pair, (face, bio), told.seed)
        return FittedFusion(saved.rule, pair, {"chosen": _read_weights(saved)})


def _read_weights(saved: SavedFusion) -> Weights | None:
    if saved.weights is None:
        return None
    names = RULES[saved.rule].names
    for name in names:
        value = saved.weights.get(name)
        if not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError(f"weights.{name}: needs a finite number, got {value!r}")
    return {name: float(saved.weights[name]) for name in names}


def make_fusion(
    name: str, settings: NetworkSettings, seed: int, face_weights: Path | None = None, /
) -> Learner:
    """Make the fusion by the rule that a name ends with.

    Parameters
    ----------
    name : str
        The rule stands after the colon, as in ``decision-fusion:adaboost``.
    settings : NetworkSettings
        How both networks are built and trained.
    seed : int
        Of fresh weights, the order of rows, and inner folds.
    face_weights : Path | None
        Where the face trunk starts; None: from fresh weights.

    Returns
    -------
    Learner
        Not fitted yet.
    """
    rule = name.partition(":")[2]
    if rule == PUBLISHED:
        return PublishedFusion(settings, seed, face_weights)
    return DecisionFusion(rule, settings, seed, face_weights)
