"""Features of one fold's test segments by that fold's model, and their t-SNE maps.

What is fitted is saved, so that a figure is plotted again without a model::

    OUT/runs/features-deap/*.npz   face, bio (segment, feature); a map of each and of
                                   both (segment, 2); label, trial
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from sklearn.manifold import TSNE
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

from deepvanet.config import EvaluateSettings, digest, to_dict
from deepvanet.evaluation.asking import check_settings
from deepvanet.evaluation.fits import FoldJob, fit_learner, plan_task, settle_network
from deepvanet.evaluation.parts import cut_parts, is_trainable, walk
from deepvanet.files import whole_file
from deepvanet.learners.held_rows import open_rows
from deepvanet.learners.inputs import to_network
from deepvanet.learners.network import FittedNetwork, NetworkLearner
from deepvanet.learners.training import SCORED_AT_ONCE
from deepvanet.store import Rows, SegmentStore, digest_store, open_store

PERPLEXITY = 30.0
"""t-SNE's usual one, where there are three times as many segments."""

NEIGHBOURS = 5
"""A trial has six segments in a test fold of ``paper`` on DEAP, so five others."""

LEAST_SEGMENTS = 4

LEAST_COUNTED = 3 * NEIGHBOURS + 1
"""Fewer points have less than ``NEIGHBOURS`` neighbours each that can be asked: shares
of so few are not stated."""

KINDS = ("face", "bio", "fused")
"""What is mapped: either vector, and both side by side, as the paper's Fig. 3."""

Vectors = Float[np.ndarray, "segment feature"]


@dataclass(frozen=True)
class FeatureFit:
    """One model whose features are wanted.

    Attributes
    ----------
    settings : EvaluateSettings
        Of one protocol, target, stream set, seed and subject.
    """

    store: Path
    settings: EvaluateSettings
    face_weights: Path | None
    file: Path


@dataclass(frozen=True)
class Features:
    """Features of the test segments of a fold.

    Attributes
    ----------
    vectors, maps : mapping
        Of ``KINDS``: the features themselves, and where t-SNE puts them.
    trial : array, shape (segment,)
        A number for each trial.
    """

    vectors: Mapping[str, Vectors]
    maps: Mapping[str, Float[np.ndarray, "segment 2"]]
    label: Int[np.ndarray, " segment"]
    trial: Int[np.ndarray, " segment"]

    @cached_property
    def purity(self) -> Mapping[tuple[str, str], tuple[float, float]]:
        """Shares of neighbours of the same kind, and by chance, in per cent."""
        groups = {"label": self.label, "trial": self.trial}
        return {
            (kind, name): measure_purity(self.vectors[kind], group)
            for kind in KINDS
            for name, group in groups.items()
        }


def name_fit(store: SegmentStore, settings: EvaluateSettings) -> str:
    """Return the file's name of a fit: it changes with all that changes the fit."""
    return f"{digest([to_dict(settings), digest_store(store)])}.npz"


def fit_features(wanted: FeatureFit) -> None:
    """Fit the first fold that can be fitted, and save its features and maps."""
    store = open_store(wanted.store).cut(wanted.settings.segmenting)
    settings = check_settings(wanted.settings, store)
    part, fold = next(
        pair for pair in walk(cut_parts(store, settings)) if is_trainable(*pair)
    )
    task = plan_task(part, fold, wanted.file.parent, settings, "")
    rows = task.take_rows(store)
    fitted = _fit(wanted, task, rows)
    is_last = task.readings == ("last",)
    vectors = encode(fitted, rows["test"], last=is_last)
    vectors["fused"] = np.concatenate([vectors["face"], vectors["bio"]], axis=1)
    arrays = {f"{kind}_map": map_vectors(vectors[kind], task.seed) for kind in KINDS}
    with whole_file(wanted.file) as unfinished, unfinished.open("wb") as stream:
        np.savez(
            stream,
            allow_pickle=False,
            face=vectors["face"],
            bio=vectors["bio"],
            label=rows["test"].label,
            trial=rows["test"].trial,
            **arrays,
        )


