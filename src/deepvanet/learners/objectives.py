"""What a network's outputs mean, and the loss that it is trained by.

``high-low``
    One logit a row; binary cross-entropy.
``classes``
    A logit a class; cross-entropy. With ``ordinal``, of ordered classes: one logit for
    each bound between two of them, the binary cross-entropy of lying above it; a
    class's probability is the difference of two of these, none below 0.
``rating``
    One number a row; mean squared error, in units of the deviation of the training
    trials' ratings from their mean.

Of several targets at once each has its own outputs, side by side, and the loss is the
sum of theirs.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Num
from numpy.typing import NDArray
from torch import Tensor, nn

from deepvanet.fields import MAY_LACK, About
from deepvanet.findings import say_count
from deepvanet.schema import HIGH_OR_LOW, Goal, GoalKind, UserError
from deepvanet.store import Rows


@dataclass(frozen=True)
class Objective:
    """The loss of a goal, and what predictions are made of outputs.

    Attributes
    ----------
    center, spread : float
        Of the training trials' ratings, in the unit of the rating; 0 and 1 of classes.
    is_ordinal : bool
        Whether classes are learnt by the bounds between them.
    """

    goal: Goal = HIGH_OR_LOW
    center: float = 0.0
    spread: float = 1.0
    is_ordinal: bool = False
    n_targets: ClassVar[int] = 1

    @property
    def n_outputs(self) -> int:
        """How many numbers a network gives for a row."""
        return self.goal.n_outputs - self.is_ordinal

    def encode(self, label: Num[np.ndarray, " row"]) -> Num[Tensor, " row *bound"]:
        """Return what outputs are compared with.

        Parameters
        ----------
        label : array, shape (row,)
            As ``Rows`` have them.
        """
        wanted = torch.from_numpy(label)
        if self.goal.kind == "rating":
            return ((wanted.double() - self.center) / self.spread).float()
        if self.is_ordinal:
            return (wanted[:, None] > torch.arange(self.n_outputs)).float()
        return wanted.float() if self.goal.kind == "high-low" else wanted.long()

    def lose(
        self, outputs: Float[Tensor, " row *output"], wanted: Num[Tensor, " row *bound"]
    ) -> Float[Tensor, " row"]:
        """Return the loss of each row."""
        wanted = wanted.to(outputs.dtype) if wanted.is_floating_point() else wanted
        if self.goal.kind == "rating":
            return F.mse_loss(outputs, wanted, reduction="none")
        if self.is_ordinal:
            each = F.binary_cross_entropy_with_logits(outputs, wanted, reduction="none")
            return each.sum(dim=1)
        if self.goal.kind == "classes":
            return F.cross_entropy(outputs, wanted, reduction="none")
        return F.binary_cross_entropy_with_logits(outputs, wanted, reduction="none")

    def lose_mean(
        self,
        outputs: Float[Tensor, " row *output"],
        wanted: Num[Tensor, " row *bound"],
        weight: Float[Tensor, " row"] | None,
    ) -> Float[Tensor, ""]:
        """Return the mean loss of a batch, each row by its weight."""
        if self.goal.kind == "high-low":  # in one operation, whose sums differ
            return F.binary_cross_entropy_with_logits(outputs, wanted, weight)
        loss = self.lose(outputs, wanted)
        return (loss if weight is None else loss * weight).mean()

    def is_right(
        self, outputs: Float[Tensor, " row *output"], wanted: Num[Tensor, " row *bound"]
    ) -> NDArray[np.bool_] | None:
        """Return which rows are of the class that was predicted; None of a rating."""
        if self.goal.kind == "rating":
            return None
        if self.goal.kind == "high-low":
            return ((outputs > 0) == (wanted == 1)).numpy()
        number = wanted.sum(dim=1).long() if self.is_ordinal else wanted
        found = torch.from_numpy(self.predict(outputs)).argmax(dim=1)
        return (found == number).numpy()

    def predict(
        self, outputs: Float[Tensor, " row *output"]
    ) -> Float[np.ndarray, " row *prediction"]:
        """Return the probability of high, of each class, or the rating."""
        if self.goal.kind == "rating":
            return (outputs.double() * self.spread + self.center).numpy()
        if self.goal.kind == "high-low":
            return outputs.sigmoid().numpy()
        if not self.is_ordinal:
            return outputs.double().softmax(dim=1).numpy()
        return _share_out(outputs.double()).numpy()

    def measure_odds(
        self, outputs: Float[Tensor, "row output"], number: Num[Tensor, " row"]
    ) -> Float[Tensor, " row"]:
        """Return the log odds of a class of each row, given by its number."""
        if self.is_ordinal:
            return _pick_class(_share_out(outputs), number).clamp(*_INSIDE).logit()
        others = F.one_hot(number, outputs.shape[1]).bool()
        rest = outputs.masked_fill(others, -torch.inf).logsumexp(dim=1)
        return _pick_class(outputs, number) - rest


@dataclass(frozen=True)
class JointObjective:
    """The loss of several targets at once: the sum of what it would be of each alone.

    What outputs are compared with has a column a target, of ordinal ones a column a
    bound.
    """

    parts: tuple[Objective, ...]

    @property
    def goal(self) -> Goal:
        """The goals of all targets."""
        goals = tuple(part.goal for part in self.parts)
        return Goal(goals[0].kind, parts=goals)

    @property
    def n_targets(self) -> int:
        """How many there are."""
        return len(self.parts)

    @property
    def n_outputs(self) -> int:
        """How many numbers a network gives for a row."""
        return sum(part.n_outputs for part in self.parts)

    def find_span(self, place: int) -> slice:
        """Return which outputs belong to a target."""
        return _list_spans(part.n_outputs for part in self.parts)[place]

    def encode(
        self, label: Num[np.ndarray, "row target"]
    ) -> Float[Tensor, "row column"]:
        """Return what outputs are compared with."""
        columns = [
            part.encode(label[:, place]).float().reshape(len(label), -1)
            for place, part in enumerate(self.parts)
        ]
        return torch.cat(columns, dim=1)

    def lose(
        self, outputs: Float[Tensor, "row output"], wanted: Float[Tensor, "row column"]
    ) -> Float[Tensor, " row"]:
        """Return the loss of each row, summed over targets."""
        return self.lose_each(outputs, wanted).sum(dim=1)

    def lose_each(
        self, outputs: Float[Tensor, "row output"], wanted: Float[Tensor, "row column"]
    ) -> Float[Tensor, "row target"]:
        """Return the loss of each row, target by target."""
        losses = [part.lose(*mine) for part, mine in self._split(outputs, wanted)]
        return torch.stack(losses, dim=1)

    def lose_mean(
        self,
        outputs: Float[Tensor, "row output"],
        wanted: Float[Tensor, "row column"],
        weight: Float[Tensor, "row target"] | None,
    ) -> Float[Tensor, ""]:
        """Return the mean loss of a batch, each row of each target by its weight."""
        losses = [
            part.lose_mean(*mine, None if weight is None else weight[:, place])
            for place, (part, mine) in enumerate(self._split(outputs, wanted))
        ]
        return torch.stack(losses).sum()

    def is_right(
        self, outputs: Float[Tensor, "row output"], wanted: Float[Tensor, "row column"]
    ) -> NDArray[np.bool_] | None:
        """Return which classes were predicted, target after target; None of ratings."""
        found = [part.is_right(*mine) for part, mine in self._split(outputs, wanted)]
        known = [right for right in found if right is not None]
        return np.concatenate(known) if known else None

    def predict(
        self, outputs: Float[Tensor, "row output"]
    ) -> Float[np.ndarray, "row prediction"]:
        """Return what each target's objective predicts, side by side."""
        found = zip(self.parts, self._split_outputs(outputs), strict=True)
        return np.column_stack([part.predict(mine) for part, mine in found])

    def _split(
        self, outputs: Float[Tensor, "row output"], wanted: Float[Tensor, "row column"]
    ) -> Iterator[tuple[Objective, tuple[Tensor, Tensor]]]:
        """Yield each target's objective with its outputs, and what these should be."""
        spans = _list_spans(map(_count_columns, self.parts))
        for part, mine, span in zip(
            self.parts, self._split_outputs(outputs), spans, strict=True
        ):
            its = wanted[:, span]
            if not part.is_ordinal:
                its = its[:, 0].long() if part.goal.kind == "classes" else its[:, 0]
            yield part, (mine, its)

    def _split_outputs(self, outputs: Float[Tensor, "row output"]) -> Iterator[Tensor]:
        """Yield the outputs of each target, of one number without an axis for it."""
        for place, part in enumerate(self.parts):
            mine = outputs[:, self.find_span(place)]
            yield mine if part.goal.kind == "classes" else mine[:, 0]


