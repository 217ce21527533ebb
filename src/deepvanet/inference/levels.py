"""Which channels of a recording lie far from all that a bundle was trained on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepvanet.bundle import Bundle
from deepvanet.findings import list_some, report
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
        """Say which channels of a stream are far from training, and report it."""
        told = []
        for stream in self._seconds:
            far = dict(self._find_far(stream))
            if far:
                are = "is" if len(far) == 1 else "are"
                said = (
                    f"{list_some(list(far))} {are} far from training: "
                    f"{next(iter(far.values()))}; is it another unit, sensor or "
                    "reference?"
                )
                report("C13", said)
                told.append(said)
        return tuple(told)

    def _find_far(self, stream: Stream) -> Iterator[tuple[str, str]]:
        """Yield the name of each channel that is far, and how far it is."""
        seconds = np.concatenate(self._seconds[stream])
        for place, channel in enumerate(self.bundle.channels_of(stream)):
            level = self.bundle.levels.get(channel.name)
            known = seconds[np.isfinite(seconds[:, place]), place]
            if level is None or not len(known):
                continue
            median = float(np.median(known))
            if abs(median - level.median) > FAR * level.spread:
                there = f"{level.median:.3g} with a spread of {level.spread:.3g}"
                own = f"the median of {channel.name} is {median:.3g} {channel.unit}"
                yield channel.name, f"{own}, there it was {there}"
