"""One record for each data set: what reads, checks and writes it, by dotted names.

Names are resolved on use, so this module loads no array library, and a data set
that is not asked for is not imported. Other packages add records of their own by
entry points in the group ``deepvanet.datasets``, each named as its data set is.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from deepvanet.config import Execution
from deepvanet.datasets.findings import CheckResult
from deepvanet.plugins import find_plugins, load_plugin, name_package, resolve
from deepvanet.schema import Channel, Recording, TraceFormat, UserError, pick

PLUGINS = "deepvanet.datasets"
"""The group of entry points."""

_OF_READERS = (
    *("IS_RAW", "CHANNELS", "name_dataset", "list_subjects", "read_recordings"),
    "input_files",
)
_OF_FILE_READERS = ("holds", "read_file")


@runtime_checkable
class Reader(Protocol):
    """How one data set lies on disk; a module with these names is one.

    Each function raises ``UserError`` for what the user can put right.

    Attributes
    ----------
    IS_RAW : bool
        Whether its signals were never filtered.
    CHANNELS : tuple of Channel
        Those that a recording may have, in their order; empty for an ``OpenReader``.
    """

    IS_RAW: bool
    CHANNELS: tuple[Channel, ...]

    def name_dataset(self, root: Path) -> str:
        """Return what results call the data set of this folder."""

    def list_subjects(self, root: Path) -> list[str]:
        """Return the ids of the subjects found, in order."""

    def read_recordings(self, root: Path, subject: str) -> Iterator[Recording]:
        """Check a subject's files, then yield the recordings in viewing order."""

    def input_files(self, root: Path, subject: str) -> list[Path]:
        """Return every file that a subject's trials are made of."""


@runtime_checkable
class OpenReader(Reader, Protocol):
    """A reader of recordings of which each data set has its own channels."""

    def list_channels(self, root: Path) -> tuple[Channel, ...]:
        """Return those that the recordings of a data set share, EEG first."""


@runtime_checkable
class TraceReader(Reader, Protocol):
    """A reader of recordings whose ratings move with time."""

    def describe_traces(self, root: Path) -> TraceFormat | None:
        """Return how those of a data set are kept, None where it has none."""


@runtime_checkable
class FileReader(Reader, Protocol):
    """A reader that can also open one of its files alone, for a prediction."""

    def holds(self, path: Path) -> bool:
        """Say whether a file is one of this data set, and not another's."""

    def read_file(self, path: Path, trial: str | None) -> Recording:
        """Read a file, or one trial of it, with its span where that is known."""


@runtime_checkable
class Check(Protocol):
    """A function that looks at every recording of a folder."""

    def __call__(
        self,
        root: Path,
        *,
        exclude: Sequence[str] = (),
        execution: Execution | None = None,
    ) -> CheckResult:
        """Return tables and findings, or raise ``UserError`` without a data set."""


@dataclass(frozen=True)
class DataSet:
    """A data set: how it is called, and where its parts are.

    Attributes
    ----------
    name : str
        What commands call it.
    title : str
        What people call it.
    terms_of_use : str
        On what terms its owners give it out, in sentences.
    check : str
        ``module:function``, a ``Check``.
    reader : str
        A module that is a ``Reader``; empty where ``prepare`` cannot take it.
    writer : str
        ``module:function`` that writes a synthetic copy, called as
        ``synthetic.write_data_set`` is; empty where there is none.
    suffixes : tuple of str
        Of files that ``predict`` may open with the reader, then a ``FileReader``.
    root : str
        What commands are given.
    usual_seconds : int
        Of a trial of a synthetic copy.
    writer_options : tuple of str
        What its writer alone takes.
    unseen_traits : tuple of str
        Traits of a synthetic subject that it has no channel for.
    most_trials : int | None
        Of a subject of a synthetic copy, where that is less than the usual number.
    """

    name: str
    title: str
    terms_of_use: str
    check: str
    reader: str = ""
    writer: str = ""
    suffixes: tuple[str, ...] = ()
    root: str = "folder"
    usual_seconds: int = 60
    writer_options: tuple[str, ...] = ()
    unseen_traits: tuple[str, ...] = ()
    most_trials: int | None = None

    def load_reader(self) -> Reader:
        """Import the reader.

        Raises
        ------
        UserError
            When there is none, or what a plug-in names is none.
        """
        if not self.reader:
            raise UserError(f"{self.name}: has no reader, so prepare cannot use it")
        module = self._resolve(self.reader)
        needed = (*_OF_READERS, *(_OF_FILE_READERS if self.suffixes else ()))
        missing = [name for name in needed if not hasattr(module, name)]
        if missing:
            raise UserError(
                f"data set {self.name}: {self.reader} lacks {', '.join(missing)}"
            )
        reader: Reader = module
        return reader

    def load_check(self) -> Check:
        """Import the function that checks a copy."""
        check: Check = self._resolve(self.check)
        return check

    def load_writer(self) -> Any:
        """Import the function that writes a synthetic copy, or raise ``UserError``.

        Raises
        ------
        UserError
            When the data set has no synthetic copy, or a plug-in's function cannot be
            loaded.
        """
        if not self.writer:
            raise UserError(f"{self.name}: has no synthetic copy")
        return self._resolve(self.writer)

    def _resolve(self, dotted: str) -> Any:
        is_own = self.name in DATASETS
        return resolve(f"data set {self.name}", dotted, is_own=is_own)


