"""Where the channels of a bundle lay in training, so that others can be told from them.

A channel in another unit, of another sensor or with another reference lies far from all
that a network was trained on, and its answers mean nothing. Levels are those of stored
segments, whose baseline was taken off.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from deepvanet.bundle.loading import Level, name_folder
from deepvanet.bundle.rows import Part
from deepvanet.learners.network import load_network
from deepvanet.learners.scaling import Scaling, fit_scaling
from deepvanet.schema import BIO, STREAM_SETS, Stream
from deepvanet.store import Rows, SegmentStore, read_trials


def measure_levels(
    out: Path, rows: Mapping[Part, Rows], *, scale: str
) -> dict[str, Level]:
    """Return where each channel lay that a network reads, by name.

    Of several networks the one with most rows says.

    Parameters
    ----------
    scale : str
        How the networks scale their inputs.
    """
    levels = {}
    for stream in BIO:
        reading = [part for part in rows if stream in STREAM_SETS[part.streams]]
        if not reading:
            continue
        part = max(reading, key=lambda part: len(rows[part]))
        scaling = _measure(out, part, rows[part], stream, scale)
        channels = rows[part].store.channels([stream])
        for channel, center, spread in zip(
            channels, scaling.center, scaling.spread, strict=True
        ):
            levels[channel.name] = Level(float(center), float(spread))
    return levels


def _measure(out: Path, part: Part, rows: Rows, stream: Stream, scale: str) -> Scaling:
    """Return what the network scales by, or what it would if it did."""
    if scale == "train":
        network = load_network(name_folder(out, part.target, part.streams))
        return network.scalings[stream]
    return fit_scaling(replace(rows, streams=(stream,)), scale="train")[stream]


def find_rest(store: SegmentStore) -> float | None:
    """Return how long each trial's own rest was, of which its baseline was taken."""
    if store.manifest.settings["baseline"] == "none":
        return 0.0
    trials = read_trials(store.path)
    if "baseline_s" not in trials:
        return None
    return float(trials["baseline_s"].median())
