"""Where the channels of a bundle lay in training, to compare others with them.

A channel in another unit, of another sensor or with another reference lies far from all
that a network was trained on, and its answers mean nothing. Levels are those of stored
segments, whose baseline is subtracted.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from deepvanet.bundle.loading import Level, name_folder
from deepvanet.bundle.members import Member
from deepvanet.learners.making import load_learner
from deepvanet.learners.network import FittedNetwork
from deepvanet.learners.scaling import Scaling, fit_scaling
from deepvanet.schema import WITH_CHANNELS, Stream, parse_streams
from deepvanet.store import Rows, SegmentStore


def measure_levels(
    out: Path, rows: Mapping[Member, Rows], *, learner: str, scale: str
) -> dict[str, Level]:
    """Return where each channel lay that a member reads, by name.

    Of several members the one with most rows says.

    Parameters
    ----------
    out : Path
        Folder of the bundle, where the fitted learners lie.
    rows : mapping
        The rows that each member was fitted on.
    learner, scale : str
        What was fitted, and how networks scale their inputs.

    Returns
    -------
    dict
        The level of each channel, by its name; none of streams that no member reads.
    """
    levels = {}
    for stream in WITH_CHANNELS:
        reading = [m for m in rows if stream in parse_streams(m.streams)]
        if not reading:
            continue
        member = max(reading, key=lambda member: len(rows[member]))
        scaling = (
            _find_scaling(out, member, learner, stream) if scale == "train" else None
        )
        if scaling is None:
            scaling = fit_scaling(replace(rows[member], streams=(stream,)))[stream]
        channels = rows[member].store.channels([stream])
        for channel, center, spread in zip(
            channels, scaling.center, scaling.spread, strict=True
        ):
            levels[channel.name] = Level(float(center), float(spread))
    return levels


def _find_scaling(
    out: Path, member: Member, learner: str, stream: Stream
) -> Scaling | None:
    """Return what a network scales by, so that rows are not measured again."""
    folder = name_folder(out, member.target, member.streams)
    fitted = load_learner(learner, folder)
    return fitted.scalings[stream] if isinstance(fitted, FittedNetwork) else None


def find_rest(store: SegmentStore) -> float:
    """Return the seconds of each trial's baseline; 0 where none is subtracted."""
    if store.segmenting.baseline == "none":
        return 0.0
    return float(store.trials["n_baseline"].median()) / store.sfreq
