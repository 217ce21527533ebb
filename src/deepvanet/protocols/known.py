"""The protocols by name, as data: help, report and documentation are made from it.

To add a protocol is to add a row to ``_BASES``; it needs a unit of ``UNITS``.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from deepvanet.protocols.units import split_units
from deepvanet.schema import LAST_VALUE

LEAKS = ("trial", "subject", "epoch", "fit", "unlabelled")
"""What makes a score too good: test trials were trained on, labels belong to people
who were trained on, test rows chose the epoch, something was fitted on test labels,
test signals entered without labels."""

SHARES = ("subject", "stimulus", "session")
"""What training and test may have in common by design."""

FOLDS, CROSSED_FOLDS = (10,), (5, 4)
"""Parts that units are divided into where there are as many units."""


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
        What is never split: one of ``UNITS``, or two at once, as
        ``subject+stimulus``.
    chooses_on : str
        What chooses the epoch: ``last`` (nothing does), ``validation`` or ``test``.
    most_folds : tuple of int
        Parts that the units are divided into, fewer where there are fewer units; two
        numbers are crossed.
    leaks, shares : tuple of str
        What its name admits, of ``LEAKS`` and ``SHARES``.
    base : str
        Of a control: the protocol whose folds it takes.
    sized_by : tuple of str
        Of a control: the protocols whose smallest training part it is cut down to.
    inner : str
        What training rows are divided by, to choose on some of them; empty: the unit.
    is_forward : bool
        Whether the past of trials trains and their future tests, with a gap between;
        only for ratings that move with time.

    Examples
    --------
    >>> from deepvanet import PROTOCOLS
    >>> PROTOCOLS["trial"].unit, PROTOCOLS["paper"].leaks
    ('trial', ('trial',))
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
    inner: str = ""
    is_forward: bool = False

    @property
    def units(self) -> tuple[str, ...]:
        """The units that are never split, one by one."""
        return split_units(self.unit)

    @property
    def inner_unit(self) -> str:
        """What stays whole where training rows are divided once more."""
        return self.inner or self.unit

    @property
    def prior(self) -> str:
        """The prior that knows what training and test share; of honest ones only."""
        if self.kind != "honest":
            return ""
        return LAST_VALUE if self.is_forward else name_prior(self.shares)


def name_prior(shares: Collection[str]) -> str:
    """Name the learner that reads no signal and knows what training and test share.

    Examples
    --------
    >>> name_prior(("subject",)), name_prior(())
    ('subject-prior', 'majority')
    """
    return {
        (True, True): "additive-prior",
        (True, False): "subject-prior",
        (False, True): "stimulus-prior",
        (False, False): "majority",
    }["subject" in shares, "stimulus" in shares]


_BASES = (
    Protocol(
        name="paper",
        kind="published",
        scope="subject",
        unit="segment",
        chooses_on="last",
        most_folds=FOLDS,
        leaks=("trial",),
        shares=("subject", "stimulus", "session"),
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
        shares=("subject", "stimulus", "session"),
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
        shares=("subject", "stimulus", "session"),
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
        shares=("subject", "session"),
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
        shares=("subject", "stimulus", "session"),
        summary="Whole trials are held out of all subjects' data; subjects and "
        "stimuli are on both sides.",
    ),
    Protocol(
        name="session",
        kind="honest",
        scope="subject",
        unit="session",
        chooses_on="validation",
        most_folds=FOLDS,
        leaks=(),
        shares=("subject",),
        summary="Another day of the same person: whole sessions are held out, and "
        "trials of the other sessions choose the epoch.",
        inner="trial",
    ),
    Protocol(
        name="time",
        kind="honest",
        scope="subject",
        unit="segment",
        chooses_on="validation",
        most_folds=(5,),
        leaks=(),
        shares=("subject", "stimulus", "session"),
        summary="The past of each trial trains and its future tests, with a gap "
        "between; only for ratings that move with time.",
        inner="trial",
        is_forward=True,
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
        name="stimulus",
        kind="honest",
        scope="all",
        unit="stimulus",
        chooses_on="validation",
        most_folds=FOLDS,
        leaks=(),
        shares=("subject", "session"),
        summary="Whole stimuli are held out; their subjects are known from other "
        "stimuli.",
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
POOLED_SIZES = ("paper-pooled", "trial-pooled", "subject", "subject-stimulus")
"""What pooled controls are cut down to the smallest of: ``subject-stimulus`` trains on
the least, and the others are for data that cannot be crossed."""


def find_protocol(kind: str, scope: str, unit: str) -> Protocol:
    """Return the first protocol of a kind, a scope and a unit; one has to be there."""
    tags = kind, scope, unit
    return next(
        p for p in _BASES if (p.kind, p.scope, p.unit) == tags and not p.is_forward
    )


def _control(base: Protocol) -> Protocol:
    """Return the control of a protocol: its folds, another training size."""
    sized_by = POOLED_SIZES if base.scope == "all" else (_find_opposite(base),)
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


def _find_opposite(base: Protocol) -> str:
    """Name the first honest protocol of a published one's scope, or the reverse."""
    kind = "honest" if base.kind == "published" else "published"
    return next(p.name for p in _BASES if (p.kind, p.scope) == (kind, base.scope))


# at the last epoch, one that chooses on the test has the control of one that does not
_CONTROLS = (
    _control(base)
    for base in _BASES
    if base.chooses_on != "test" and not base.is_forward
)
PROTOCOLS: Mapping[str, Protocol] = {p.name: p for p in (*_BASES, *_CONTROLS)}
