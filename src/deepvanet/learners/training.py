"""Train a network on rows, watch it, read its outputs: any that maps streams to them.

A network here is a module that takes a mapping from streams to batches and gives an
output a row, or several, as its objective needs.
"""

import copy
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Protocol, TypeVar, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Float64, Num
from torch import Tensor, nn

from deepvanet.config import NetworkSettings
from deepvanet.learners.class_weights import weigh_rows
from deepvanet.learners.inputs import Fetch, count_batches, cut_batches, to_network
from deepvanet.learners.learner import (
    Choice,
    EpochRecord,
    Learner,
    SelfScheduled,
    choose_epoch,
)
from deepvanet.learners.objectives import TWO_CLASSES, AnyObjective, JointObjective
from deepvanet.learners.within_subject import WithinSubject
from deepvanet.schema import UserError
from deepvanet.store import Rows

N = TypeVar("N", bound=nn.Module)

SCORED_AT_ONCE = 64  # rows; a constant, since the last digits change with it


MakeOptimizer = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]


@runtime_checkable
class HasLimits(Protocol):
    """A network whose weights have limits."""

    def limit_weights(self) -> None:
        """Bring weights back within their limits; called after each step."""


def train_network(
    network: N,
    fetch: Fetch,
    train: Rows,
    settings: NetworkSettings,
    *,
    seed: int,
    watched: tuple[Fetch, Rows] | None,
    choose: Choice | int,
    objective: AnyObjective = TWO_CLASSES,
    make_optimizer: MakeOptimizer | None = None,
) -> tuple[N, list[EpochRecord]]:
    """Train a network in place; return a copy of it at the chosen epoch, and records.

    It is trained on the device of the settings, where ``fetch`` gathers rows to, and
    is then back on the processor, where networks are kept and score.

    Parameters
    ----------
    network : Module
        Maps streams to a row's outputs; it is left as after the last epoch.
    fetch : callable
        Gathers rows of ``train`` as tensors, by their indices.
    train : Rows
        Rows with labels.
    settings : NetworkSettings
        Learning rate, batch size, epochs or steps, class weights and device.
    seed : int
        Of the order of rows.
    watched : tuple | None
        Rows to look at after each epoch, and what gathers them, which comes first.
    choose : Choice | int
        Which epoch the copy is of; a number chooses itself.
    objective : Objective
        The loss, and what outputs mean.
    make_optimizer : callable, optional
        From the weights to what steps them; Adam by default.

    Returns
    -------
    Module, list of EpochRecord
        The copy, ready to score; and a record for each epoch.

    Raises
    ------
    UserError
        When the loss stops being a number.
    """
    chosen, history = network.to(settings.device), []
    losses = train_epochs(
        network,
        fetch,
        train.label,
        settings,
        seed=seed,
        weight=None
        if settings.class_weight == "none"
        else weigh_rows(train, settings.class_weight),
        objective=objective,
        make_optimizer=make_optimizer,
    )
    for epoch, loss in enumerate(losses, start=1):
        record = EpochRecord(epoch, loss)
        if watched is not None:
            record = watch_epoch(record, network, *watched, objective=objective)
        history.append(record)
        if choose_epoch(history, choose) == epoch:
            chosen = copy.deepcopy(network)
    network.cpu()
    return chosen.cpu().eval(), history


def train_epochs(
    network: nn.Module,
    fetch: Fetch,
    label: Num[np.ndarray, " row *target"],
    settings: NetworkSettings,
    *,
    seed: int,
    weight: Float[np.ndarray, " row *target"] | None = None,
    objective: AnyObjective = TWO_CLASSES,
    make_optimizer: MakeOptimizer | None = None,
) -> Iterator[float]:
    """Train, and yield the mean loss after each epoch, of several targets their mean.

    Where the settings give a number of steps, the last epoch ends with the last step.

    Parameters
    ----------
    network : Module
        Maps streams to a row's outputs; it is trained in place.
    fetch : callable
        Gathers rows as tensors, by their indices.
    label : array, shape (row,) or (row, target)
        Of all rows that are trained on, as the objective encodes them.
    settings : NetworkSettings
        Learning rate, batch size, epochs or steps, and device.
    seed : int
        Of the order of rows.
    weight : array, shape (row,) or (row, target), optional
        What each row counts in the loss, one on average; all the same by default.
    objective : Objective
        The loss.
    make_optimizer : callable, optional
        From the weights to what steps them; Adam by default.

    Yields
    ------
    float
        Mean loss of an epoch's rows, each as it was when its batch was met.

    Raises
    ------
    UserError
        When the loss stops being a number.
    """
    trained = [p for p in network.parameters() if p.requires_grad]
    if make_optimizer is None:
        make_optimizer = partial(
            torch.optim.Adam, lr=settings.learning_rate, fused=True
        )
    optimizer = make_optimizer(trained)
    wanted = objective.encode(label).to(settings.device)
    counts = None
    if weight is not None:
        counts = torch.from_numpy(weight).float().to(settings.device)
    generator = np.random.default_rng(seed)
    for epoch, n_batches in enumerate(plan_steps(len(label), settings), start=1):
        network.train()
        total, n_rows = 0.0, 0
        batches = cut_batches(
            len(label), batch_size=settings.batch_size, generator=generator
        )
        for index in islice(batches, n_batches):
            outputs = network(to_network(fetch(index)))
            loss = objective.lose_mean(
                outputs, wanted[index], None if counts is None else counts[index]
            )
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            if isinstance(network, HasLimits):
                network.limit_weights()
            total += loss.item() * len(index)
            n_rows += len(index)
        if not np.isfinite(total):
            raise UserError(
                f"network: the loss is {total} in epoch {epoch}, with learning rate "
                f"{settings.learning_rate} and scale {settings.scale}"
            )
        yield total / n_rows / objective.n_targets


