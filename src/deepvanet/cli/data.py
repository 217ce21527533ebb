"""Commands about recordings: write, check, prepare them; pretrain on faces."""

import sys
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deepvanet import config, files
from deepvanet.cli.options import (
    JOBS,
    Accept,
    Address,
    CheckedDataSet,
    Epochs,
    Exclude,
    Executor,
    GpusPerTask,
    Jobs,
    PreparedDataSet,
    RemovedBaseline,
    RemovedFrom,
    Root,
    Seed,
    Threads,
    WrittenDataSet,
    WrittenRoot,
    make_execution,
    option,
    out_option,
    split_names,
)
from deepvanet.cli.showing import say
from deepvanet.datasets import describe_lengths
from deepvanet.files import check_written
from deepvanet.schema import UserError, make_printable

if TYPE_CHECKING:
    from deepvanet.datasets import CheckResult


def demo(
    out: Annotated[Path, out_option("Folder for everything it makes.")] = Path("demo"),
    jobs: Jobs = JOBS,
) -> None:
    """Run the whole pipeline on a small synthetic data set, and write a report."""
    from deepvanet.demo import run_demo

    for line in run_demo(out, execution=make_execution(jobs)):
        check_written(out)
        say(line)


def synth(
    dataset: WrittenDataSet,
    root: WrittenRoot,
    subjects: Annotated[
        int, option(config.SynthSettings, "n_subjects")
    ] = config.SynthSettings.n_subjects,
    trials: Annotated[
        int, option(config.SynthSettings, "n_trials")
    ] = config.SynthSettings.n_trials,
    seconds: Annotated[
        int | None,
        option(config.SynthSettings, "seconds", shown=describe_lengths()),
    ] = config.SynthSettings.seconds,
    effect: Annotated[
        float, option(config.SynthSettings, "effect")
    ] = config.SynthSettings.effect,
    stimulus_effect: Annotated[
        float, option(config.SynthSettings, "stimulus_effect")
    ] = config.SynthSettings.stimulus_effect,
    subject_effect: Annotated[
        float, option(config.SynthSettings, "subject_effect")
    ] = config.SynthSettings.subject_effect,
    original: Annotated[bool, typer.Option("--original", hidden=True)] = False,
    filmed: Annotated[str, typer.Option("--filmed", hidden=True)] = "",
    with_video: Annotated[
        int | None, option(config.SynthSettings, "n_with_video")
    ] = config.SynthSettings.n_with_video,
    nested: Annotated[
        bool, option(config.SynthSettings, "nested")
    ] = config.SynthSettings.nested,
    seed: Seed = config.SynthSettings.seed,
    jobs: Jobs = JOBS,
) -> None:
    """Write synthetic recordings in a data set's own format.

    \f

    Raises
    ------
    UserError
        When ``--original`` or ``--filmed`` is given, which were removed.
    """  # noqa: D301 (help ends at it)
    from deepvanet.synthetic import Knobs, write_data_set

    if original:
        raise UserError(f"--original: was removed, say synth deap-original {root}")
    if filmed:
        raise UserError(f"--filmed: was removed, say --with-video {filmed}")
    written = write_data_set(
        dataset,
        root,
        n_subjects=subjects,
        n_trials=trials,
        seconds=seconds,
        knobs=Knobs(
            effect=effect,
            stimulus_effect=stimulus_effect,
            subject_effect=subject_effect,
        ),
        nested=nested,
        n_with_video=with_video,
        seed=seed,
        execution=make_execution(jobs),
    )
    check_written(root)
    say(f"{root}: {written}")


