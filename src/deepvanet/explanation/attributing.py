"""Divide what a fitted learner says of a second among its inputs.

What is divided is the distance of the calibrated logit from that of *nothing known*:
every signal at its median, the mean face. Of ratings it is the distance of the rating,
of classes that of the log odds of the class that is likeliest where all is known.
Streams are few, so they get their exact Shapley values [1]_: what a stream adds,
averaged over all orders of adding the streams. Channels and pixels of a network get
integrated gradients [2]_ by Captum [3]_; either sums to the distance. Channels of
another learner are left out, one at a time: their parts need not sum to anything.

A signal of which nothing is known is one without a finite number: all learners read
that as the median of training.

References
----------
.. [1] Lundberg and Lee (2017). A unified approach to interpreting model predictions.
   NeurIPS 30.
.. [2] Sundararajan, Taly and Yan (2017). Axiomatic attribution for deep networks.
   ICML 70, 3319-3328.
.. [3] Kokhlikyan et al. (2020). Captum: a unified and generic model interpretability
   library for PyTorch. arXiv 2009.07896.
"""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from captum.attr import IntegratedGradients
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor, nn

from deepvanet.explanation.sharing_out import share_out
from deepvanet.inference.answering import Answerer, group_segments, take
from deepvanet.inference.recording import Chunk
from deepvanet.learners.held_seconds import share_arrays
from deepvanet.learners.inputs import to_network, to_tensors
from deepvanet.learners.learner import FittedLearner
from deepvanet.learners.network import FittedNetwork
from deepvanet.learners.objectives import JointObjective
from deepvanet.learners.probabilities import measure_outputs
from deepvanet.learners.repeatable import use_threads
from deepvanet.metrics import find_logit_of_mean
from deepvanet.models.encoders import FaceEncoder
from deepvanet.models.feature_fusion import DeepVANet
from deepvanet.models.stream_dropout import PartialNetwork
from deepvanet.schema import HIGH_OR_LOW, WITH_CHANNELS, Goal, Stream
from deepvanet.store import Rows

N_STEPS = 20
"""Of integrated gradients; their sum is then within a few hundredths."""
IMAGES_AT_ONCE = 160
"""Whose gradients are held: those of 32 seconds."""
ROWS_AT_ONCE = 32

Attributions = Mapping[Stream, Float[np.ndarray, "second ..."]]
Logits = Float[np.ndarray, " second"]


@dataclass(frozen=True)
class Question:
    """Seconds that one fitted learner answers.

    Attributes
    ----------
    seconds : array, shape (second,)
        Since the recording's first.
    slope : float
        What calibration multiplies its logits by; its offset cancels in distances.
    rows : Rows
        The seconds, with the streams that they have.
    goal : Goal
        What is predicted.
    """

    target: str
    seconds: NDArray[Any]
    fitted: FittedLearner
    slope: float
    rows: Rows
    goal: Goal = HIGH_OR_LOW

    @cached_property
    def likeliest(self) -> Int[np.ndarray, " second"]:
        """The number of each second's class, where all is known; 0 of other goals."""
        if self.goal.kind != "classes":
            return np.zeros(len(self.rows), dtype=np.int64)
        found = measure_outputs(self.fitted, self.rows, self.goal)
        return np.asarray(found.argmax(axis=1), dtype=np.int64)


def ask(answerer: Answerer, chunk: Chunk) -> Iterator[Question]:
    """Yield what a chunk of a recording asks of each fitted learner."""
    for name, rows in group_segments(answerer.choose(chunk)).items():
        for target in answerer.bundle.targets:
            yield Question(
                target,
                chunk.time_s[rows],
                answerer.load(target, name),
                answerer.bundle.find(target, name).calibrations.segment.slope,
                take(chunk, name, rows, answerer.bundle),
                answerer.bundle.goals[target],
            )


def divide_by_streams(question: Question) -> dict[Stream, Logits]:
    """Return what each stream adds to the calibrated logit of each second."""
    if isinstance(question.fitted, FittedNetwork):
        asked = NetworkQuestion(question, question.fitted)
        return share_out(asked.find_worth(), asked.streams)
    return share_out(
        lambda there: _answer_without(question, there), question.rows.streams
    )


def divide_by_inputs(question: Question) -> Attributions:
    """Return what each number that a network reads adds to the calibrated logit.

    Face: (second, frame, colour, height, width); EEG and peripheral: (second,
    channel, time). Nothing of a learner that is no network.
    """
    if not isinstance(question.fitted, FittedNetwork):
        return {}
    asked = NetworkQuestion(question, question.fitted)
    with use_threads(question.fitted.threads):
        found = IntegratedGradients(asked.answer).attribute(
            asked.inputs,
            baselines=asked.nothing,
            additional_forward_args=(asked.likeliest,),
            n_steps=N_STEPS,
            internal_batch_size=max(asked.rows_at_once, len(question.seconds)),
        )
    return {
        stream: part.detach().float().numpy()
        for stream, part in zip(asked.streams, found, strict=True)
    }


def leave_channels_out(
    question: Question,
) -> Mapping[Stream, Float[np.ndarray, "second channel"]]:
    """Return by how much the calibrated logit falls without each channel."""
    whole = _answer(question, question.rows)
    found = {}
    for stream in WITH_CHANNELS:
        if stream not in question.rows.streams:
            continue
        array = question.rows.read(stream)
        parts = []
        for place in range(array.shape[1]):
            without = array.copy()
            without[:, place] = np.nan
            rows = share_arrays(question.rows, {stream: without})
            parts.append(whole - _answer(question, rows))
        found[stream] = np.stack(parts, axis=1)
    return found