AnyObjective = Objective | JointObjective


def _count_columns(part: Objective) -> int:
    """Return how many numbers the outputs of a row are compared with."""
    return part.n_outputs if part.is_ordinal else 1


def _list_spans(lengths: Iterable[int]) -> list[slice]:
    """Return the places of pieces that lie one after the other."""
    edges = accumulate(lengths, initial=0)
    return [slice(start, end) for start, end in pairwise(edges)]


_INSIDE = (1e-6, 1 - 1e-6)
"""Between which the probability of a class lies whose log odds are taken."""


def _pick_class(
    values: Float[Tensor, "row class_"], number: Num[Tensor, " row"]
) -> Float[Tensor, " row"]:
    return values.gather(1, number[:, None])[:, 0]


def _share_out(bounds: Float[Tensor, "row bound"]) -> Float[Tensor, "row class_"]:
    """Return the probability of each class from the logits of lying above bounds."""
    edges = F.pad(F.pad(bounds.sigmoid(), (1, 0), value=1.0), (0, 1), value=0.0)
    share = (edges[:, :-1] - edges[:, 1:]).clamp(min=0)
    return share / share.sum(dim=1, keepdim=True)


TWO_CLASSES = Objective()


def find_objective(rows: Rows, *, loss: str = "nominal") -> AnyObjective:
    """Return the objective of training rows, of one target or of several.

    Parameters
    ----------
    rows : Rows
        Rows with labels; of ratings the trials' mean and deviation are taken.
    loss : str
        ``nominal``, or ``ordinal`` of ordered classes.

    Raises
    ------
    UserError
        When the classes have no order.
    """
    if rows.goal.parts:
        parts = rows.split_targets()
        return JointObjective(tuple(_find_single(part, loss=loss) for part in parts))
    return _find_single(rows, loss=loss)