def check(
    dataset: CheckedDataSet,
    root: Root,
    source: RemovedFrom = "",
    json: Annotated[
        Path | None,
        typer.Option(help="File to write findings and tables to, as JSON."),
    ] = None,
    select: Annotated[
        str,
        typer.Option(
            help="Findings to show: codes or families, as T,C05.",
            metavar="CODES",
            show_default="all",
        ),
    ] = "",
    ignore: Annotated[
        str,
        typer.Option(
            help="Findings not to show.", metavar="CODES", show_default="none"
        ),
    ] = "",
    faces: Annotated[
        bool, typer.Option("--faces", help="Find the faces of every frame.")
    ] = False,
    exclude: Exclude = "",
    jobs: Jobs = 1,
) -> None:
    """Say what is there, what is missing, and what looks wrong.

    \f

    Parameters
    ----------
    dataset : str
        Name of a data set that has a check.
    root : Path
        Folder of the data set, or a table of recordings.
    source : str
        Of the option ``--from``, which was removed.
    json : Path, optional
        File to write all that is shown to.
    select, ignore : str
        Codes or families of findings, with commas.
    faces : bool
        Whether every frame of the videos is looked at.
    exclude : str
        Subjects to leave out, with commas.
    jobs : int
        Processes side by side.

    Raises
    ------
    UserError
        When ``prepare`` or ``pretrain`` would refuse the data set, or ``--from`` is
        given.
    """  # noqa: D301 (help ends at it)
    from deepvanet.datasets import find_data_set
    from deepvanet.findings import check_codes, describe_errors
    from deepvanet.preparation.checking import check_data_set

    _refuse_from("check", dataset, root, source)
    record = find_data_set(dataset)
    selected = check_codes(split_names(select), field="select")
    ignored = check_codes(split_names(ignore), field="ignore")
    if json is not None:
        files.check_file(json)
    result = check_data_set(
        dataset,
        root,
        exclude=split_names(exclude),
        execution=make_execution(jobs),
        faces=faces,
    ).choose(select=selected, ignore=ignored)
    if json is not None:
        files.write_text(json, dumps(result.to_json(), indent=1) + "\n")
    say(f"{record.title}. {record.terms_of_use}")
    _show_result(result)
    if result.errors:
        verb = "prepare" if record.reader else "pretrain"
        raise UserError(f"{verb} would refuse: {describe_errors(result.errors)}")


def prepare(
    dataset: PreparedDataSet,
    root: Root,
    out: Annotated[Path, out_option("Folder of the store.")],
    source: RemovedFrom = "",
    baseline: RemovedBaseline = "",
    artefacts: Annotated[
        config.Artefacts | None, option(config.PrepareSettings, "artefacts")
    ] = None,
    artefact_probability: Annotated[
        float, option(config.PrepareSettings, "artefact_probability")
    ] = config.PrepareSettings.artefact_probability,
    face: Annotated[
        str, option(config.PrepareSettings, "face")
    ] = config.PrepareSettings.face,
    face_fps: Annotated[
        float, option(config.PrepareSettings, "face_fps")
    ] = config.PrepareSettings.face_fps,
    peripheral_rate: Annotated[
        float | None, option(config.PrepareSettings, "peripheral_rate")
    ] = config.PrepareSettings.peripheral_rate,
    most_missing: Annotated[
        float, option(config.PrepareSettings, "most_missing")
    ] = config.PrepareSettings.most_missing,
    least_channels: Annotated[
        float, option(config.PrepareSettings, "least_channels")
    ] = config.PrepareSettings.least_channels,
    exclude: Exclude = "",
    accept: Accept = "",
    seed: Seed = config.PrepareSettings.seed,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Only say what it takes: hours, disk.")
    ] = False,
    jobs: Jobs = JOBS,
    executor: Executor = config.Execution.executor,
    address: Address = config.Execution.address,
    gpus_per_task: GpusPerTask = config.Execution.gpus_per_task,
) -> None:
    """Turn recordings into a store of trials; resumes.

    \f

    Parameters
    ----------
    dataset : str
        Name of a data set that has a reader.
    root, out : Path
        Folder of the data set, or a table of recordings, and the store.
    source, baseline : str
        Of the options ``--from`` and ``--baseline``, which were removed.
    artefacts : str, optional
        How raw EEG is cleaned; by default as suits the data set.
    artefact_probability : float
        Above which a component is removed.
    face : str
        Face backend.
    face_fps : float
        Face images a second.
    peripheral_rate : float, optional
        Samples a second that are kept of peripheral signals.
    most_missing, least_channels : float
        When a channel is missing in a segment, and when a segment has a stream.
    exclude, accept : str
        Subjects to leave out, and codes of errors that are accepted, with commas.
    seed : int
        Of the ICA.
    estimate : bool
        Whether only what it takes is said.
    jobs : int
        Processes side by side.
    executor : str
        ``local`` or ``ray``.
    address : str
        Head of the Ray cluster.
    gpus_per_task : float
        Share of a GPU that Ray keeps for a task.

    Raises
    ------
    UserError
        When the data set has errors that are not accepted, the store was made
        otherwise, or a removed option is given.
    """  # noqa: D301 (help ends at it)
    from deepvanet.preparation import estimate_preparation, suggest_artefacts
    from deepvanet.preparation import prepare as run

    _refuse_from("prepare", dataset, root, source)
    if baseline:
        raise UserError(
            f"--baseline {baseline}: was removed, since a store keeps the baseline of "
            f"each trial; say evaluate {out} --baseline {baseline}"
        )
    settings = config.PrepareSettings(
        artefacts=suggest_artefacts(dataset) if artefacts is None else artefacts,
        artefact_probability=artefact_probability,
        seed=seed,
        face=face,
        face_fps=face_fps,
        peripheral_rate=peripheral_rate,
        most_missing=most_missing,
        least_channels=least_channels,
    )
    execution = make_execution(jobs, executor, address, gpus_per_task)
    if estimate:
        found = estimate_preparation(
            dataset, root, out, settings=settings, exclude=split_names(exclude)
        )
        say(found.line(execution))
        return
    made = run(
        dataset,
        root,
        out,
        settings=settings,
        execution=execution,
        exclude=split_names(exclude),
        accept=split_names(accept),
    )
    check_written(out / "manifest.json")
    for line in made.lines():
        say(line)