def _answer(question: Question, rows: Rows) -> Logits:
    """Return calibrated logits, ratings, or the log odds of the likeliest class."""
    found = measure_outputs(question.fitted, rows, question.goal)
    if question.goal.kind == "classes":
        return find_logit_of_mean(found[np.arange(len(found)), question.likeliest])
    return np.asarray(found * question.slope)


def _answer_without(question: Question, there: frozenset[Stream]) -> Logits:
    """Return calibrated logits of seconds of which some streams are not known."""
    rows = question.rows
    nothing = {
        stream: _forget(question.fitted, stream, rows.read(stream))
        for stream in rows.streams
        if stream not in there
    }
    return _answer(question, share_arrays(rows, nothing))


@runtime_checkable
class HasMeanFace(Protocol):
    """A fitted learner that knows the mean image of its training rows."""

    @property
    def mean_face(self) -> Float[np.ndarray, "colour _ _"]:
        """In [0, 1]."""


def _forget(fitted: FittedLearner, stream: Stream, array: NDArray[Any]) -> NDArray[Any]:
    """Return the numbers of a stream of which nothing is known."""
    if stream is not Stream.FACE:
        return np.full_like(array, np.nan)
    if not isinstance(fitted, HasMeanFace):
        return np.zeros_like(array)
    image = (np.moveaxis(fitted.mean_face, 0, -1) * 255).round().astype(array.dtype)
    return np.array(np.broadcast_to(image, array.shape))


class NetworkQuestion:
    """A network as Captum calls it, its inputs, and those of nothing known."""

    def __init__(self, question: Question, fitted: FittedNetwork) -> None:
        if isinstance(fitted.objective, JointObjective):
            raise ValueError("one target is explained at a time")
        there, arrays = question.rows.streams, question.rows.read
        self.network = _in_float32(fitted.chosen)
        self.slope = question.slope
        self.objective = fitted.objective
        self.likeliest = torch.from_numpy(question.likeliest)
        self.threads = fitted.threads
        self.streams = tuple(s for s in fitted.streams if s in there)
        self.missing = tuple(s for s in fitted.streams if s not in there)
        self.shapes = fitted.recipe.shapes
        tensors = to_network(
            to_tensors({s: arrays(s) for s in self.streams}, fitted.scalings)
        )
        self.inputs = tuple(tensors[stream] for stream in self.streams)
        self.nothing = tuple(
            torch.from_numpy(fitted.mean_face)
            .expand(tensor.shape[1:])[None]
            .contiguous()
            if stream is Stream.FACE
            else torch.zeros(1, *tensor.shape[1:])
            for stream, tensor in zip(self.streams, self.inputs, strict=True)
        )

    @property
    def rows_at_once(self) -> int:
        """How many rows' gradients are held at once."""
        if Stream.FACE not in self.streams:
            return ROWS_AT_ONCE
        return min(ROWS_AT_ONCE, IMAGES_AT_ONCE // self.shapes[Stream.FACE][0])

    def answer(self, *inputs: Tensor) -> Tensor:
        """Return what is divided; the last input is ``likeliest``."""
        *streams, likeliest = inputs
        return self._answer(self.network, likeliest, *streams)

    def find_worth(self) -> "Worth":
        """Return what says the calibrated logits where only some streams are known."""
        with use_threads(self.threads), torch.no_grad():
            return Worth(
                self, self._encode_faces(self.inputs), self._encode_faces(self.nothing)
            )

    def _encode_faces(self, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Return inputs with faces as their features, which cost most."""
        return tuple(
            self.network.encoders["face"](tensor) if stream is Stream.FACE else tensor
            for stream, tensor in zip(self.streams, inputs, strict=True)
        )

    def answer_encoded(self, *inputs: Tensor) -> Tensor:
        """Return calibrated logits where faces are features already."""
        encoders: dict[str, nn.Module] = dict(self.network.encoders.items())
        if Stream.FACE in self.streams:
            encoders["face"] = nn.Identity()
        network = DeepVANet(encoders, reads=self.network.reads, head=self.network.head)
        return self._answer(network.eval(), self.likeliest, *inputs)

    def _answer(self, network: DeepVANet, likeliest: Tensor, *inputs: Tensor) -> Tensor:
        given = dict(zip(self.streams, inputs, strict=True))
        for stream in self.missing:
            given[stream] = torch.zeros(len(inputs[0]), *self.shapes[stream])
        asked = PartialNetwork(network, self.streams) if self.missing else network
        outputs: Tensor = asked(given)
        if self.objective.goal.kind == "classes":
            return self.objective.measure_odds(outputs, likeliest)
        return outputs * self.objective.spread * self.slope


@dataclass(frozen=True)
class Worth:
    """What a network says where only some of its streams are known."""

    asked: NetworkQuestion
    inputs: tuple[Tensor, ...]
    nothing: tuple[Tensor, ...]

    def __call__(self, there: frozenset[Stream]) -> Logits:
        """Return calibrated logits, without their offset."""
        given = tuple(
            tensor if stream in there else nothing.expand(tensor.shape)
            for stream, tensor, nothing in zip(
                self.asked.streams, self.inputs, self.nothing, strict=True
            )
        )
        with use_threads(self.asked.threads), torch.no_grad():
            logits: Logits = self.asked.answer_encoded(*given).numpy()
        return logits


def _in_float32(network: DeepVANet) -> DeepVANet:
    """Return a copy whose small differences are not rounded away."""
    precise = copy.deepcopy(network).eval()
    for encoder in precise.encoders.values():
        if isinstance(encoder, FaceEncoder):
            encoder.in_bfloat16 = False
    return precise
