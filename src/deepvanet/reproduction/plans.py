"""Which runs the parts of the paper need, and whether a store can have them.

A run is one kind of protocol on one stream set of one store, so that parts share it
and what one store cannot have holds up nothing else::

    OUT/runs/paper-face+bio-deap    what Table 2 and Fig. 2 both read
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product

from deepvanet.config import EvaluateSettings, NetworkSettings, SizeName
from deepvanet.evaluation.asking import check_settings
from deepvanet.evaluation.parts import cut_parts, is_trainable, walk
from deepvanet.learners import LEARNERS
from deepvanet.learners.grid import name_cell
from deepvanet.protocols import PROTOCOLS
from deepvanet.reproduction.given import StoreOfPaper
from deepvanet.reproduction.published import GRID
from deepvanet.schema import STREAM_SETS, Target, UserError
from deepvanet.store import SegmentStore

PARTS = ("table2", "fig2", "fig3", "grid")

KINDS: Mapping[str, tuple[str, ...]] = {
    "paper": ("paper", "reference"),
    "trial": ("trial",),
    "paper-pooled": ("paper-pooled",),
    "subject": ("subject",),
    "subject-stimulus": ("subject-stimulus",),
}
"""Protocols that are run together, since they read the same fits."""

OF_ONE_SUBJECT = tuple(
    kind for kind, (first, *_) in KINDS.items() if PROTOCOLS[first].scope == "subject"
)
"""The kinds that figures and the grid show: a model for each subject."""

WHOLE = "face+bio"
FUSED_SETS = tuple(name for name in STREAM_SETS if name.startswith("face+"))
"""Of the paper's sets those of the face and signals."""
"""The stream set of the paper's full network."""

NETWORK = "network"
FUSIONS = ("decision-fusion:adaboost", "decision-fusion:adaboost-published")
"""Decision-level fusion: as AdaBoost has it, and as the published code does."""


@dataclass(frozen=True)
class Size:
    """How much of the paper's experiments is run.

    Attributes
    ----------
    folds : int | None
        None takes each protocol's own number.
    grid : tuple of int
        Lengths of either feature vector.
    n_subjects, n_pooled : int | None
        The first so many subjects, of protocols of one subject and of all of them.
    systems : str
        How other studies' systems are trained, as ``NetworkSettings.size`` has it.
    """

    network: NetworkSettings
    folds: int | None
    grid: tuple[int, ...]
    n_subjects: int | None
    n_pooled: int | None
    systems: SizeName = "full"


SIZES: Mapping[SizeName, Size] = {
    "small": Size(
        NetworkSettings(epochs=2),
        folds=3,
        grid=(16, 64),
        n_subjects=2,
        n_pooled=3,
        systems="small",
    ),
    "full": Size(
        NetworkSettings(), folds=None, grid=GRID, n_subjects=None, n_pooled=None
    ),
}


@dataclass(frozen=True)
class RunPlan:
    """A run that is needed.

    Attributes
    ----------
    obstacle : str
        Why this store cannot have it; empty where it can.
    """

    name: str
    given: StoreOfPaper
    settings: EvaluateSettings
    obstacle: str = ""


def name_run(kind: str, streams: str, key: str) -> str:
    """Return the folder's name of a run of ``KINDS``."""
    return f"{kind}-{streams}-{key}"


def name_grid(kind: str, key: str) -> str:
    """Return the folder's name of a grid search, of ``OF_ONE_SUBJECT``."""
    return f"grid-{kind}-{key}"


def plan_runs(
    parts: Iterable[str], given: Iterable[StoreOfPaper], *, size: Size, seed: int
) -> list[RunPlan]:
    """List the runs that parts need of the stores, each once.

    Parameters
    ----------
    parts : iterable of str
        Of ``PARTS``.
    given : iterable of StoreOfPaper
        Stores of the paper's data sets.
    size : Size
        How much of the experiments is run.
    seed : int
        Of folds and fits.

    Returns
    -------
    list of RunPlan
        Also those that a store cannot have.
    """
    asked = set(parts)
    plans: dict[str, RunPlan] = {}
    for store in given:
        for kind, streams in _list_kinds(asked):
            name = name_run(kind, streams, store.key)
            plans[name] = _make(name, store, settle(store, kind, streams, size, seed))
        if "grid" in asked:
            for kind in OF_ONE_SUBJECT:
                name = name_grid(kind, store.key)
                settings = _settle_grid(store, kind, size, seed)
                plans[name] = _make(name, store, settings)
    return list(plans.values())


def settle(
    given: StoreOfPaper, kind: str, streams: str, size: Size, seed: int
) -> EvaluateSettings:
    """Return the settings of a run of ``KINDS``.

    Parameters
    ----------
    given : StoreOfPaper
        Its subjects are taken, or the first of them where the size says so.
    kind : str
        Of ``KINDS``.
    streams : str
        Name of a stream set, of ``STREAM_SETS``.
    size : Size
        How much of the experiments is run.
    seed : int
        Of folds and fits.

    Returns
    -------
    EvaluateSettings
        With the network, and the fusions that can read the stream set.
    """
    is_pooled = PROTOCOLS[KINDS[kind][0]].scope == "all"
    n_subjects = size.n_pooled if is_pooled else size.n_subjects
    fusions = [name for name in FUSIONS if name in LEARNERS and streams in FUSED_SETS]
    return EvaluateSettings(
        protocols=KINDS[kind],
        targets=tuple(map(str, Target)),
        streams=(streams,),
        learners=(NETWORK, *fusions),
        segment=given.store.segmenting.segment_s,
        step=given.store.segmenting.step_s,
        baseline=given.store.segmenting.baseline,
        folds=size.folds,
        seeds=(seed,),
        subjects=given.subjects[:n_subjects],
        network=size.network,
    )


def _settle_grid(
    given: StoreOfPaper, kind: str, size: Size, seed: int
) -> EvaluateSettings:
    """Search un-nested, as the paper: all cells are tested; or in every fold."""
    usual = settle(given, kind, WHOLE, size, seed)
    first = KINDS[kind][0]
    if PROTOCOLS[first].kind == "published":
        cells = tuple(name_cell(face, bio) for face in size.grid for bio in size.grid)
        return replace(usual, protocols=(first,), learners=cells)
    nested = replace(usual.network, grid_face=size.grid, grid_bio=size.grid)
    return replace(usual, learners=(NETWORK,), network=nested)


def _list_kinds(asked: Iterable[str]) -> Iterator[tuple[str, str]]:
    wanted = set(asked)
    if "table2" in wanted:
        yield from ((kind, WHOLE) for kind in KINDS)
    if "fig2" in wanted:
        yield from product(OF_ONE_SUBJECT, STREAM_SETS)


def _make(name: str, given: StoreOfPaper, settings: EvaluateSettings) -> RunPlan:
    return RunPlan(name, given, settings, find_obstacle(given.store, settings))


def find_obstacle(store: SegmentStore, settings: EvaluateSettings) -> str:
    """Say why a store is too small for a run, or nothing where it is not."""
    try:
        parts = cut_parts(store, check_settings(settings, store))
    except UserError as error:
        return str(error)
    if any(is_trainable(part, fold) for part, fold in walk(parts)):
        return ""
    return "every training part holds one class only"