def _fit(wanted: FeatureFit, task: FoldJob, rows: Mapping[str, Rows]) -> FittedNetwork:
    network = settle_network(wanted.settings.network, task)
    learner = NetworkLearner(network, task.seed, wanted.face_weights)
    _, fitted = fit_learner(learner, rows, task)
    if not isinstance(fitted, FittedNetwork):
        raise TypeError(f"expected a fitted network, got {type(fitted).__name__}")
    return fitted


def read_features(file: Path) -> Features:
    """Read what ``fit_features`` saved."""
    with np.load(file, allow_pickle=False) as held:
        vectors = {kind: held[kind] for kind in ("face", "bio")}
        vectors["fused"] = np.concatenate([vectors["face"], vectors["bio"]], axis=1)
        maps = {kind: held[f"{kind}_map"] for kind in KINDS}
        return Features(vectors, maps, held["label"], held["trial"])


@torch.inference_mode()
def encode(fitted: FittedNetwork, rows: Rows, *, last: bool) -> dict[str, Vectors]:
    """Return the features of each encoder, in evaluation mode.

    Parameters
    ----------
    last : bool
        Of the last epoch's network instead of the chosen one's.
    """
    network = fitted.last if last and fitted.last is not None else fitted.chosen
    network.eval()
    fetch = open_rows(rows, fitted.scalings)
    found: dict[str, list[Vectors]] = {}
    for start in range(0, len(rows), SCORED_AT_ONCE):
        index = np.arange(start, min(start + SCORED_AT_ONCE, len(rows)))
        for name, features in network.encode(to_network(fetch(index))).items():
            found.setdefault(name, []).append(features.numpy())
    return {name: np.concatenate(parts) for name, parts in found.items()}


def map_vectors(vectors: Vectors, seed: int) -> Float[np.ndarray, "segment 2"]:
    """Return t-SNE's places; on one thread, since sums differ with their number.

    Equal vectors have no neighbourhood: they stay in one place.
    """
    n_segments = len(vectors)
    if len(np.unique(vectors, axis=0)) < LEAST_SEGMENTS:
        return np.zeros((n_segments, 2))
    tsne = TSNE(
        perplexity=bound_perplexity(n_segments),
        init="random",
        random_state=seed,
        n_jobs=1,
    )
    with threadpool_limits(1):
        return np.asarray(tsne.fit_transform(vectors.astype(np.float64)), np.float64)


def bound_perplexity(n_segments: int) -> float:
    """Return the perplexity for so many segments: three neighbours for each unit.

    Examples
    --------
    >>> bound_perplexity(240), bound_perplexity(16)
    (30.0, 5.0)
    """
    return max(1.0, min(PERPLEXITY, (n_segments - 1) / 3))


def count_neighbours(n_segments: int) -> int:
    """Return how many neighbours are asked: a third of the others at most.

    Examples
    --------
    >>> count_neighbours(240), count_neighbours(6)
    (5, 1)
    """
    return max(1, min(NEIGHBOURS, (n_segments - 1) // 3))


def measure_purity(
    vectors: Vectors, group: Int[np.ndarray, " segment"]
) -> tuple[float, float]:
    """Return how many of each segment's neighbours are of its own group, in per cent.

    The second number is what neighbours at random would give.

    Examples
    --------
    >>> line = np.array([[0.0], [1.0], [10.0], [11.0]])
    >>> [round(share, 1) for share in measure_purity(line, np.array([0, 0, 1, 1]))]
    [100.0, 33.3]
    """
    n_near = count_neighbours(len(group))
    search = NearestNeighbors(n_neighbors=n_near, algorithm="brute").fit(vectors)
    # without an argument the segment itself is left out
    near = search.kneighbors(return_distance=False)
    same = group[near] == group[:, None]
    others = (group[:, None] == group[None, :]).sum(axis=1) - 1
    return 100 * float(same.mean()), 100 * float((others / (len(group) - 1)).mean())


def count_test_segments(store: SegmentStore, settings: EvaluateSettings) -> int:
    """Return how many test segments the fold has that would be fitted."""
    parts = cut_parts(store, check_settings(settings, store))
    return next(
        len(fold.test) for part, fold in walk(parts) if is_trainable(part, fold)
    )


def count_folds(store: SegmentStore, settings: EvaluateSettings) -> int:
    """Return how many folds a run of these settings has."""
    return len(list(walk(cut_parts(store, check_settings(settings, store)))))
