"""The learners by name: a table of records, and those that other packages add.

A learner is one file here and one record. Its names are dotted and resolved on use, so
that a list of learners costs nothing. Another package adds a learner by an entry point
of the group ``deepvanet.learners``, which carries the learner's name and leads to a
``LearnerRecord``; that is imported when the learner is asked for, not before. A
person's own learners are objects or files (:mod:`deepvanet.learners.own_sources`).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from deepvanet.learners.own_sources import FILE, is_own
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
_SYSTEMS: Sequence[tuple[str, str, Kind, str]] = (
    (
        *("koelstra2012", "koelstra2012", "features"),
        "fits naive Bayes on chosen features of whole trials (Koelstra et al. 2012)",
    ),
    (
        *("soleymani2012", "soleymani2012", "features"),
        (
            "fits a support vector machine a modality on chosen features of whole "
            "trials (Soleymani et al. 2012)"
        ),
    ),
    (
        *("after-wiem2017", "after_wiem2017", "features"),
        (
            "fits a support vector machine on peripheral features of whole trials "
            "(after Wiem and Lachiri 2017)"
        ),
    ),
    (
        *("after-koelstra2013", "after_koelstra2013", "features"),
        (
            "fits naive Bayes on the motion of a face and on EEG (after Koelstra and "
            "Patras 2013)"
        ),
    ),
    (
        *("huang2019", "huang2019", "network"),
        "trains a network of faces and an RBF machine of EEG (Huang et al. 2019)",
    ),
    (
        *("liu2016", "liu2016", "features"),
        "fits a bimodal autoencoder and a linear machine (Liu et al. 2016)",
    ),
    (
        *("alhagry2017", "alhagry2017", "network"),
        "trains an LSTM on raw EEG, five seconds at a time (Alhagry et al. 2017)",
    ),
    (
        *("yang2018", "yang2018", "network"),
        "trains a convolutional and a recurrent network on EEG (Yang et al. 2018)",
    ),
    (
        *("after-anubhav2020", "after_anubhav2020", "network"),
        "trains an LSTM on band power of a trial's seconds (after Anubhav et al. 2020)",
    ),
    (
        *("after-tang2017", "after_tang2017", "network"),
        "trains an LSTM a modality on features of ten seconds (after Tang et al. 2017)",
    ),
    (
        *("after-siddharth2019", "after_siddharth2019", "features"),
        (
            "fits an extreme learning machine on pictures of signals and faces (after "
            "Siddharth et al. 2019)"
        ),
    ),
)
"""The systems of Table 2: name, module of ``deepvanet.systems``, kind, title."""

_PATTERNS: Mapping[str, str] = {
    "soleymani2012": "soleymani2012:as-published",
    "huang2019": "huang2019:as-code",
    "liu2016": "liu2016:(de|as-published)",
}
"""Further names of systems: what differs where all of the original is rebuilt."""

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
        LearnerRecord(
            name,
            title,
            f"deepvanet.systems.{module}:make_{module}",
            f"deepvanet.systems.{module}:load_{module}",
            kind,
            _PATTERNS.get(name, ""),
        )
        for name, module, kind, title in _SYSTEMS
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

    Examples
    --------
    >>> "network" in list_learners()
    True
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
    if is_own(name):
        source = "a file of code" if FILE.fullmatch(name) else "an object of Python"
        return LearnerRecord(
            name, f"comes from {source}", "deepvanet.learners.own:make_own"
        )
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
