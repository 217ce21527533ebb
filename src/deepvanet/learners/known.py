"""The learners by name: a table of records, and those that other packages add.

A learner is one file here and one record. Its names are dotted and resolved on use, so
that a list of learners costs nothing. Another package adds a learner by an entry point
of the group ``deepvanet.learners``, which carries the learner's name and leads to a
``LearnerRecord``; that is imported when the learner is asked for, not before.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from deepvanet.plugins import find_plugins, load_plugin, name_package
from deepvanet.schema import PRIORS, UserError, pick

GROUP = "deepvanet.learners"
CELL = r"network:([1-9]\d{0,3})x([1-9]\d{0,3})"
"""The network of one cell of the grid, face x bio."""

Kind = Literal["network", "features", "prior", "added"]


@dataclass(frozen=True)
class LearnerRecord:
    """What is known of a learner before it is imported.

    Attributes
    ----------
    title : str
        What it does, in a sentence without its subject.
    maker : str
        ``module:function`` of what makes it, as ``MakeNamed`` has it.
    loader : str
        ``module:function`` from a folder to the fitted learner; empty for one that
        reads no signal and so needs no bundle.
    kind : str
        ``network``: trained over epochs; ``features``: fitted at once; ``prior``: reads
        no signal; ``added``: by another package.
    pattern : str
        A regular expression of further names that the same maker takes.
    """

    name: str
    title: str
    maker: str
    loader: str = ""
    kind: Kind = "added"
    pattern: str = ""

    def has_name(self, name: str) -> bool:
        """Say whether a name is that of this learner, or of one of its family."""
        return name == self.name or bool(
            self.pattern and re.fullmatch(self.pattern, name)
        )


_FUSIONS: Mapping[str, str] = {
    "adaboost": "AdaBoost with graded votes",
    "stacking": "a logistic regression",
    "mean-logit": "the mean of both logits",
    "weight-grid": "a weighted mean",
    "adaboost-published": "AdaBoost as the published code has it",
}
_LIST = (
    LearnerRecord(
        "network",
        "trains the paper's network: face and bio features, joined before the score",
        "deepvanet.learners.grid:make_network",
        "deepvanet.learners.network:load_network",
        "network",
        CELL,
    ),
    *(
        LearnerRecord(
            f"decision-fusion:{rule}",
            f"trains a face and a bio network apart and joins their scores: {title}",
            "deepvanet.learners.decision_fusion:make_fusion",
            "deepvanet.learners.decision_fusion:load_fusion",
            "network",
        )
        for rule, title in _FUSIONS.items()
    ),
    *(
        LearnerRecord(
            f"bandpower-{name}",
            f"fits {title} on features of seconds",
            "deepvanet.learners.bandpower:make_bandpower",
            "deepvanet.learners.bandpower:load_bandpower",
            "features",
        )
        for name, title in (
            ("svm", "a support vector machine"),
            ("logistic", "a logistic regression"),
            ("nb", "a Gaussian naive Bayes classifier"),
            ("ridge", "a ridge regression of ratings"),
        )
    ),
    *(
        LearnerRecord(
            f"trial-{name}",
            f"fits {title} on features of whole trials",
            "deepvanet.learners.trial_classifiers:make_trial_classifier",
            "deepvanet.learners.trial_classifiers:load_trial_classifier",
            "features",
        )
        for name, title in (
            ("logistic", "a logistic regression"),
            ("svm", "a support vector machine"),
            ("ridge", "a ridge regression of ratings"),
        )
    ),
    LearnerRecord(
        "riemann",
        "fits a logistic regression on covariances of EEG in their tangent space",
        "deepvanet.learners.riemann:make_riemann",
        "deepvanet.learners.riemann:load_riemann",
        "features",
    ),
    LearnerRecord(
        "best-honest",
        "pools classifiers of whole trials, several of each stream: our strongest",
        "deepvanet.learners.best_honest:make_best_honest",
        "deepvanet.learners.best_honest:load_best_honest",
        "features",
    ),
    LearnerRecord(
        "eegnet",
        "trains EEGNet-8,2 on EEG",
        "deepvanet.learners.eegnet:make_eegnet",
        "deepvanet.learners.eegnet:load_eegnet",
        "network",
    ),
    *(
        LearnerRecord(name, title, "deepvanet.learners.priors:make_prior", kind="prior")
        for name, title in zip(
            PRIORS,
            (
                "predicts the share of high ratings",
                "predicts each subject's share of high ratings",
                "predicts each stimulus's share of high ratings",
                "adds up what subject and stimulus depart from the share",
                "predicts what a rating that moves was when training ended",
            ),
            strict=True,
        )
    ),
)
LEARNERS: Mapping[str, LearnerRecord] = {record.name: record for record in _LIST}
"""The package's own learners, in the order in which help and documents list them."""


def list_learners() -> list[str]:
    """Return the names of all learners, those of other packages last.

    Raises
    ------
    UserError
        When a plug-in has a name that is taken.
    """
    points = find_plugins(GROUP)
    for name, point in points.items():
        if any(record.has_name(name) for record in _LIST):
            raise UserError(
                f"plug-in {name} of {name_package(point)}: the name is taken by a "
                "learner of deepvanet"
            )
    return [*LEARNERS, *points]


def find_record(name: str) -> LearnerRecord:
    """Return the record of a learner, ``network:16x64`` and the like included.

    Raises
    ------
    UserError
        When there is no learner of that name, the package that adds it is broken, or
        one adds a name that is taken.
    """
    known = list_learners()
    for record in _LIST:
        if record.has_name(name):
            return record
    point = find_plugins(GROUP).get(pick("learner", name, known))
    if point is None:
        raise KeyError(name)
    record = load_plugin(point)
    if not isinstance(record, LearnerRecord):
        raise UserError(
            f"plug-in {name}: {point.value} is no LearnerRecord but "
            f"{type(record).__name__}"
        )
    return replace(record, name=name)
