"""Ask the network that reads most of what a second has."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from numpy.typing import NDArray
from scipy.special import expit

from deepvanet.bundle import Bundle
from deepvanet.inference.opened import Chunk
from deepvanet.learners.network import FittedNetwork
from deepvanet.metrics.counts import THRESHOLD
from deepvanet.schema import STREAM_SETS, Stream, Target

TIMELINE_COLUMNS = (
    "time_s",
    "valence",
    "arousal",
    "valence_label",
    "arousal_label",
    "face_found",
    "bad_channels",
    "filter_edge",
    "streams",
)


@dataclass(frozen=True)
class Answerer:
    """A bundle with the networks that were asked so far."""

    bundle: Bundle
    _loaded: dict[tuple[Target, str], FittedNetwork] = field(default_factory=dict)

    def load(self, target: Target, streams: str) -> FittedNetwork:
        """Load the network that answers from a stream set, once."""
        key = target, self.bundle.find(target, streams).network
        if key not in self._loaded:
            self._loaded[key] = self.bundle.load(target, streams)
        return self._loaded[key]

    def choose(self, chunk: Chunk) -> list[str]:
        """Return the stream set that answers each second, or nothing."""
        return [self.bundle.pick(chunk.streams_of(k)) or "" for k in range(len(chunk))]

    def answer(self, chunk: Chunk) -> pd.DataFrame:
        """Return the chunk's rows of a timeline."""
        chosen = self.choose(chunk)
        table = pd.DataFrame({"time_s": chunk.start + np.arange(len(chunk))})
        for target in Target:
            score = self._score(target, chunk, chosen)
            label = pd.Series(score > THRESHOLD, dtype="Int64")
            table[target] = score
            table[f"{target}_label"] = label.mask(np.isnan(score))
        face = chunk.has.get(Stream.FACE, np.zeros(len(chunk), bool))
        table = table.assign(
            face_found=face.astype(int),
            bad_channels=list(chunk.bad_channels),
            filter_edge=chunk.is_edge.astype(int),
            streams=chosen,
        )
        return table[list(TIMELINE_COLUMNS)]

    def _score(
        self, target: Target, chunk: Chunk, chosen: list[str]
    ) -> Float[np.ndarray, " second"]:
        score = np.full(len(chunk), np.nan)
        if target not in self.bundle.targets:
            return score
        for name, rows in group_seconds(chosen).items():
            temperature = self.bundle.find(target, name).temperature
            logits = self.load(target, name).find_logits(take(chunk, name, rows))
            score[rows] = expit(logits / temperature)
        return score


def group_seconds(chosen: list[str]) -> dict[str, Int[np.ndarray, " _"]]:
    """Return the seconds that each stream set answers."""
    names = np.array(chosen)
    return {
        name: np.flatnonzero(names == name) for name in dict.fromkeys(chosen) if name
    }


def take(
    chunk: Chunk, streams: str, rows: Int[np.ndarray, " _"]
) -> Mapping[Stream, NDArray[Any]]:
    """Return what a network reads of some seconds of a chunk."""
    return {stream: chunk.arrays[stream][rows] for stream in STREAM_SETS[streams]}