def _find_single(rows: Rows, *, loss: str) -> Objective:
    goal = rows.goal
    if loss == "ordinal" and goal.kind == "classes" and not goal.is_ordered:
        raise UserError(
            "ordinal needs classes that have an order; "
            f"{', '.join(goal.classes)} have none",
            field="loss",
        )
    if goal.kind != "rating":
        return Objective(goal, is_ordinal=loss == "ordinal" and goal.is_ordered)
    first = np.unique(rows.trial, return_index=True)[1]
    rated = rows.label[first]
    spread = float(rated.std())
    return Objective(goal, float(rated.mean()), spread if spread > 0 else 1.0)


@dataclass(frozen=True)
class SavedObjective:
    """What ``learner.json`` holds of an objective that is not high-low."""

    kind: GoalKind
    classes: tuple[str, ...]
    is_ordered: bool
    is_ordinal: bool
    center: float
    spread: Annotated[float, About("Of ratings.", least=1e-9)]

    def open(self) -> Objective:
        """Return the objective."""
        goal = Goal(self.kind, self.classes, self.is_ordered)
        return Objective(goal, self.center, self.spread, self.is_ordinal)


MayLackObjective = Annotated[SavedObjective | None, MAY_LACK]
MayLackObjectives = Annotated[tuple[SavedObjective, ...], MAY_LACK]


def save_objective(objective: AnyObjective) -> Mapping[str, Any]:
    """Return the entry of ``learner.json``; none of high-low."""
    if isinstance(objective, JointObjective):
        return {"objectives": [_describe(part) for part in objective.parts]}
    if objective.goal == HIGH_OR_LOW:
        return {}
    return {"objective": _describe(objective)}


def open_objective(
    saved: SavedObjective | None, several: Sequence[SavedObjective]
) -> AnyObjective:
    """Return the objective that ``save_objective`` described."""
    if several:
        return JointObjective(tuple(part.open() for part in several))
    return Objective() if saved is None else saved.open()


def _describe(objective: Objective) -> dict[str, Any]:
    goal = objective.goal
    return {
        "kind": goal.kind,
        "classes": list(goal.classes),
        "is_ordered": goal.is_ordered,
        "is_ordinal": objective.is_ordinal,
        "center": objective.center,
        "spread": objective.spread,
    }


def take_part(objective: AnyObjective, place: int) -> tuple[Objective, slice]:
    """Return the objective of one of several targets, and which outputs it has.

    Raises
    ------
    UserError
        When there are not so many.
    """
    if not isinstance(objective, JointObjective) or place >= objective.n_targets:
        raise UserError(
            f"the fitted learner predicts {say_count(objective.n_targets, 'target')}, "
            f"but number {place + 1} of several is asked for"
        )
    return objective.parts[place], objective.find_span(place)


def keep_outputs(layer: nn.Module, span: slice) -> nn.Linear:
    """Return a copy of a last layer that gives some of its outputs only."""
    if not isinstance(layer, nn.Linear):
        raise TypeError(f"the last layer is no linear one but {type(layer).__name__}")
    kept = nn.Linear(layer.in_features, span.stop - span.start)
    with torch.no_grad():
        kept.weight.copy_(layer.weight[span])
        kept.bias.copy_(layer.bias[span])
    return kept
