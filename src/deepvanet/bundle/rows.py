"""The networks of a bundle, and the rows of a store that each is trained on."""

from dataclasses import dataclass
from itertools import product
from pathlib import Path

from deepvanet.config import TrainSettings
from deepvanet.labels import has_label, label_ratings
from deepvanet.learners.network import NetworkLearner
from deepvanet.schema import STREAM_SETS, Stream, Target, UserError, name_streams
from deepvanet.store import Rows, open_store


@dataclass(frozen=True)
class Part:
    """One network of a bundle.

    Attributes
    ----------
    streams : str
        The stream set that it reads.
    answers : tuple of str
        The stream sets that it answers from: its own, and with stream dropout all
        that lie within.
    """

    target: Target
    streams: str
    answers: tuple[str, ...]


def plan_parts(settings: TrainSettings) -> list[Part]:
    """Name the networks: one a stream set, or with stream dropout one for all.

    Raises
    ------
    UserError
        When stream dropout has no stream to spare.
    """
    targets = [Target(target) for target in settings.targets]
    if not settings.stream_dropout:
        pairs = product(targets, settings.streams)
        return [Part(target, streams, (streams,)) for target, streams in pairs]
    if not 0 < settings.stream_dropout < 1:
        raise UserError(
            "--stream-dropout: must lie between 0 and 1, got "
            f"{settings.stream_dropout:g}"
        )
    joined = {s for name in settings.streams for s in STREAM_SETS[name]}
    if len(joined) < 2:
        raise UserError(
            "--stream-dropout: needs two streams or more, got "
            f"{', '.join(settings.streams)}"
        )
    return [
        Part(target, name_streams(joined), list_within(joined)) for target in targets
    ]


def list_within(streams: set[Stream]) -> tuple[str, ...]:
    """Return all stream sets that some streams hold.

    Examples
    --------
    >>> list_within({Stream.EEG, Stream.FACE})
    ('face', 'eeg', 'face+eeg')
    """
    return tuple(name for name, held in STREAM_SETS.items() if streams.issuperset(held))


def open_rows(
    store_path: Path, settings: TrainSettings, subjects: tuple[str, ...], part: Part
) -> Rows:
    """Return the rows that have the streams of a network and a label.

    Raises
    ------
    UserError
        When they hold one class only.
    """
    store = open_store(store_path)
    numbers = store.rows_with(STREAM_SETS[part.streams])
    table = store.table.iloc[numbers]
    keep = has_label(table[part.target].to_numpy(), settings.label_rule)
    if subjects:
        keep &= table["subject"].isin(subjects).to_numpy()
    numbers, table = numbers[keep], table[keep]
    ratings = table[part.target].to_numpy()
    label = label_ratings(ratings, settings.label_rule, table=table)
    if len(set(label.tolist())) < 2:
        raise UserError(
            f"{store_path}: {part.target} from {part.streams}: {len(numbers)} "
            "segments, but both classes are needed to train"
        )
    return Rows(store, numbers, STREAM_SETS[part.streams], label)


def make_learner(settings: TrainSettings, face_weights: Path | None) -> NetworkLearner:
    """Return what trains the networks."""
    return NetworkLearner(
        settings.network, settings.seed, face_weights, settings.stream_dropout
    )