def pretrain(
    root: Annotated[Path, typer.Argument(help="Folder of AFEW-VA.")],
    out: Annotated[Path, out_option("File of weights, for --face-weights.")],
    epochs: Epochs = config.PretrainSettings.epochs,
    batch_size: Annotated[
        int, option(config.PretrainSettings, "batch_size")
    ] = config.PretrainSettings.batch_size,
    learning_rate: Annotated[
        float, option(config.PretrainSettings, "learning_rate")
    ] = config.PretrainSettings.learning_rate,
    validation: Annotated[
        float, option(config.PretrainSettings, "validation")
    ] = config.PretrainSettings.validation,
    test: Annotated[
        float, option(config.PretrainSettings, "test")
    ] = config.PretrainSettings.test,
    scale: Annotated[
        config.Scale, option(config.PretrainSettings, "scale")
    ] = config.PretrainSettings.scale,
    aspect: Annotated[
        float, option(config.PretrainSettings, "aspect")
    ] = config.PretrainSettings.aspect,
    seed: Seed = config.PretrainSettings.seed,
    threads: Threads = config.PretrainSettings.threads,
    jobs: Jobs = JOBS,
) -> None:
    """Train the face network's trunk on AFEW-VA, actors apart; say how good it is."""
    from deepvanet.pretraining import pretrain as run

    settings = config.PretrainSettings(
        scale=scale,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        validation=validation,
        test=test,
        aspect=aspect,
        seed=seed,
        threads=threads,
    )
    made = run(root, out, settings=settings, execution=make_execution(jobs))
    check_written(out)
    for line in made.lines():
        say(line)


def _show_result(result: "CheckResult") -> None:
    """Print what was found as tables, then what needs attention."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from deepvanet.datasets.findings import MOST_ROWS
    from deepvanet.findings import list_cures, list_lines

    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    for found in result.tables:
        table = Table(title=found.title, title_justify="left")
        for column in found.columns:
            table.add_column(column, overflow="fold")
        rows = found.folded or found.rows
        for row in rows[:MOST_ROWS]:
            table.add_row(*(Text(make_printable(str(cell))) for cell in row))
        console.print(table)
        if len(rows) > MOST_ROWS:
            say(f"and {len(rows) - MOST_ROWS} more rows, which --json FILE has")
    for line in list_lines(result.findings):
        console.print(make_printable(line), markup=False, soft_wrap=True)
    if result.findings:
        say("what to do (docs/findings.md has more):")
    for line in list_cures(result.findings):
        say(f"  {line}")


def _refuse_from(command: str, dataset: str, root: Path, source: str) -> None:
    """Name what took the place of an option that was removed."""
    if source:
        name = "deap-original" if source == "original" else dataset
        raise UserError(f"--from {source}: was removed, say {command} {name} {root}")
