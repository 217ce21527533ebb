"""A support vector machine a modality on features of whole trials, summed up.

What ``soleymani2012`` and ``after-wiem2017`` have in common. C and gamma are chosen on
inner folds, the protocol's unit whole; a score is the mean of the modalities'
probabilities, and so is a rating.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from deepvanet.config import NetworkSettings
from deepvanet.learners.baseline import (
    FittedBaseline,
    Numbers,
    PredictRows,
    load_baseline,
)
from deepvanet.learners.classifiers import weigh_samples
from deepvanet.learners.families import GOALS, find_classifier, name_goal, read_goal
from deepvanet.learners.learner import Choice, Traits
from deepvanet.learners.repeatable import use_one_thread
from deepvanet.protocols.folds import INNER_FOLDS
from deepvanet.schema import Stream
from deepvanet.store import Rows
from deepvanet.systems.modalities import fit_modality, open_modalities
from deepvanet.systems.support_vectors import (
    FULL,
    SMALL,
    Grid,
    Select,
    fit_machines,
    take_all,
)
from deepvanet.systems.trial_table import FeatureSet, first_rows


@dataclass(frozen=True)
class Method:
    """What distinguishes one such system from another.

    Attributes
    ----------
    features : FeatureSet
        What is measured of a trial.
    streams : tuple of Stream
        That it can read.
    select : callable
        What chooses features.
    """

    features: FeatureSet
    streams: tuple[Stream, ...]
    select: Select = take_all


@dataclass(frozen=True)
class TrialMachines:
    """Fit a machine a modality.

    Attributes
    ----------
    name : str
        Of the learner.
    is_within : bool
        Whether features are brought to 0 to 1 within each subject.
    """

    name: str
    method: Method
    settings: NetworkSettings
    seed: int
    is_within: bool = False

    @property
    def grid(self) -> Grid:
        """What is tried of C and gamma."""
        return SMALL if self.settings.size == "small" else FULL

    @property
    def traits(self) -> Traits:
        """A trial is one example, of the rows of it that are handed in."""
        is_comparing = self.is_within or self.settings.normalise == "subject"
        streams = self.method.streams
        return Traits(
            streams=streams,
            adapts_to_new_subjects=streams if is_comparing else (),
            n_fits=1 + len(self.grid.cells) * INNER_FOLDS,
            goals=GOALS["svm"],
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
        """Measure trials, choose features, C and gamma, and fit each modality.

        Parameters
        ----------
        train : Rows
            Rows with labels; a trial is measured on all of its rows.
        watch : Rows | None
            Not used: there are no epochs.
        choose : Choice
            Not used.
        unit : str
            What inner folds keep whole.

        Returns
        -------
        FittedBaseline
            The machines, and which features they read.

        Raises
        ------
        UserError
            When no peripheral channel is of a kind that is read.
        """
        first = first_rows(train)
        numbers, choices = name_goal(train.goal), {"features_left_out": 0.0}
        with use_one_thread():
            for stream in (s for s in self.method.streams if s in train.streams):
                modality, scaled, n_missing = fit_modality(
                    self.method.features,
                    train,
                    stream,
                    normalise=self.settings.normalise,
                    is_within=self.is_within,
                )
                samples = weigh_samples(scaled, first, self.settings)
                inner = samples.cut_inner(unit=unit, seed=self.seed)
                fitted = fit_machines(samples, inner, self.grid, self.method.select)
                modality = replace(modality, chosen=fitted.chosen)
                numbers |= modality.to_arrays(fitted.numbers)
                choices["features_left_out"] += n_missing
                choices[f"{stream}_features"] = float(fitted.n_passed)
                choices[f"{stream}_penalty"], choices[f"{stream}_gamma"] = fitted.cell
        predict = make_predict(self.method, numbers)
        return FittedBaseline(self.name, predict, numbers, choices)


def make_predict(method: Method, numbers: Numbers) -> PredictRows:
    """Return what scores rows, each as its trial, by the numbers of a fit.

    Parameters
    ----------
    method : Method
        Which features they were fitted on.
    numbers : mapping
        Of the fit.

    Raises
    ------
    ValueError
        When they are not those of a fit.
    """
    classifier = find_classifier("svm", read_goal(numbers))
    opened = [
        (modality, classifier.open(fitted))
        for modality, fitted in open_modalities(numbers, classifier)
    ]

    def score(rows: Rows) -> Float64[np.ndarray, " row *class"]:
        with use_one_thread():
            found = [predict(m.read(method.features, rows)) for m, predict in opened]
        of_trial: Float64[np.ndarray, " trial *class"] = np.mean(found, axis=0)
        return np.asarray(of_trial[rows.trial])

    return score


def make_loader(method: Method) -> Callable[[Path], FittedBaseline]:
    """Return what loads a fitted learner of a method."""
    return lambda folder: load_baseline(
        folder, lambda _, numbers: make_predict(method, numbers)
    )