def count_steps(learner: Learner, train: Rows, settings: NetworkSettings) -> int:
    """Return the optimiser steps of a fit whose epoch nothing chooses.

    Parameters
    ----------
    learner : Learner
        One with epochs.
    train : Rows
        What it is trained on.
    settings : NetworkSettings
        Its settings, which one that is trained as its authors did may know better.
    """
    inner = learner.learner if isinstance(learner, WithinSubject) else learner
    if isinstance(inner, SelfScheduled):
        return inner.count_steps(train)
    return sum(plan_steps(len(train), settings))


def plan_steps(n_rows: int, settings: NetworkSettings) -> list[int]:
    """Return the optimiser steps of each epoch of a fit.

    Examples
    --------
    >>> plan_steps(10, NetworkSettings(batch_size=4, epochs=2))
    [3, 3]
    >>> plan_steps(10, NetworkSettings(batch_size=4, steps=7))
    [3, 3, 1]
    """
    n_batches = count_batches(n_rows, settings.batch_size)
    if not settings.steps:
        return [n_batches] * settings.epochs
    whole, rest = divmod(settings.steps, n_batches)
    return [n_batches] * whole + [rest] * (rest > 0)


def watch_epoch(
    record: EpochRecord,
    network: nn.Module,
    fetch: Fetch,
    rows: Rows,
    *,
    objective: AnyObjective = TWO_CLASSES,
) -> EpochRecord:
    """Add to a record how the network does on rows that it is not trained on.

    Parameters
    ----------
    record : EpochRecord
        Of the epoch that has just ended.
    network : Module
        Maps streams to a row's outputs.
    fetch : callable
        Gathers ``rows`` as tensors, by their indices.
    rows : Rows
        Rows with labels.
    objective : Objective
        The loss, and what outputs mean.

    Returns
    -------
    EpochRecord
        A copy with ``watched_loss`` and, of classes, ``watched_accuracy``; of several
        targets their means.
    """
    outputs = find_outputs(network, fetch, len(rows))
    wanted = objective.encode(rows.label)
    right = objective.is_right(outputs, wanted)
    watched = replace(
        record, watched_accuracy=None if right is None else float(right.mean())
    )
    if isinstance(objective, JointObjective):
        each = objective.lose_each(outputs, wanted).numpy().T
        of_targets = tuple(_average_trials(losses, rows) for losses in each)
        loss = float(np.mean(of_targets))
        return replace(watched, watched_loss=loss, of_targets=of_targets)
    losses = objective.lose(outputs, wanted).numpy()
    return replace(watched, watched_loss=_average_trials(losses, rows))


def _average_trials(losses: Float[np.ndarray, " row"], rows: Rows) -> float:
    """Return the mean over trials of the mean over each one's segments."""
    by_trial = np.bincount(rows.trial, losses) / np.bincount(rows.trial)
    return float(by_trial.mean())


@torch.inference_mode()
def find_outputs(
    network: nn.Module, fetch: Fetch, n_rows: int
) -> Float64[Tensor, " row *output"]:
    """Return the outputs of all rows, in evaluation mode."""
    network.eval()
    if not n_rows:
        return torch.empty(0, dtype=torch.float64)
    parts = []
    for start in range(0, n_rows, SCORED_AT_ONCE):
        index = np.arange(start, min(start + SCORED_AT_ONCE, n_rows))
        parts.append(network(to_network(fetch(index))).double())
    return torch.cat(parts)