_ACADEMIC = (
    "{} may be used for academic research only, under an agreement that everyone who "
    "works with it signs; weights that were fitted to it are best treated alike."
)
_OF_PEOPLE = (
    "The recordings are of people. What these agreed to, and what those who recorded "
    "them allow, holds for weights that were fitted to them too: ask before passing "
    "them on."
)
_NO_TRAPEZIUS = ("zygomaticus", "trapezius", "pulse_height")
_OF_WESAD = (
    "WESAD may be used for scientific and other non-commercial purposes only, and is "
    "to be credited; weights that were fitted to it are best treated alike."
)
_OF_CASE = (
    "CASE is open to all, and is to be credited; the page that it is downloaded from "
    "states its licence. The recordings are of people: ask before passing on weights "
    "that were fitted to them."
)
_NO_SKIN = ("conductance", "conductance_responses")
_NO_FACE = ("smile", "brows", "nod")
_OF_BRAIN = (
    *("alpha", "parietal_alpha", "central_alpha", "mu", "frontal_asymmetry"),
    *("theta", "beta", "temporal_muscle", "blink_rate", "motion"),
)
_NO_EYES = ("pupil",)
_NO_BREATH = ("respiration_rate", "respiration_depth", "temperature")

_RECORDS = (
    DataSet(
        name="deap",
        title="DEAP, its preprocessed files",
        terms_of_use=_ACADEMIC.format("DEAP"),
        reader="deepvanet.datasets.deap.reader",
        check="deepvanet.datasets.deap.check:check_deap",
        writer="deepvanet.synthetic.deap:write_deap",
        unseen_traits=_NO_EYES,
        suffixes=(".dat",),
        writer_options=("n_with_video",),
    ),
    DataSet(
        name="deap-original",
        title="DEAP, its raw BDF files",
        terms_of_use=_ACADEMIC.format("DEAP"),
        reader="deepvanet.datasets.deap_original.reader",
        check="deepvanet.datasets.deap_original.check:check_deap_original",
        writer="deepvanet.synthetic.deap_original:write_deap_original",
        unseen_traits=_NO_EYES,
        suffixes=(".bdf",),
        writer_options=("n_with_video",),
    ),
    DataSet(
        name="mahnob",
        title="MAHNOB-HCI, its emotional clips",
        terms_of_use=_ACADEMIC.format("MAHNOB-HCI"),
        reader="deepvanet.datasets.mahnob.reader",
        check="deepvanet.datasets.mahnob.check:check_mahnob",
        writer="deepvanet.synthetic.mahnob:write_mahnob",
        unseen_traits=_NO_TRAPEZIUS,
        suffixes=(".bdf",),
    ),
    DataSet(
        name="amigos",
        title="AMIGOS, its 16 short videos",
        terms_of_use=_ACADEMIC.format("AMIGOS"),
        reader="deepvanet.datasets.amigos.reader",
        check="deepvanet.datasets.amigos.check:check_amigos",
        writer="deepvanet.synthetic.amigos:write_amigos",
        unseen_traits=(*_NO_EYES, *_NO_TRAPEZIUS, *_NO_BREATH),
        suffixes=(".mat",),
    ),
    DataSet(
        name="amigos-long",
        title="AMIGOS, its four long videos",
        terms_of_use=_ACADEMIC.format("AMIGOS"),
        reader="deepvanet.datasets.amigos_long.reader",
        check="deepvanet.datasets.amigos_long.check:check_amigos_long",
    ),
    DataSet(
        name="dreamer",
        title="DREAMER, its 18 video clips",
        terms_of_use=_ACADEMIC.format("DREAMER"),
        reader="deepvanet.datasets.dreamer.reader",
        check="deepvanet.datasets.dreamer.check:check_dreamer",
        writer="deepvanet.synthetic.dreamer:write_dreamer",
        unseen_traits=(
            *(*_NO_EYES, *_NO_TRAPEZIUS, *_NO_BREATH),
            *(*_NO_SKIN, *_NO_FACE),
        ),
        suffixes=(".mat",),
    ),
    DataSet(
        name="wesad",
        title="WESAD, its five conditions",
        terms_of_use=_OF_WESAD,
        reader="deepvanet.datasets.wesad.reader",
        check="deepvanet.datasets.wesad.check:check_wesad",
        writer="deepvanet.synthetic.wesad:write_wesad",
        unseen_traits=(*_NO_EYES, *_OF_BRAIN, *_NO_FACE, "zygomaticus"),
        suffixes=(".pkl",),
        most_trials=5,
    ),
    DataSet(
        name="case",
        title="CASE, its eight videos, rated in every moment",
        terms_of_use=_OF_CASE,
        reader="deepvanet.datasets.case.reader",
        check="deepvanet.datasets.case.check:check_case",
        writer="deepvanet.synthetic.case:write_case",
        unseen_traits=(*_NO_EYES, *_OF_BRAIN, *_NO_FACE),
        suffixes=(".csv", ".txt"),
        most_trials=8,
    ),
    DataSet(
        name="afew-va",
        title="AFEW-VA, clips of faces, for pretrain",
        terms_of_use=_ACADEMIC.format("AFEW-VA"),
        check="deepvanet.datasets.afew_va.check:check_afew_va",
        writer="deepvanet.synthetic.afew_va:write_clips",
        usual_seconds=2,
        writer_options=("nested",),
    ),
    DataSet(
        name="recordings",
        title="your own recordings, listed in a table",
        terms_of_use=_OF_PEOPLE,
        reader="deepvanet.datasets.recordings.reader",
        check="deepvanet.datasets.recordings.check:check_recordings",
        writer="deepvanet.synthetic.recordings:write_own",
        root="table in CSV",
    ),
    DataSet(
        name="bids",
        title="recordings in EEG-BIDS with rated events",
        terms_of_use=_OF_PEOPLE,
        reader="deepvanet.datasets.bids.reader",
        check="deepvanet.datasets.bids.check:check_bids",
    ),
)

