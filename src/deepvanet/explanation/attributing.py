"""Divide what a network says of a second among its inputs, by Captum [1]_.

What is divided is the distance of the calibrated logit from that of *nothing known*:
every signal at its median, the mean face. Streams are few, so they get their exact
Shapley values [2]_: what a stream adds, averaged over all orders in which streams
could be told. Channels and pixels get integrated gradients [3]_. Either sums to the
distance.

References
----------
.. [1] Kokhlikyan et al. (2020). Captum: a unified and generic model interpretability
   library for PyTorch. arXiv 2009.07896.
.. [2] Lundberg and Lee (2017). A unified approach to interpreting model predictions.
   NeurIPS 30.
.. [3] Sundararajan, Taly and Yan (2017). Axiomatic attribution for deep networks.
   ICML 70, 3319-3328.
"""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from captum.attr import IntegratedGradients, ShapleyValues
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn

from deepvanet.inference.answering import Answerer, group_seconds, take
from deepvanet.inference.opened import Chunk
from deepvanet.learners.inputs import to_network, to_tensors
from deepvanet.learners.network import FittedNetwork
from deepvanet.learners.repeatable import use_threads
from deepvanet.models.encoders import FaceEncoder
from deepvanet.models.feature_fusion import DeepVANet
from deepvanet.models.stream_dropout import Within
from deepvanet.schema import Stream, Target

N_STEPS = 20
"""Of integrated gradients; their sum is then within a few hundredths."""
ROWS_AT_ONCE = 32

Attributions = Mapping[Stream, Float[np.ndarray, "second ..."]]


@dataclass(frozen=True)
class Question:
    """Seconds that one network answers.

    Attributes
    ----------
    seconds : array, shape (second,)
        Since the recording's first.
    slope : float
        What calibration multiplies its logits by; its offset cancels in distances.
    arrays : mapping
        Of each stream, a row a second as a store has them.
    """

    target: Target
    seconds: NDArray[Any]
    fitted: FittedNetwork
    slope: float
    arrays: Mapping[Stream, NDArray[Any]]


def ask(answerer: Answerer, chunk: Chunk) -> Iterator[Question]:
    """Yield what a chunk of a recording asks of each network."""
    for name, rows in group_seconds(answerer.choose(chunk)).items():
        for target in answerer.bundle.targets:
            yield Question(
                target,
                chunk.time_s[rows],
                answerer.load(target, name),
                answerer.bundle.find(target, name).calibrations.segment.slope,
                take(chunk, name, rows),
            )


def divide_by_streams(
    question: Question,
) -> dict[Stream, Float[np.ndarray, " second"]]:
    """Return what each stream adds to the calibrated logit of each second."""
    asked = _Asked(question)
    with use_threads(question.fitted.threads), torch.no_grad():
        inputs = asked.encode_faces(asked.inputs)
        nothing = asked.encode_faces(asked.nothing)
        masks = tuple(
            torch.full((1, *tensor.shape[1:]), place, dtype=torch.long)
            for place, tensor in enumerate(inputs)
        )
        found = ShapleyValues(asked.answer_encoded).attribute(
            inputs, baselines=nothing, feature_mask=masks
        )
    return {
        stream: part.flatten(1)[:, 0].numpy()
        for stream, part in zip(asked.streams, found, strict=True)
    }


def divide_by_inputs(question: Question) -> Attributions:
    """Return what each number of each stream adds to the calibrated logit.

    Face: (second, frame, colour, height, width); EEG and peripheral: (second,
    channel, time).
    """
    asked = _Asked(question)
    with use_threads(question.fitted.threads):
        found = IntegratedGradients(asked.answer).attribute(
            asked.inputs,
            baselines=asked.nothing,
            n_steps=N_STEPS,
            internal_batch_size=max(ROWS_AT_ONCE, len(question.seconds)),
        )
    return {
        stream: part.detach().float().numpy()
        for stream, part in zip(asked.streams, found, strict=True)
    }


class _Asked:
    """A network as Captum calls it, its inputs, and those of nothing known."""

    def __init__(self, question: Question) -> None:
        fitted = question.fitted
        self.network = _in_float32(fitted.chosen)
        self.slope = question.slope
        self.streams = tuple(s for s in fitted.streams if s in question.arrays)
        self.missing = tuple(s for s in fitted.streams if s not in question.arrays)
        self.shapes = fitted.recipe.shapes
        tensors = to_network(to_tensors(question.arrays, fitted.scalings))
        self.inputs = tuple(tensors[stream] for stream in self.streams)
        self.nothing = tuple(
            _mean_face(self.network).expand(tensor.shape[1:])[None].contiguous()
            if stream is Stream.FACE
            else torch.zeros(1, *tensor.shape[1:])
            for stream, tensor in zip(self.streams, self.inputs, strict=True)
        )

    def answer(self, *inputs: Tensor) -> Tensor:
        """Return calibrated logits, without their offset."""
        return self._answer(self.network, *inputs)

    def encode_faces(self, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Return inputs with faces as their features, which cost most."""
        return tuple(
            self.network.encoders["face"](tensor) if stream is Stream.FACE else tensor
            for stream, tensor in zip(self.streams, inputs, strict=True)
        )

    def answer_encoded(self, *inputs: Tensor) -> Tensor:
        """Return the same where faces are features already."""
        encoders: dict[str, nn.Module] = dict(self.network.encoders.items())
        if Stream.FACE in self.streams:
            encoders["face"] = nn.Identity()
        network = DeepVANet(encoders, reads=self.network.reads, head=self.network.head)
        return self._answer(network.eval(), *inputs)

    def _answer(self, network: DeepVANet, *inputs: Tensor) -> Tensor:
        given = dict(zip(self.streams, inputs, strict=True))
        for stream in self.missing:
            given[stream] = torch.zeros(len(inputs[0]), *self.shapes[stream])
        asked = Within(network, self.streams) if self.missing else network
        logits: Tensor = asked(given)
        return logits * self.slope


def _in_float32(network: DeepVANet) -> DeepVANet:
    """Return a copy whose small differences are not rounded away."""
    precise = copy.deepcopy(network).eval()
    for encoder in precise.encoders.values():
        if isinstance(encoder, FaceEncoder):
            encoder.in_bfloat16 = False
    return precise


def _mean_face(network: DeepVANet) -> Tensor:
    """Return the mean image of the training rows, or black where none was taken."""
    (encoder,) = (e for e in network.encoders.values() if isinstance(e, FaceEncoder))
    return encoder.center
