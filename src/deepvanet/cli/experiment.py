"""Commands about runs: evaluate, report, compare, audit, reproduce."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from deepvanet import config
from deepvanet.cli.options import (
    BESIDE_SETTINGS,
    JOBS,
    LAG,
    SEGMENT_S,
    Address,
    Baseline,
    BaselineOfRecipe,
    BatchSizeOfRecipe,
    Classes,
    ClassWeight,
    Context,
    Device,
    EpochsOfRecipe,
    Estimate,
    Executor,
    FaceWeights,
    FreezeFace,
    GpusPerTask,
    Grid,
    Jobs,
    LabelRuleOfRecipe,
    Lag,
    LearningRateOfRecipe,
    LongestLag,
    Loss,
    Normalise,
    OffsetsOfRecipe,
    PeopleTable,
    Precision,
    Recipe,
    ScaleOfRecipe,
    Seed,
    Segment,
    Size,
    Step,
    Steps,
    Store,
    Subjects,
    Targets,
    Task,
    Threads,
    join,
    make_execution,
    option,
    out_option,
    pick_streams,
    pick_targets,
    refuse_given,
    settings_option,
    split_grid,
    split_names,
    split_numbers,
)
from deepvanet.cli.showing import say
from deepvanet.files import check_file, check_written
from deepvanet.learners import LEARNERS, list_learners
from deepvanet.protocols import PROTOCOLS
from deepvanet.recipes import settle_recipe
from deepvanet.schema import STREAM_SETS, Stream, UserError


def _list_protocols(kind: str) -> str:
    return ", ".join(name for name, row in PROTOCOLS.items() if row.kind == kind)


def _name_learners() -> str:
    """List the learners that read signals, those of plug-ins among them."""
    named = [name for name, record in LEARNERS.items() if record.kind != "prior"]
    own = [name for name in named if ":" not in name]
    rules = [name.partition(":")[2] for name in named if ":" in name]
    own.append(f"decision-fusion:RULE, whose rule is one of {', '.join(rules)}")
    try:
        added = [name for name in list_learners() if name not in LEARNERS]
    except UserError:  # a command that needs the name says why it cannot be had
        added = []
    return ", ".join([*added, *own])


def evaluate(
    context: Context,
    store: Store,
    out: Annotated[Path, out_option("Folder of the run.")],
    protocol: Annotated[
        str,
        typer.Option(
            help=f"Any of {_list_protocols('published')} (these leak, and say so); "
            f"{_list_protocols('honest')}; and the controls of equal training size "
            f"{_list_protocols('control')}."
        ),
    ] = join(config.EvaluateSettings.protocols),
    target: Targets = join(config.EvaluateSettings.targets),
    task: Task = config.EvaluateSettings.task,
    classes: Classes = config.EvaluateSettings.classes,
    lag: Lag = LAG,
    longest_lag: LongestLag = config.EvaluateSettings.longest_lag,
    recipe: Recipe = config.EvaluateSettings.recipe,
    streams: Annotated[
        str,
        typer.Option(
            help=f"Any of {', '.join(STREAM_SETS)}; or any of {', '.join(Stream)}, "
            "joined by +; all: what the store holds."
        ),
    ] = join(config.EvaluateSettings.streams),
    learner: Annotated[
        str,
        typer.Option(
            help=f"Any of {_name_learners()}. network:16x64 and the like have feature "
            "vectors of other lengths, face x bio; FILE.py:CLASS is one of your "
            "own, whose file is run; the priors are always scored too."
        ),
    ] = join(config.EvaluateSettings.learners),
    segment: Segment = SEGMENT_S,
    step: Step = config.Segmenting.step_s,
    baseline: BaselineOfRecipe = config.Segmenting.baseline,
    scale: ScaleOfRecipe = None,
    label_rule: LabelRuleOfRecipe = None,
    class_weight: ClassWeight = None,
    normalise: Normalise = None,
    loss: Loss = config.NetworkSettings.loss,
    size: Size = config.NetworkSettings.size,
    offsets: OffsetsOfRecipe = None,
    folds: Annotated[
        int | None, option(config.EvaluateSettings, "folds")
    ] = config.EvaluateSettings.folds,
    epochs: EpochsOfRecipe = None,
    steps: Steps = config.NetworkSettings.steps,
    seed: Annotated[str, option(config.EvaluateSettings, "seeds")] = join(
        config.EvaluateSettings.seeds
    ),
    subjects: Subjects = "",
    batch_size: BatchSizeOfRecipe = None,
    learning_rate: LearningRateOfRecipe = None,
    face_weights: FaceWeights = None,
    freeze_face: FreezeFace = config.NetworkSettings.freeze_face,
    grid: Grid = "",
    permutations: Annotated[
        int, option(config.EvaluateSettings, "permutations")
    ] = config.EvaluateSettings.permutations,
    control: Annotated[
        config.Control, option(config.EvaluateSettings, "control")
    ] = config.EvaluateSettings.control,
    settings: Annotated[Path | None, settings_option("run")] = None,
    estimate: Estimate = False,
    threads: Threads = config.NetworkSettings.threads,
    precision: Precision = config.NetworkSettings.precision,
    device: Device = config.NetworkSettings.device,
    jobs: Jobs = JOBS,
    executor: Executor = config.Execution.executor,
    address: Address = config.Execution.address,
    gpus_per_task: GpusPerTask = config.Execution.gpus_per_task,
) -> None:
    """Train and test under protocols; say what training and test shared; resumes."""
    from deepvanet.evaluation import estimate_run, read_asked
    from deepvanet.evaluation import evaluate as run

    execution = make_execution(jobs, executor, address, gpus_per_task)
    if settings is not None:
        refuse_given(context, beside="--settings", kept=BESIDE_SETTINGS)
        asked, face_weights = read_asked(settings, store)
        if subjects:
            asked = replace(asked, subjects=split_names(subjects))
    else:
        given = {
            "baseline": baseline,
            "scale": scale,
            "label_rule": label_rule,
            "class_weight": class_weight,
            "normalise": normalise,
            "offsets": offsets,
            "epochs": epochs,
            "batch_size": batch_size,
            "learning_rate": learning_rate,
        }
        rule, values = settle_recipe(recipe, given)
        asked = config.EvaluateSettings(
            protocols=split_names(protocol),
            targets=pick_targets(target),
            task=task,
            classes=classes,
            lag=lag,
            longest_lag=longest_lag,
            streams=pick_streams(streams),
            learners=split_names(learner),
            label_rule=rule,
            segment=segment,
            step=step,
            baseline=values.pop("baseline"),
            folds=folds,
            seeds=split_numbers("seeds", seed),
            subjects=split_names(subjects),
            control=control,
            permutations=permutations,
            recipe=recipe,
            network=config.NetworkSettings(
                **values,
                steps=steps,
                loss=loss,
                size=size,
                threads=threads,
                precision=precision,
                device=device,
                freeze_face=freeze_face,
                **split_grid(grid),
            ),
        )
    if estimate or grid:
        say(estimate_run(store, asked).line(execution))
    if estimate:
        return
    made = run(
        store, out, settings=asked, execution=execution, face_weights=face_weights
    )
    check_written(out / "predictions.csv")
    for line in made.lines():
        say(line)


def report(
    runs: Annotated[list[Path], typer.Argument(help="Folders that `evaluate` wrote.")],
    out: Annotated[Path, out_option("Folder of the report.")],
    figure_width: Annotated[
        float | None, option(config.ReportSettings, "figure_width")
    ] = config.ReportSettings.figure_width,
    font_size: Annotated[
        float, option(config.ReportSettings, "font_size")
    ] = config.ReportSettings.font_size,
    group: Annotated[str, option(config.ReportSettings, "group")] = "",
    people: PeopleTable = None,
    predictions: Annotated[
        list[Path] | None,
        typer.Option(
            help="Predictions that were made elsewhere, of trials of the runs: a CSV "
            "file as `audit` reads it; repeatable. They are scored beside the priors.",
            show_default="none",
        ),
    ] = None,
) -> None:
    """Turn runs into scores, figures, tables and a page."""
    from deepvanet.reporting import write_report

    settings = config.ReportSettings(
        figure_width=figure_width, font_size=font_size, group=split_names(group)
    )
    page = write_report(
        runs,
        out,
        settings=settings,
        predictions=predictions or (),
        people=people,
        say=say,
    )
    check_written(page)
    say(f"report: {page}")


def compare(
    run: Annotated[Path, typer.Argument(help="Folder that `evaluate` wrote.")],
    a: Annotated[
        str,
        typer.Option(help="A protocol, stream set or learner, or several with commas."),
    ],
    b: Annotated[str, typer.Option(help="What it is compared with.")],
    metric: Annotated[
        config.Metric | None, option(config.CompareSettings, "metric")
    ] = config.CompareSettings.metric,
    level: Annotated[
        config.Level, option(config.CompareSettings, "level")
    ] = config.CompareSettings.level,
    unit: Annotated[
        config.Unit, option(config.CompareSettings, "unit")
    ] = config.CompareSettings.unit,
    out: Annotated[Path | None, out_option("Table to write.", shown="none")] = None,
    seed: Seed = config.CompareSettings.seed,
) -> None:
    """Test two learners, stream sets or protocols of a run against each other."""
    from deepvanet.comparison import compare as run_comparison

    settings = config.CompareSettings(metric=metric, level=level, unit=unit, seed=seed)
    made = run_comparison(run, a, b, settings=settings)
    if out is not None:
        check_file(out)
        made.write(out)
        check_written(out)
    for line in made.lines():
        say(line)


def audit(
    path: Annotated[
        Path,
        typer.Argument(help="A run, or the predictions of any study as a CSV file."),
    ],
    table: Annotated[
        Path | None,
        typer.Option(
            help="With predictions: all rows and the fold in which each tests.",
            show_default="none",
        ),
    ] = None,
    per_subject: Annotated[
        bool,
        typer.Option(
            "--per-subject", help="With predictions: a model was fitted for each."
        ),
    ] = False,
    store: Annotated[
        Path | None,
        typer.Option(
            help="With a run: fit it again on shuffled labels of this store.",
            show_default="none",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        out_option(
            "File for machines (JSON); the control goes beside it.", shown="none"
        ),
    ] = None,
    jobs: Jobs = JOBS,
) -> None:
    """Say what training and test shared, and how much of a score that explains."""
    from deepvanet.auditing import audit as run

    control = None
    if out is not None:
        check_file(out)
    if store is not None:
        from deepvanet.evaluation import refit_control

        beside = path if out is None else out.parent
        control = refit_control(
            path, store, beside / "control", execution=make_execution(jobs)
        )
    made = run(path, table=table, control=control, per_subject=per_subject or None)
    if out is not None:
        made.write(out)
        check_written(out)
    for line in made.lines():
        say(line)


def reproduce(
    part: Annotated[config.PaperPart, typer.Argument(help="What of the paper.")],
    out: Annotated[Path, out_option("Folder for runs, tables, figures, page.")],
    deap: Annotated[
        Path | None, typer.Option(help="Store of DEAP.", show_default="none")
    ] = None,
    mahnob: Annotated[
        Path | None, typer.Option(help="Store of MAHNOB-HCI.", show_default="none")
    ] = None,
    size: Annotated[
        config.SizeName, option(config.ReproduceSettings, "size")
    ] = config.ReproduceSettings.size,
    systems: Annotated[str, option(config.ReproduceSettings, "systems")] = join(
        config.ReproduceSettings.systems
    ),
    budget: Annotated[
        float | None, option(config.ReproduceSettings, "budget")
    ] = config.ReproduceSettings.budget,
    segment: Segment = SEGMENT_S,
    step: Step = config.ReproduceSettings.step,
    baseline: Baseline = config.ReproduceSettings.baseline,
    seed: Seed = config.ReproduceSettings.seed,
    face_weights: FaceWeights = None,
    estimate: Estimate = False,
    precision: Precision = config.ReproduceSettings.precision,
    device: Device = config.ReproduceSettings.device,
    jobs: Jobs = JOBS,
    executor: Executor = config.Execution.executor,
    address: Address = config.Execution.address,
    gpus_per_task: GpusPerTask = config.Execution.gpus_per_task,
) -> None:
    """Make the paper's tables and figures, published and honest; resumes."""
    from deepvanet.reproduction import reproduce as run

    settings = config.ReproduceSettings(
        part=part,
        size=size,
        systems=split_names(systems),
        budget=budget,
        segment=segment,
        step=step,
        baseline=baseline,
        seed=seed,
        precision=precision,
        device=device,
    )
    for line in run(
        out,
        stores={"deap": deap, "mahnob": mahnob},
        settings=settings,
        execution=make_execution(jobs, executor, address, gpus_per_task),
        face_weights=face_weights,
        only_estimate=estimate,
    ):
        if not estimate:
            check_written(out)
        say(line)
