"""Commands about bundles: train, predict, explain, serve."""

from collections.abc import Callable
from functools import wraps
from inspect import Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deepvanet import config, files
from deepvanet.cli.options import (
    JOBS,
    LAG,
    SEGMENT_S,
    Accept,
    BaselineOfRecipe,
    Classes,
    ClassWeight,
    Device,
    EpochsOfRecipe,
    FaceWeights,
    FreezeFace,
    Jobs,
    LabelRuleOfRecipe,
    Lag,
    LongestLag,
    Loss,
    OffsetsOfRecipe,
    Precision,
    Recipe,
    ScaleOfRecipe,
    Seed,
    Segment,
    Size,
    Step,
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
    split_names,
)
from deepvanet.cli.showing import say
from deepvanet.optional_packages import tell_install
from deepvanet.recipes import settle_recipe
from deepvanet.schema import UserError

if TYPE_CHECKING:
    from deepvanet.inference import RecordingInput

Model = Annotated[Path, typer.Argument(help="Folder that `train` wrote.")]
Video = Annotated[Path | None, typer.Option(help="Face video.")]
Bio = Annotated[
    Path | None, typer.Option(help="Signals: DEAP's .dat, or BDF, EDF, FIF ...")
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
    offsets: OffsetsOfRecipe = None,
    epochs: EpochsOfRecipe = None,
    seed: Seed = config.TrainSettings.seed,
    subjects: Subjects = "",
    cross_validate: Annotated[
        bool, option(config.TrainSettings, "cross_validate")
    ] = config.TrainSettings.cross_validate,
    stream_dropout: Annotated[
        float, option(config.TrainSettings, "stream_dropout")
    ] = config.TrainSettings.stream_dropout,
    face_weights: FaceWeights = None,
    freeze_face: FreezeFace = config.NetworkSettings.freeze_face,
    threads: Threads = config.NetworkSettings.threads,
    precision: Precision = config.NetworkSettings.precision,
    device: Device = config.NetworkSettings.device,
    jobs: Jobs = JOBS,
) -> None:
    """Fit learners on all rows of a store and keep them as a bundle; resumes."""
    from deepvanet.bundle import train_bundle
    from deepvanet.bundle.loading import name_folder

    given = {
        "baseline": baseline,
        "scale": scale,
        "label_rule": label_rule,
        "class_weight": class_weight,
        "offsets": offsets,
        "epochs": epochs,
    }
    rule, values = settle_recipe(recipe, given)
    settings = config.TrainSettings(
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
        stream_dropout=stream_dropout,
        network=config.NetworkSettings(
            **values,
            loss=loss,
            size=size,
            threads=threads,
            precision=precision,
            device=device,
            freeze_face=freeze_face,
        ),
    )
    bundle = train_bundle(
        store,
        out,
        settings=settings,
        execution=make_execution(jobs),
        face_weights=face_weights,
    )
    files.check_written(
        out / "bundle.json", *(name_folder(out, *key) for key in bundle.networks)
    )
    for line in bundle.lines():
        say(line)


def recording_input(
    video: Video = None,
    bio: Bio = None,
    features: Features = None,
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
    video, bio, features : Path, optional
        Face video, file of signals, and numbers of the video's frames.
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
    from deepvanet.inference import RecordingInput

    return RecordingInput(
        video=video,
        bio=bio,
        features=features,
        trial=trial or None,
        trials=trials,
        video_offset_s=video_offset,
        baseline_s=(baseline_start, baseline_end),
        accept=split_names(accept),
    )


def takes_recording(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of ``recording_input``, as its last argument."""
    options = signature(recording_input).parameters

    @wraps(command)
    def run(**values: Any) -> None:
        recording = recording_input(**{name: values.pop(name) for name in options})
        command(**values, recording=recording)

    own = list(signature(command).parameters.values())[:-1]
    shown = [*own, *options.values()]
    run.__signature__ = Signature(shown)  # type: ignore[attr-defined]
    run.__annotations__ = {option.name: option.annotation for option in shown}
    return run


@takes_recording
def predict(
    model: Model,
    out: Annotated[Path, out_option("Table to write, one row a second.")],
    recording: "RecordingInput",
) -> None:
    """Write what a bundle predicts, as valence, for each second of a recording."""
    from deepvanet.inference import predict as run

    files.check_file(out)
    timeline = run(model, recording)
    written = timeline.write(out)
    files.check_written(*written)
    for line in timeline.lines():
        say(line)
    say(f"timeline: {', '.join(map(str, written))}")


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
