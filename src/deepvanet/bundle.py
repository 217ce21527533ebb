"""Train on all rows of a store; keep and load a model with its recipe.

The folder::

    MODEL/bundle.json                        recipe, channels, rates, label rule
    MODEL/networks/valence/face+bio/         one network: safetensors and JSON
    MODEL/face-weights.safetensors           where face trunks started, if given

Nothing in it is executed when it is loaded. A network's folder appears whole or
not at all, ``bundle.json`` last, so an interrupted training goes on.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Any

from deepvanet.config import (
    Execution,
    PrepareSettings,
    TrainSettings,
    claim_folder,
    to_dict,
)
from deepvanet.execution import run_tasks
from deepvanet.files import make_folder, remove_unfinished, write_text
from deepvanet.labels import check_label_rule, has_label, label_ratings
from deepvanet.learners.face_start import keep_face_weights, name_face_weights
from deepvanet.learners.network import FittedNetwork, NetworkLearner, load_network
from deepvanet.learners.repeatable import settle_machine
from deepvanet.preprocessing.bio import BASELINES
from deepvanet.schema import (
    STREAM_SETS,
    Channel,
    ChannelType,
    Stream,
    Target,
    UserError,
    pick,
)
from deepvanet.store import (
    Rows,
    digest_store,
    open_store,
    pick_subjects,
)

FORMAT = "deepvanet-bundle-1"


@dataclass(frozen=True)
class Bundle:
    """Trained networks and all that is needed to feed them.

    Attributes
    ----------
    recipe : PrepareSettings
        Of the store it was trained on.
    is_raw : bool
        Whether that store was made from raw recordings, which are to be cleaned.
    training : mapping
        The ``TrainSettings``, as plain values.
    networks : tuple of (target, stream set)
        What it can answer.
    """

    path: Path
    dataset: str
    is_raw: bool
    recipe: PrepareSettings
    training: Mapping[str, Any]
    channels: tuple[Channel, ...]
    networks: tuple[tuple[Target, str], ...]

    @property
    def targets(self) -> tuple[Target, ...]:
        """The targets it was trained for."""
        return tuple(dict.fromkeys(target for target, _ in self.networks))

    @property
    def stream_sets(self) -> tuple[str, ...]:
        """The stream sets it was trained for."""
        return tuple(dict.fromkeys(streams for _, streams in self.networks))

    @property
    def streams(self) -> frozenset[Stream]:
        """The streams that some network of it reads."""
        return frozenset(s for name in self.stream_sets for s in STREAM_SETS[name])

    def channels_of(self, stream: Stream) -> tuple[Channel, ...]:
        """Return the channels of one stream, in the order of its arrays."""
        return tuple(c for c in self.channels if c.stream is stream)

    def load(self, target: Target, streams: str) -> FittedNetwork:
        """Load one network."""
        return load_network(_name_folder(self.path, target, streams))

    def pick(self, available: frozenset[Stream]) -> str | None:
        """Return the largest stream set it knows within the available streams."""
        fitting = [s for s in self.stream_sets if available.issuperset(STREAM_SETS[s])]
        return max(fitting, key=lambda s: len(STREAM_SETS[s]), default=None)


def train_bundle(
    store_path: Path,
    out: Path,
    *,
    settings: TrainSettings,
    execution: Execution,
    face_weights: Path | None = None,
) -> Bundle:
    """Train a network for each target and stream set on all rows of a store.

    Parameters
    ----------
    face_weights : Path | None
        What the face trunk starts from, as ``pretrain`` or others wrote it.

    Raises
    ------
    UserError
        When the store lacks a stream or a class, or ``out`` holds another bundle.
    """
    store = open_store(store_path)
    pick("scale", settings.network.scale, ["train", "none"])
    check_label_rule(settings.label_rule)
    network = name_face_weights(settings.network, face_weights)
    settings = replace(settings, network=settle_machine(network))
    subjects = pick_subjects(store, settings.subjects)
    described = {
        "format": FORMAT,
        "dataset": store.manifest.dataset,
        "is_raw": store.manifest.is_raw,
        "recipe": dict(store.manifest.settings),
        "training": {**to_dict(settings), "subjects": list(subjects)},
        "store_digest": digest_store(store),
        "channels": [asdict(channel) for channel in store.manifest.channels],
    }
    tasks = [
        (Target(target), streams)
        for target, streams in product(settings.targets, settings.streams)
    ]
    for task in tasks:
        _select_rows(store_path, settings, subjects, *task)
    make_folder(out)
    for folder in (out, *(_name_folder(out, *task).parent for task in tasks)):
        remove_unfinished(folder)
    claim_folder(out, described, what="bundle")
    kept = keep_face_weights(out, face_weights)
    waiting = [task for task in tasks if not _name_folder(out, *task).is_dir()]
    work = partial(_train, store_path, out, settings, subjects, kept)
    for _ in run_tasks(work, waiting, execution=execution, what="train"):
        pass
    described["networks"] = [{"target": t, "streams": s} for t, s in tasks]
    described["versions"] = {name: version(name) for name in ("deepvanet", "torch")}
    write_text(out / "bundle.json", json.dumps(described, indent=2) + "\n")
    return load_bundle(out)


def _train(
    store_path: Path,
    out: Path,
    settings: TrainSettings,
    subjects: tuple[str, ...],
    face_weights: Path | None,
    task: tuple[Target, str],
) -> None:
    rows = _select_rows(store_path, settings, subjects, *task)
    learner = NetworkLearner(settings.network, settings.seed, face_weights)
    fitted = learner.fit(rows)
    folder = _name_folder(out, *task)
    folder.parent.mkdir(parents=True, exist_ok=True)
    fitted.save(folder)


def _select_rows(
    store_path: Path,
    settings: TrainSettings,
    subjects: tuple[str, ...],
    target: Target,
    streams: str,
) -> Rows:
    store = open_store(store_path)
    numbers = store.rows_with(STREAM_SETS[streams])
    table = store.table.iloc[numbers]
    keep = has_label(table[target].to_numpy(), settings.label_rule)
    if subjects:
        keep &= table["subject"].isin(subjects).to_numpy()
    numbers, table = numbers[keep], table[keep]
    label = label_ratings(table[target].to_numpy(), settings.label_rule, table=table)
    if len(set(label.tolist())) < 2:
        raise UserError(
            f"{store_path}: {target} from {streams}: {len(numbers)} segments, "
            "but both classes are needed to train"
        )
    return Rows(store, numbers, STREAM_SETS[streams], label)


def _name_folder(path: Path, target: Target, streams: str) -> Path:
    return path / "networks" / target / streams


def load_bundle(path: Path) -> Bundle:
    """Open a folder that ``train_bundle`` wrote; runs no code from it.

    Raises
    ------
    UserError
        When there is no whole bundle.
    """
    file = path / "bundle.json"
    if not file.is_file():
        raise UserError(f"{path}: no bundle here (no bundle.json)")
    try:
        values = json.loads(file.read_text())
        if values["format"] != FORMAT:
            raise ValueError(f"format {values['format']!r}")
        if not values["networks"]:
            raise ValueError("it names no network")
        return Bundle(
            path=path,
            dataset=values["dataset"],
            is_raw=values["is_raw"] is True,
            recipe=_read_recipe(values["recipe"]),
            training=values["training"],
            channels=tuple(
                Channel(c["name"], ChannelType(c["type"]), c["unit"])
                for c in values["channels"]
            ),
            networks=tuple(
                (Target(n["target"]), pick("stream set", n["streams"], STREAM_SETS))
                for n in values["networks"]
            ),
        )
    except (UserError, OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{file}: not a whole bundle: {error}") from None


def _read_recipe(values: Mapping[str, Any]) -> PrepareSettings:
    for name, usual in asdict(PrepareSettings()).items():
        if type(values[name]) is not type(usual):
            raise ValueError(f"{name} cannot be {values[name]!r}")
    pick("baseline", values["baseline"], BASELINES)
    return PrepareSettings(**values)