DATASETS: Mapping[str, DataSet] = {record.name: record for record in _RECORDS}
"""The data sets that come with this package, by name."""


def list_names(part: str = "check") -> list[str]:
    """Return the names of all data sets that have a part; no plug-in is imported.

    Parameters
    ----------
    part : str
        ``reader``, ``check`` or ``writer``; a plug-in is taken to have each.

    Raises
    ------
    UserError
        When a plug-in has a name that is taken.
    """
    names = [name for name, record in DATASETS.items() if getattr(record, part)]
    points = find_plugins(PLUGINS)
    for name, point in points.items():
        if name in DATASETS:
            raise UserError(
                f"plug-in {name} of {name_package(point)}: the name is taken by a data "
                "set of deepvanet"
            )
    return [*names, *points]


def describe_lengths() -> str:
    """List how long trials of a synthetic copy are, where nothing else is said."""
    usual = DataSet.usual_seconds
    others = [
        f"for {name} {record.usual_seconds}"
        for name, record in DATASETS.items()
        if record.usual_seconds != usual
    ]
    return ", ".join([str(usual), *others])


def find_data_set(name: str, part: str = "check") -> DataSet:
    """Return the record of a data set that has a part.

    Raises
    ------
    UserError
        When there is none of that name, or its plug-in cannot be used.
    """
    pick("data set", name, list_names(part))
    if name in DATASETS:
        return DATASETS[name]
    point = find_plugins(PLUGINS)[name]
    record = load_plugin(point)
    if not isinstance(record, DataSet) or record.name != name:
        raise UserError(
            f"plug-in {name} of {name_package(point)}: must be a DataSet of that name, "
            f"got {record!r}"
        )
    return record


def find_terms(name: str) -> str:
    """Return on what terms recordings may be used, by what results call them.

    A name that is not that of a data set is one of a user's own recordings.
    """
    known = name in DATASETS or name in find_plugins(PLUGINS)
    return find_data_set(name if known else "recordings").terms_of_use


def list_all() -> list[DataSet]:
    """Return the records of all data sets, those of plug-ins first."""
    names = list_names()
    own = [name for name in names if name not in DATASETS]
    return [find_data_set(name) for name in (*own, *DATASETS)]


def list_channels(reader: Reader, root: Path) -> tuple[Channel, ...]:
    """Return the channels of a data set, those that any of its recordings may have."""
    if isinstance(reader, OpenReader):
        return reader.list_channels(root)
    return reader.CHANNELS


def describe_traces(reader: Reader, root: Path) -> TraceFormat | None:
    """Return how a data set's ratings that move with time are kept, if it has any."""
    return reader.describe_traces(root) if isinstance(reader, TraceReader) else None
