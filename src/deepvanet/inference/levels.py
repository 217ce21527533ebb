"""Which channels of a recording lie far from all that a bundle was trained on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepvanet.bundle import Bundle
from deepvanet.findings import report
from deepvanet.schema import Stream

FAR = 10.0
"""Interquartile ranges of training between its median and that of a recording."""


@dataclass(frozen=True)
class Levels:
    """The medians of the seconds that were read, baselines subtracted as in training.

    A recording's median is that of its seconds' medians, so an hour needs no more
    than a number a second and channel.
    """

    bundle: Bundle
    _seconds: dict[Stream, list[NDArray[Any]]] = field(default_factory=dict)

    def add(self, cut: Mapping[Stream, NDArray[Any]]) -> None:
        """Note some seconds of each stream; bad channels are NaN and do not count."""
        for stream, array in cut.items():
            self._seconds.setdefault(stream, []).append(np.median(array, axis=2))

    def tell(self) -> tuple[str, ...]:
        """Say of each channel that is far from training where it is, and report it."""
        told = [pair for stream in self._seconds for pair in self._tell(stream)]
        for name, said in told:
            report("C13", said, place=name)
        return tuple(said for _, said in told)

    def _tell(self, stream: Stream) -> Iterator[tuple[str, str]]:
        seconds = np.concatenate(self._seconds[stream])
        for place, channel in enumerate(self.bundle.channels_of(stream)):
            level = self.bundle.levels.get(channel.name)
            known = seconds[np.isfinite(seconds[:, place]), place]
            if level is None or not len(known):
                continue
            median = float(np.median(known))
            if abs(median - level.median) > FAR * level.spread:
                said = (
                    f"{channel.name} is far from training: its median is {median:.3g} "
                    f"{channel.unit}, there it was {level.median:.3g} with a spread of "
                    f"{level.spread:.3g}; is it another unit, sensor or reference?"
                )
                yield channel.name, said
