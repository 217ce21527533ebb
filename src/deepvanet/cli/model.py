"""Commands about bundles: train, predict, explain, serve."""

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from inspect import Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deepvanet import config, files
from deepvanet.cli.options import (
    BESIDE_SETTINGS,
    JOBS,
    LAG,
    SEGMENT_S,
    Accept,
    Address,
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
)
from deepvanet.cli.showing import say
from deepvanet.optional_packages import tell_install
from deepvanet.recipes import settle_recipe
from deepvanet.schema import UserError

if TYPE_CHECKING:
    from deepvanet.inference import RecordingInput

Model = Annotated[Path, typer.Argument(help="Folder that `train` wrote.")]
Video = Annotated[
    str,
    typer.Option(
        help="Face video, and the second of the signals at which it starts.",
        metavar="FILE[@OFFSET]",
        show_default="none",
    ),
]
Bio = Annotated[
    str,
    typer.Option(
        help="Signals: DEAP's .dat, or BDF, EDF, FIF ...",
        metavar="FILE",
        show_default="none",
    ),
]
Inputs = Annotated[
    list[str] | None,
    typer.Option(
        "--input",
        help="Any file of the recording, and the second of the signals at which it "
        "starts; COLUMN as in a table of trials: bio, video, peripheral, peripheral_2 "
        "... --video and --bio are short forms. Repeatable.",
        metavar="COLUMN=FILE[@OFFSET]",
        show_default="none",
    ),
]
Features = Annotated[
    Path | None,
    typer.Option(
        help="Numbers of the frames of the face video that another program made, as "
        "OpenFace's or Py-feat's CSV; on the clock of the video."
    ),
]
Trial = Annotated[
    str, typer.Option(help="Which trial, where the signal file holds several.")
]
Trials = Annotated[
    Path | None,
    typer.Option(
        help="Table of trials, as `prepare recordings` takes it: scores these, each "
        "with its own baseline.",
        show_default="none: the whole recording",
    ),
]
VideoOffset = Annotated[
    float | None,
    typer.Option(
        help="Second of the signals at which the video starts.",
        show_default="0, or the stimulus of a data set's file",
    ),
]
BaselineStart = Annotated[
    float | None,
    typer.Option(
        min=0,
        help="Second at which the baseline starts.",
        show_default="0, or 3 s before the stimulus of a data set's file",
    ),
]
BaselineEnd = Annotated[
    float | None,
    typer.Option(
        min=0,
        help="Second at which the baseline ends.",
        show_default="3, or the stimulus of a data set's file",
    ),
]


