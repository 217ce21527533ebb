"""The stores that were given, and the subjects of each that the paper would take."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deepvanet.config import Segmenting
from deepvanet.datasets.synthetic_mark import is_copy
from deepvanet.findings import say_count
from deepvanet.reproduction.published import DATASETS
from deepvanet.schema import PAPER_STREAMS, UserError
from deepvanet.store import SegmentStore, open_store


@dataclass(frozen=True)
class StoreOfPaper:
    """A store of one of the paper's data sets.

    Attributes
    ----------
    key : str
        Of ``DATASETS``.
    subjects : tuple of str
        Those who have all streams, as the 22 of DEAP; all subjects, where there are
        none.
    """

    key: str
    store: SegmentStore
    subjects: tuple[str, ...]

    @property
    def path(self) -> Path:
        """Where the store is."""
        return self.store.path

    @property
    def is_real(self) -> bool:
        """Whether its recordings are of people, not synthetic."""
        return not is_copy(self.store.manifest.dataset)

    def describe(self) -> str:
        """Say in a sentence what it is."""
        manifest = self.store.manifest
        return (
            f"{DATASETS[self.key]}: a store of {manifest.dataset}, "
            f"{say_count(len(self.subjects), 'subject')} with all streams, prepared "
            f"with artefacts "
            f"{manifest.settings['artefacts']}; {'; '.join(self.store.lines())}"
        )


def open_stores(
    paths: Mapping[str, Path | None], segmenting: Segmenting
) -> dict[str, StoreOfPaper]:
    """Open the stores of the data sets.

    Parameters
    ----------
    paths : mapping
        Of ``DATASETS``; None is not given.
    segmenting : Segmenting
        How trials are cut.

    Raises
    ------
    UserError
        When none is given, one cannot be read, or it is of another data set.
    """
    given = {
        key: _open(key, path, segmenting)
        for key, path in paths.items()
        if path is not None
    }
    if not given:
        names = " or ".join(DATASETS.values())
        raise UserError(f"reproduce: needs a store of {names}, or both, got neither")
    return given


def _open(key: str, path: Path, segmenting: Segmenting) -> StoreOfPaper:
    trials = open_store(path)
    dataset = trials.manifest.dataset
    if dataset.partition("-")[0] != key:
        raise UserError(
            f"{path}: expected a store of {DATASETS[key]}, got one of {dataset}",
            field=key,
        )
    store = trials.cut(segmenting)
    complete = store.table.iloc[store.rows_with(PAPER_STREAMS)]["subject"]
    subjects = complete if len(complete) else store.table["subject"]
    return StoreOfPaper(key, store, tuple(sorted(set(subjects))))
