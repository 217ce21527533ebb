"""Covariances of EEG on their own curved space: what wins many BCI competitions.

The covariance of each second, by OAS shrinkage since the average reference makes it
singular, is mapped to the tangent space at the training rows' Riemannian mean; there
a logistic regression separates classes, and a ridge regression predicts ratings.

References
----------
.. [1] Barachant et al. (2013). Classification of covariance matrices using a
   Riemannian-based kernel for BCI applications. Neurocomputing 112, 172-178.
.. [2] Chen et al. (2010). Shrinkage algorithms for MMSE covariance estimation. IEEE
   Transactions on Signal Processing 58, 5016-5029.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray

from deepvanet.config import NetworkSettings
from deepvanet.learners.baseline import (
    MOST_ROWS,
    FittedBaseline,
    Numbers,
    PredictRows,
    load_baseline,
    sample_evenly,
)
from deepvanet.learners.classifiers import Classifier, weigh_samples
from deepvanet.learners.families import find_classifier, name_goal, read_goal
from deepvanet.learners.learner import ALL_GOALS, Choice, Learner, Traits
from deepvanet.learners.repeatable import use_one_thread
from deepvanet.learners.saved import Layout, check_arrays
from deepvanet.learners.scaling import LAYOUT, Scaling, fit_scaling
from deepvanet.optional_packages import tell_install
from deepvanet.schema import Goal, Stream, UserError
from deepvanet.store import Rows

AT_ONCE = 2**22  # numbers whose covariances are taken in one go
LEAST_VARIANCE = 1e-6
"""Added to each channel, in squared interquartile ranges, for constant seconds."""
PENALTY = 1.0

Matrices = Float64[np.ndarray, "row channel channel"]


@dataclass(frozen=True)
class Riemann:
    """Fit a logistic or ridge regression in the tangent space.

    At most 10,000 training rows are used, sampled evenly over trials.
    """

    settings: NetworkSettings
    seed: int
    traits: ClassVar[Traits] = Traits(
        streams=(Stream.EEG,),
        most_rows=MOST_ROWS,
        knows_lost_channels=False,
        reads_any_length=True,
        goals=ALL_GOALS,
    )

    def fit(
        self,
        train: Rows,
        *,
        watch: Rows | None = None,  # noqa: ARG002 - nothing changes between epochs
        choose: Choice = Choice.LAST,  # noqa: ARG002
        unit: str = "trial",  # noqa: ARG002 - nothing is divided
    ) -> FittedBaseline:
        """Find the mean of covariances, then the weights.

        Parameters
        ----------
        train : Rows
            Seconds with labels and EEG.
        watch : Rows | None
            Not used: there are no epochs.
        choose : Choice
            Not used.
        unit : str
            Not used: nothing is divided.

        Returns
        -------
        FittedBaseline
            The mean covariance, the weights, and how EEG is scaled.

        Raises
        ------
        UserError
            When pyRiemann is not installed.
        """
        train = train.take(sample_evenly(train, MOST_ROWS, seed=self.seed))
        scaling = fit_scaling(train)[Stream.EEG]
        with use_one_thread():
            space = _load_pyriemann().tangentspace.TangentSpace(metric="riemann")
            vectors = space.fit_transform(_measure_covariances(train, scaling))
            samples = weigh_samples(vectors, train, self.settings)
            fitted = _find_model(train.goal).fit(samples, (), PENALTY)
        numbers = {
            "mean": space.reference_,
            **fitted,
            **scaling.to_arrays(),
            **name_goal(train.goal),
        }
        return FittedBaseline("riemann", make_predict("riemann", numbers), numbers)


def _find_model(goal: Goal) -> Classifier:
    """Return the logistic regression, or of ratings the ridge regression."""
    found = find_classifier("ridge" if goal.kind == "rating" else "logistic", goal)
    assert isinstance(found, Classifier)
    return found


def make_predict(_name: str, numbers: Numbers) -> PredictRows:
    """Return what scores rows by the numbers of a fit."""
    check_arrays(numbers, LAYOUT)
    n_channels = len(numbers["center"])
    model = _find_model(read_goal(numbers))
    own: Layout = {"mean": ("f", ("channel", "channel")), **model.layout}
    n_vector = n_channels * (n_channels + 1) // 2
    check_arrays(numbers, own, channel=n_channels, kept=n_vector)
    scaling, predict = Scaling.from_dict(numbers), model.open(numbers)

    def score(rows: Rows) -> Float64[np.ndarray, " row *class"]:
        space = _load_pyriemann().tangentspace.TangentSpace(metric="riemann")
        space.reference_ = numbers["mean"]
        with use_one_thread():
            found = space.transform(
                _measure_covariances(rows, scaling, numbers["mean"])
            )
            return predict(found)

    return score


def make_riemann(
    _name: str,
    settings: NetworkSettings,
    seed: int,
    _face_weights: Path | None = None,
    /,
) -> Learner:
    """Make the learner.

    Parameters
    ----------
    _name : str
        Not used: there is one learner only.
    settings : NetworkSettings
        How classes weigh.
    seed : int
        Of the sample of rows.
    _face_weights : Path | None
        Not used.

    Returns
    -------
    Learner
        Not fitted yet.
    """
    return Riemann(settings, seed)


def load_riemann(folder: Path) -> FittedBaseline:
    """Load what a fitted learner of this module saved, or raise ``UserError``."""
    return load_baseline(folder, make_predict)


def _measure_covariances(
    rows: Rows, scaling: Scaling, usual: NDArray[np.float64] | None = None
) -> Matrices:
    """Return a covariance a row; the usual one where no sample is finite."""
    estimate = _load_pyriemann().estimation.Covariances(estimator="oas")
    n_channels = len(scaling.center)
    every = np.empty((len(rows), n_channels, n_channels))
    for index in rows.cut(Stream.EEG, AT_ONCE):
        read = rows.read(Stream.EEG, index)
        signals = scaling.apply(read).astype(np.float64)
        moving = np.ptp(signals, axis=(1, 2)) > 0
        found = np.zeros((len(index), signals.shape[1], signals.shape[1]))
        if moving.any():
            found[moving] = estimate.fit_transform(signals[moving])
        found += LEAST_VARIANCE * np.eye(signals.shape[1])
        if usual is not None:
            found[~np.isfinite(read).any(axis=(1, 2))] = usual
        every[index] = found
    return every


@lru_cache(maxsize=1)
def _load_pyriemann() -> Any:
    try:
        import pyriemann.estimation
        import pyriemann.tangentspace
    except ImportError:
        raise UserError(
            f"learner riemann: needs pyRiemann: {tell_install('pyriemann')}"
        ) from None
    return pyriemann
