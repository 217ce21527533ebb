"""The protocols by name, as data."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

LEAKS = ("trial", "subject", "epoch", "fit", "unlabelled")
"""What makes a score too good: test trials were trained on, labels belong to people
who were trained on, test rows chose the epoch, something was fitted on test labels,
test signals entered without labels."""

SHARES = ("subject", "stimulus")
"""What training and test may have in common by design."""

FOLDS, CROSSED_FOLDS = (10,), (5, 4)
"""Parts that units are dealt into where there are as many units."""


@dataclass(frozen=True)
class Protocol:
    """A way to divide segments into training and test.

    Attributes
    ----------
    kind : str
        ``published``; ``honest``; or ``control``, which is never a headline: it takes
        the number of training rows and of optimiser steps from other protocols, so
        that a difference between scores is not one of training size.
    scope : str
        ``subject`` (a model for each) or ``all`` (one for all subjects).
    unit : str
        What is never split: ``segment``, ``trial``, ``subject`` or
        ``subject+stimulus``, both at once.
    chooses_on : str
        What chooses the epoch: ``last`` (nothing does), ``validation`` or ``test``.
    most_folds : tuple of int
        Parts that the units are dealt into, fewer where there are fewer units; two
        numbers are crossed.
    leaks, shares : tuple of str
        What its name admits, of ``LEAKS`` and ``SHARES``.
    base : str
        Of a control: the protocol whose folds it takes.
    sized_by : tuple of str
        Of a control: the protocols whose smallest training part it is cut down to.
    """

    name: str
    kind: Literal["published", "honest", "control"]
    scope: str
    unit: str
    chooses_on: str
    most_folds: tuple[int, ...]
    leaks: tuple[str, ...]
    shares: tuple[str, ...]
    summary: str
    base: str = ""
    sized_by: tuple[str, ...] = ()


_BASES = (
    Protocol(
        name="paper",
        kind="published",
        scope="subject",
        unit="segment",
        chooses_on="last",
        most_folds=FOLDS,
        leaks=("trial",),
        shares=("subject", "stimulus"),
        summary="The published protocol: a subject's shuffled segments are cut into "
        "folds, so seconds of one trial train and test the model.",
    ),
    Protocol(
        name="paper-pooled",
        kind="published",
        scope="all",
        unit="segment",
        chooses_on="last",
        most_folds=FOLDS,
        leaks=("trial",),
        shares=("subject", "stimulus"),
        summary="The published inter-subject protocol: the shuffled segments of all "
        "subjects are cut into folds, so trials and subjects are on both sides.",
    ),
    Protocol(
        name="reference",
        kind="published",
        scope="subject",
        unit="segment",
        chooses_on="test",
        most_folds=FOLDS,
        leaks=("trial", "epoch"),
        shares=("subject", "stimulus"),
        summary="What the authors' code does: the published protocol, and the test "
        "fold picks the epoch.",
    ),
    Protocol(
        name="trial",
        kind="honest",
        scope="subject",
        unit="trial",
        chooses_on="validation",
        most_folds=FOLDS,
        leaks=(),
        shares=("subject",),
        summary="Honest for one subject: whole trials are held out, and other trials "
        "choose the epoch.",
    ),
    Protocol(
        name="trial-pooled",
        kind="honest",
        scope="all",
        unit="trial",
        chooses_on="validation",
        most_folds=FOLDS,
        leaks=(),
        shares=("subject", "stimulus"),
        summary="Whole trials are held out of all subjects' data; subjects and "
        "stimuli are on both sides.",
    ),
    Protocol(
        name="subject",
        kind="honest",
        scope="all",
        unit="subject",
        chooses_on="validation",
        most_folds=FOLDS,
        leaks=(),
        shares=("stimulus",),
        summary="Whole subjects are held out; all saw the same stimuli, so a model "
        "may learn the clip.",
    ),
    Protocol(
        name="subject-stimulus",
        kind="honest",
        scope="all",
        unit="subject+stimulus",
        chooses_on="validation",
        most_folds=CROSSED_FOLDS,
        leaks=(),
        shares=(),
        summary="The strictest: the subjects and the stimuli of the test are both "
        "unseen.",
    ),
)
_POOLED = tuple(protocol.name for protocol in _BASES if protocol.scope == "all")


def _control(base: Protocol) -> Protocol:
    """Return the control of a protocol: its folds, another training size."""
    sized_by = {"paper": ("trial",), "trial": ("paper",)}.get(base.name, _POOLED)
    others = (
        f"`{sized_by[0]}`"
        if len(sized_by) == 1
        else "the smallest of the pooled protocols"
    )
    return replace(
        base,
        name=f"{base.name}-matched",
        kind="control",
        chooses_on="last",
        base=base.name,
        sized_by=sized_by,
        summary=f"A control: the folds of `{base.name}` with as many training rows and "
        f"optimiser steps as {others}, read at the last epoch.",
    )


_CONTROLS = (_control(base) for base in _BASES if base.name != "reference")
PROTOCOLS: Mapping[str, Protocol] = {p.name: p for p in (*_BASES, *_CONTROLS)}
