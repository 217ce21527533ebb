"""The protocols by name, as data."""

from collections.abc import Mapping
from dataclasses import dataclass

LEAKS = ("trial", "subject", "epoch", "fit", "unlabelled")
"""What makes a score too good: test trials were trained on, labels belong to people
who were trained on, test rows chose the epoch, something was fitted on test labels,
test signals entered without labels."""

SHARES = ("subject", "stimulus")
"""What training and test may have in common by design."""


@dataclass(frozen=True)
class Protocol:
    """A way to divide segments into training and test.

    Attributes
    ----------
    scope : str
        ``subject`` (a model for each) or ``all`` (one for all subjects).
    unit : str
        What is never split: ``segment``, ``trial``, ``subject`` or
        ``subject+stimulus``, both at once.
    chooses_on : str
        What chooses the epoch: ``last`` (nothing does), ``validation`` or ``test``.
    default_folds : tuple of int
        Parts that the units are dealt into; two numbers are crossed.
    leaks, shares : tuple of str
        What its name admits, of ``LEAKS`` and ``SHARES``.
    """

    name: str
    scope: str
    unit: str
    chooses_on: str
    default_folds: tuple[int, ...]
    leaks: tuple[str, ...]
    shares: tuple[str, ...]
    summary: str


_ALL = (
    Protocol(
        name="paper",
        scope="subject",
        unit="segment",
        chooses_on="last",
        default_folds=(10,),
        leaks=("trial",),
        shares=("subject", "stimulus"),
        summary="The published protocol: a subject's shuffled segments are cut into "
        "folds, so seconds of one trial train and test the model.",
    ),
    Protocol(
        name="paper-pooled",
        scope="all",
        unit="segment",
        chooses_on="last",
        default_folds=(10,),
        leaks=("trial",),
        shares=("subject", "stimulus"),
        summary="The published inter-subject protocol: the shuffled segments of all "
        "subjects are cut into folds, so trials and subjects are on both sides.",
    ),
    Protocol(
        name="reference",
        scope="subject",
        unit="segment",
        chooses_on="test",
        default_folds=(10,),
        leaks=("trial", "epoch"),
        shares=("subject", "stimulus"),
        summary="What the authors' code does: the published protocol, and the test "
        "fold picks the epoch.",
    ),
    Protocol(
        name="trial",
        scope="subject",
        unit="trial",
        chooses_on="validation",
        default_folds=(5,),
        leaks=(),
        shares=("subject",),
        summary="Honest for one subject: whole trials are held out, and other trials "
        "choose the epoch.",
    ),
    Protocol(
        name="trial-pooled",
        scope="all",
        unit="trial",
        chooses_on="validation",
        default_folds=(5,),
        leaks=(),
        shares=("subject", "stimulus"),
        summary="Whole trials are held out of all subjects' data; subjects and "
        "stimuli are on both sides.",
    ),
    Protocol(
        name="subject",
        scope="all",
        unit="subject",
        chooses_on="validation",
        default_folds=(5,),
        leaks=(),
        shares=("stimulus",),
        summary="Whole subjects are held out; all saw the same stimuli, so a model "
        "may learn the clip.",
    ),
    Protocol(
        name="subject-stimulus",
        scope="all",
        unit="subject+stimulus",
        chooses_on="validation",
        default_folds=(5, 4),
        leaks=(),
        shares=(),
        summary="The strictest: the subjects and the stimuli of the test are both "
        "unseen.",
    ),
)
PROTOCOLS: Mapping[str, Protocol] = {protocol.name: protocol for protocol in _ALL}