def train(
    context: Context,
    store: Store,
    out: Annotated[Path, out_option("Folder of the bundle.")],
    streams: Annotated[str, option(config.TrainSettings, "streams")] = join(
        config.TrainSettings.streams
    ),
    learner: Annotated[
        str, option(config.TrainSettings, "learner")
    ] = config.TrainSettings.learner,
    target: Targets = join(config.TrainSettings.targets),
    task: Task = config.TrainSettings.task,
    classes: Classes = config.TrainSettings.classes,
    lag: Lag = LAG,
    longest_lag: LongestLag = config.TrainSettings.longest_lag,
    loss: Loss = config.NetworkSettings.loss,
    size: Size = config.NetworkSettings.size,
    recipe: Recipe = config.TrainSettings.recipe,
    segment: Segment = SEGMENT_S,
    step: Step = config.TrainSettings.step,
    baseline: BaselineOfRecipe = config.TrainSettings.baseline,
    scale: ScaleOfRecipe = None,
    label_rule: LabelRuleOfRecipe = None,
    class_weight: ClassWeight = None,
    normalise: Normalise = None,
    offsets: OffsetsOfRecipe = None,
    epochs: EpochsOfRecipe = None,
    steps: Steps = config.NetworkSettings.steps,
    batch_size: BatchSizeOfRecipe = None,
    learning_rate: LearningRateOfRecipe = None,
    seed: Seed = config.TrainSettings.seed,
    subjects: Subjects = "",
    cross_validate: Annotated[
        bool, option(config.TrainSettings, "cross_validate")
    ] = config.TrainSettings.cross_validate,
    folds: Annotated[
        int | None, option(config.TrainSettings, "folds")
    ] = config.TrainSettings.folds,
    grid: Grid = "",
    stream_dropout: Annotated[
        float, option(config.TrainSettings, "stream_dropout")
    ] = config.TrainSettings.stream_dropout,
    group: Annotated[str, option(config.ReportSettings, "group")] = "",
    people: PeopleTable = None,
    face_weights: FaceWeights = None,
    freeze_face: FreezeFace = config.NetworkSettings.freeze_face,
    settings: Annotated[Path | None, settings_option("bundle")] = None,
    estimate: Estimate = False,
    threads: Threads = config.NetworkSettings.threads,
    precision: Precision = config.NetworkSettings.precision,
    device: Device = config.NetworkSettings.device,
    jobs: Jobs = JOBS,
    executor: Executor = config.Execution.executor,
    address: Address = config.Execution.address,
    gpus_per_task: GpusPerTask = config.Execution.gpus_per_task,
) -> None:
    """Fit learners on all rows of a store and keep them as a bundle; resumes."""
    from deepvanet.bundle import estimate_bundle, read_asked, train_bundle
    from deepvanet.bundle.loading import name_folder

    execution = make_execution(jobs, executor, address, gpus_per_task)
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
    if settings is not None:
        refuse_given(context, beside="--settings", kept=BESIDE_SETTINGS)
        asked, face_weights = read_asked(settings, store)
        if subjects:
            asked = replace(asked, subjects=split_names(subjects))
    else:
        asked = config.TrainSettings(
            targets=pick_targets(target),
            task=task,
            classes=classes,
            lag=lag,
            longest_lag=longest_lag,
            streams=pick_streams(streams),
            learner=learner,
            label_rule=rule,
            recipe=recipe,
            segment=segment,
            step=step,
            baseline=values.pop("baseline"),
            seed=seed,
            subjects=split_names(subjects),
            cross_validate=cross_validate,
            folds=folds,
            stream_dropout=stream_dropout,
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
    if estimate:
        say(estimate_bundle(store, asked, face_weights).line(execution))
        return
    bundle = train_bundle(
        store,
        out,
        settings=asked,
        execution=execution,
        face_weights=face_weights,
        group=split_names(group),
        people=people,
    )
    files.check_written(
        out / "bundle.json", *(name_folder(out, *key) for key in bundle.networks)
    )
    for line in bundle.lines():
        say(line)


def recording_input(
    video: Video = "",
    bio: Bio = "",
    features: Features = None,
    inputs: Inputs = None,
    trial: Trial = "",
    trials: Trials = None,
    video_offset: VideoOffset = None,
    baseline_start: BaselineStart = None,
    baseline_end: BaselineEnd = None,
    accept: Accept = "",
) -> "RecordingInput":
    """Return a recording as the options of a command describe it.

    Parameters
    ----------
    video, bio : str
        Face video and file of signals, each with ``@`` and its offset where it has one.
    features : Path, optional
        Numbers of the video's frames.
    inputs : list of str, optional
        Files, as ``COLUMN=FILE[@OFFSET]``.
    trial : str
        Which trial of a signal file that holds several; empty is not given.
    trials : Path, optional
        Table of trials to score, in place of the whole recording.
    video_offset : float, optional
        Second of the signals at which the video starts.
    baseline_start, baseline_end : float, optional
        Seconds of the signals at which the baseline starts and ends.
    accept : str
        Codes of errors whose assumption is taken, with commas.

    Returns
    -------
    RecordingInput
        The same, not yet checked.
    """
    from deepvanet.datasets.recordings.input_files import (
        InputFile,
        read_file,
        read_input,
    )
    from deepvanet.inference import RecordingInput, gather_files

    named = [
        read_file(column, text, column)
        for column, text in (("video", video), ("bio", bio))
        if text
    ]
    if features is not None:
        named.append(InputFile("face_features", str(features)))
    files = (*named, *map(read_input, inputs or ()))
    return RecordingInput(
        **gather_files(files, video_offset_s=video_offset),
        trial=trial or None,
        trials=trials,
        baseline_s=(baseline_start, baseline_end),
        accept=split_names(accept),
    )


def takes_recording(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of ``recording_input`` in place of ``recording``."""
    options = signature(recording_input).parameters

    @wraps(command)
    def run(**values: Any) -> None:
        recording = recording_input(**{name: values.pop(name) for name in options})
        command(**values, recording=recording)

    own = [p for n, p in signature(command).parameters.items() if n != "recording"]
    shown = sorted([*own, *options.values()], key=lambda p: p.default is not p.empty)
    run.__signature__ = Signature(shown)  # type: ignore[attr-defined]
    run.__annotations__ = {option.name: option.annotation for option in shown}
    return run


@takes_recording
def predict(
    model: Model,
    out: Annotated[
        Path, out_option("Table to write, one row a second; of --folder a folder.")
    ],
    recording: "RecordingInput",
    folder: Annotated[
        Path | None,
        typer.Option(
            help="Predict every recording of a folder: files of one name are one, as "
            "s01.mp4, s01.bdf and s01.peripheral.csv.",
            show_default="none",
        ),
    ] = None,
    anonymise: Annotated[
        Path | None,
        typer.Option(
            help="Also write the video with all faces blurred, without sound, as .mp4, "
            ".mov or .mkv. The original stays as it is.",
            show_default="none",
        ),
    ] = None,
) -> None:
    """Write what a bundle predicts, as valence, for each second of a recording.

    \f

    Raises
    ------
    UserError
        When the recording does not fit the bundle, or some of a folder do not.
    """  # noqa: D301 (help ends at it)
    from deepvanet.inference import predict as run

    if anonymise is not None:
        from deepvanet.inference.anonymising import anonymise_video, check_anonymised

        if folder is not None or recording.video is None:
            what = "one recording, not of a folder" if folder else "a recording"
            raise UserError(f"needs the --video of {what}", field="anonymise")
        beside = (*recording.files, recording.trials, out)
        check_anonymised(anonymise, others=beside)
    if folder is not None:
        from deepvanet.inference.folders import SUMMARY, predict_folder

        made = predict_folder(model, folder, out, recording)
        files.check_written(out / SUMMARY)
        for line in made.lines():
            say(line)
        if made.failed:
            first = made.summary[made.summary["error"] != ""].iloc[0]
            raise UserError(
                f"{len(made.failed)} of {len(made.summary)} recordings could not be "
                f"predicted ({out / SUMMARY} says why): {first['recording']}: "
                f"{first['error']}"
            )
        return
    files.check_file(out)
    timeline = run(model, recording)
    written = timeline.write(out)
    files.check_written(*written)
    for line in timeline.lines():
        say(line)
    say(f"timeline: {', '.join(map(str, written))}")
    if anonymise is not None and recording.video is not None:
        video = anonymise_video(recording.video, anonymise, shows_progress=True)
        files.check_written(anonymise)
        for line in video.lines():
            say(line)


@takes_recording
def explain(
    model: Model,
    out: Annotated[Path, out_option("Folder of tables and figures.")],
    recording: "RecordingInput",
) -> None:
    """Say which streams, channels and parts of the face carried a prediction."""
    from deepvanet.explanation import explain as run

    explanation = run(model, recording, out)
    files.check_written(out)
    for line in explanation.lines():
        say(line)
    say(f"explanation: {out}")


def serve(
    model: Annotated[Path, typer.Argument(help="Folder that `train` wrote.")],
    port: Annotated[
        int,
        typer.Option(
            min=0, max=65535, help="Where the page answers; 0 is any that is free."
        ),
    ] = 8765,
) -> None:
    """Show predictions for recordings in a page in the browser, on this machine.

    Who is recorded must know it and have agreed: docs/responsible-use.md.

    \f

    Raises
    ------
    UserError
        When a package that the page needs is not installed.
    """  # noqa: D301 (help ends at it)
    try:
        from deepvanet.app.server import serve as run
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "deepvanet":
            raise
        raise UserError(
            f"serve: {error.name} is missing: {tell_install('starlette')}"
        ) from None

    run(model, port=port, say=say)
