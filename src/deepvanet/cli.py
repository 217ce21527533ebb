"""Command line: read arguments, call one function, say what came of it.

A command loads only what it uses, so imports stand inside the commands.
"""

import logging
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypedDict

import typer

from deepvanet import config, files
from deepvanet.recipes import read_recipe
from deepvanet.schema import (
    BIO,
    STREAM_SETS,
    Stream,
    Target,
    TaskError,
    UserError,
    pick,
)

if TYPE_CHECKING:
    from deepvanet.inspection import Inspection
    from deepvanet.prepare import Prepared

JOBS = config.suggest_jobs()
_USAGE_ERROR: Any = typer.BadParameter.__mro__[1]
"""What is raised for wrong arguments; typer has moved it from module to module."""

app = typer.Typer(
    help="Valence and arousal from a face video together with EEG and peripheral "
    "signals, with scores that can be believed.",
    add_completion=False,
    pretty_exceptions_enable=False,
)

Jobs = Annotated[
    int,
    typer.Option(
        min=1, help="Processes side by side. Results do not depend on it.", metavar="N"
    ),
]
Executor = Annotated[
    str,
    typer.Option(help="local: processes of this machine; ray: also of other machines."),
]
Address = Annotated[
    str,
    typer.Option(
        metavar="HOST:PORT",
        help="Head of the Ray cluster.",
        show_default="--jobs processes here",
    ),
]
GpusPerTask = Annotated[
    float, typer.Option(min=0, help="Share of a GPU that Ray keeps for a task.")
]
Seed = Annotated[int, typer.Option(min=0, help="Draws everything that is drawn.")]
Layout = Annotated[
    str,
    typer.Argument(
        help="How the data set lies on disk: deap, mahnob, amigos, amigos-long (its "
        "four long videos), recordings or bids."
    ),
]
AnyLayout = Annotated[
    str,
    typer.Argument(
        help="How the data set lies on disk: deap, mahnob, amigos, afew-va or "
        "recordings; check also knows amigos-long and bids."
    ),
]
Source = Annotated[
    str,
    typer.Option(
        "--from",
        help="Which files of DEAP: preprocessed, or original, its raw BDF.",
        show_default="preprocessed",
    ),
]
Exclude = Annotated[
    str, typer.Option(help="Without these subjects, as 9,12.", show_default="none")
]
Root = Annotated[
    Path,
    typer.Argument(help="Folder of the data set, or the table of one's recordings."),
]
Store = Annotated[Path, typer.Argument(help="Folder that `prepare` wrote.")]
Epochs = Annotated[int, typer.Option(min=1, help="Passes of training.")]
Targets = Annotated[str, typer.Option("--target", help="valence, arousal or both.")]
Scale = Annotated[
    str,
    typer.Option(
        help="train: each channel by median and interquartile range of the training "
        "rows, faces by their mean image; none: the published recipe."
    ),
]
LabelRule = Annotated[
    str,
    typer.Option(
        help="Which ratings are high: >=5, >5, <4,>6 (what lies between is left "
        "out), or median (the subject's own, over its training trials)."
    ),
]
_OF_RECIPE = "of the recipe"
ScaleOfRecipe = Annotated[
    str | None,
    typer.Option(
        help="train: each channel by median and interquartile range of the training "
        "rows, faces by their mean image; none: numbers as they are.",
        show_default=_OF_RECIPE,
    ),
]
LabelRuleOfRecipe = Annotated[
    str | None,
    typer.Option(
        help="Which ratings are high: >=5, >5, <4,>6 (what lies between is left "
        "out), or median (the subject's own, over its training trials).",
        show_default=_OF_RECIPE,
    ),
]
ClassWeight = Annotated[
    str | None,
    typer.Option(
        help="balanced: both classes count alike in training, by trials; none.",
        show_default=_OF_RECIPE,
    ),
]
Normalise = Annotated[
    str | None,
    typer.Option(
        help="subject: features relative to the subject's own rows, without labels; "
        "none.",
        show_default=_OF_RECIPE,
    ),
]
EpochsOfRecipe = Annotated[
    int | None,
    typer.Option(min=1, help="Passes of training.", show_default=_OF_RECIPE),
]
Steps = Annotated[
    int,
    typer.Option(
        min=0,
        help="Optimiser steps of a fit, in place of --epochs.",
        show_default="0: --epochs decides",
    ),
]
BatchSizeOfRecipe = Annotated[int | None, typer.Option(min=2, show_default=_OF_RECIPE)]
LearningRateOfRecipe = Annotated[
    float | None, typer.Option(min=0, show_default=_OF_RECIPE)
]
Subjects = Annotated[
    str, typer.Option(help="Only these subjects, as 1,2,5.", show_default="all")
]
FaceWeights = Annotated[
    Path | None,
    typer.Option(
        help="File that the face trunk starts from, by `pretrain` or a PyTorch state "
        "dict of others.",
        show_default="drawn at random",
    ),
]
FreezeFace = Annotated[
    bool, typer.Option("--freeze-face", help="Keep those weights as they are.")
]
Threads = Annotated[
    int, typer.Option(min=1, help="Threads of one fit. Numbers change with it.")
]
Precision = Annotated[
    str,
    typer.Option(
        help="Of the face's convolutions: float32, the same numbers on every machine; "
        "bfloat16; auto is bfloat16 where the processor multiplies it natively."
    ),
]
Device = Annotated[str, typer.Option(help="Where networks are trained: cpu or cuda.")]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status, 2 for what the user can put right."""
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING)
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        status = app(given or ["--help"], prog_name="deepvanet", standalone_mode=False)
    except UserError as error:
        return _refuse(str(error))
    except TaskError as error:
        print(f"deepvanet: {error}", file=sys.stderr)
        return 1
    except _USAGE_ERROR as error:
        return _refuse(error.format_message())
    except OSError as error:
        sentence = files.explain_os_error(error)
        if sentence is None:
            raise
        return _refuse(sentence)
    return status if isinstance(status, int) else 0


def _refuse(sentence: str) -> int:
    print(f"deepvanet: {sentence}", file=sys.stderr)
    return 2


@app.command(
    epilog="Example: deepvanet demo --out demo",
)
def demo(
    out: Annotated[Path, typer.Option(help="Folder for everything it makes.")] = Path(
        "demo"
    ),
    jobs: Jobs = JOBS,
) -> None:
    """Go the whole way on a small synthetic data set; say where the report is."""
    from deepvanet.demo import run_demo

    for line in run_demo(out, execution=_execute(jobs)):
        print(line, flush=True)


@app.command(
    epilog="Example: deepvanet synth deap DEAP --subjects 4 --trials 8 --seconds 5",
)
def synth(
    layout: AnyLayout,
    root: Root,
    subjects: Annotated[
        int, typer.Option(help="Subjects, or the actors of afew-va.")
    ] = 4,
    trials: Annotated[
        int, typer.Option(help="Trials of each subject, or clips of each actor.")
    ] = 8,
    seconds: Annotated[
        int | None,
        typer.Option(
            help="Length of a trial or clip; the median where lengths differ.",
            show_default="60, for afew-va 2",
        ),
    ] = None,
    effect: Annotated[
        float,
        typer.Option(
            min=0,
            help="How strongly a subject's own rating shows in signals and face.",
        ),
    ] = 1.0,
    stimulus_effect: Annotated[
        float,
        typer.Option(
            min=0,
            help="How much all subjects agree on a clip, and how much the clip shows.",
        ),
    ] = 0.5,
    subject_effect: Annotated[
        float, typer.Option(min=0, help="How much some subjects rate higher.")
    ] = 0.3,
    original: Annotated[
        bool, typer.Option("--original", help="DEAP's raw BDF files.")
    ] = False,
    filmed: Annotated[
        int | None,
        typer.Option(
            help="Subjects of DEAP who have videos.", show_default="22, the first"
        ),
    ] = None,
    nested: Annotated[
        bool, typer.Option("--nested", help="AFEW-VA's clips in a folder for each zip.")
    ] = False,
    seed: Seed = 0,
    jobs: Jobs = JOBS,
) -> None:
    """Write synthetic recordings in a data set's own format."""
    from deepvanet.datasets import synthetic

    written = synthetic.write(
        _name_layout(layout, "original" if original else ""),
        root,
        n_subjects=subjects,
        n_trials=trials,
        seconds=seconds,
        knobs=synthetic.Knobs(
            effect=effect,
            stimulus_effect=stimulus_effect,
            subject_effect=subject_effect,
        ),
        nested=nested,
        n_filmed=filmed,
        seed=seed,
        execution=_execute(jobs),
    )
    print(f"{root}: {written}")


@app.command(epilog="Example: deepvanet check mahnob MAHNOB --exclude 9")
def check(
    layout: AnyLayout,
    root: Root,
    source: Source = "",
    exclude: Exclude = "",
    jobs: Jobs = 1,
) -> None:
    """Say what is there, what is missing, and what looks wrong."""
    from deepvanet.inspection import inspect

    inspection = inspect(
        _name_layout(layout, source),
        root,
        exclude=_split(exclude),
        execution=_execute(jobs),
    )
    _show_inspection(inspection)
    if inspection.refused:
        verb = "pretrain" if layout == "afew-va" else "prepare"
        raise UserError(f"{verb} would refuse: {inspection.findings[0].text}")


@app.command(
    epilog="Example: deepvanet prepare deap DEAP --out store --baseline mean",
)
def prepare(
    layout: Layout,
    root: Root,
    out: Annotated[Path, typer.Option(help="Folder of the store.")],
    baseline: Annotated[
        str,
        typer.Option(
            help="What is subtracted from a trial: the mean of its rest, that rest's "
            "mean one-second waveform (as published: it marks the trial), or none."
        ),
    ] = "mean",
    source: Source = "",
    artefacts: Annotated[
        str | None,
        typer.Option(
            help="How raw EEG is cleaned: icalabel takes out components of eye, "
            "muscle, heart, line and channel noise; none filters only.",
            show_default="icalabel for raw recordings, else none",
        ),
    ] = None,
    artefact_probability: Annotated[
        float,
        typer.Option(
            min=0, max=1, help="A component goes when it is an artefact by more."
        ),
    ] = config.PrepareSettings.artefact_probability,
    face: Annotated[
        str,
        typer.Option(
            help="Face backend: dlib5, yunet, dlib68 (research use) or mesh:FILE."
        ),
    ] = "dlib5",
    exclude: Exclude = "",
    seed: Seed = 0,
    jobs: Jobs = JOBS,
    executor: Executor = "local",
    address: Address = "",
    gpus_per_task: GpusPerTask = 0.0,
) -> None:
    """Turn recordings into a store of one-second segments; resumes."""
    from deepvanet.prepare import prepare as run
    from deepvanet.prepare import suggest_artefacts

    layout = _name_layout(layout, source)
    settings = config.PrepareSettings(
        baseline=baseline,
        artefacts=suggest_artefacts(layout) if artefacts is None else artefacts,
        artefact_probability=artefact_probability,
        seed=seed,
        face=face,
    )
    made = run(
        layout,
        root,
        out,
        settings=settings,
        execution=_execute(jobs, executor, address, gpus_per_task),
        exclude=_split(exclude),
    )
    _show_prepared(made)


@app.command(epilog="Example: deepvanet pretrain AFEW-VA --out face.safetensors")
def pretrain(
    root: Annotated[Path, typer.Argument(help="Folder of AFEW-VA.")],
    out: Annotated[Path, typer.Option(help="File of weights, for --face-weights.")],
    epochs: Epochs = config.PretrainSettings.epochs,
    batch_size: Annotated[
        int, typer.Option(min=1)
    ] = config.PretrainSettings.batch_size,
    learning_rate: Annotated[
        float, typer.Option(min=0)
    ] = config.PretrainSettings.learning_rate,
    validation: Annotated[
        float, typer.Option(min=0, max=1, help="Share of actors that choose the epoch.")
    ] = config.PretrainSettings.validation,
    test: Annotated[
        float, typer.Option(min=0, max=1, help="Share of actors that it is tested on.")
    ] = config.PretrainSettings.test,
    scale: Annotated[
        str,
        typer.Option(
            help="train: images relative to the mean image of the training actors; "
            "none: as published."
        ),
    ] = config.PretrainSettings.scale,
    aspect: Annotated[
        float,
        typer.Option(
            min=0.1, help="Width of a pixel by its height; of PAL frames 16:15."
        ),
    ] = config.PretrainSettings.aspect,
    seed: Seed = 0,
    threads: Threads = 1,
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
    made = run(root, out, settings=settings, execution=_execute(jobs))
    for line in made.lines():
        print(line)


@app.command(
    epilog="Example: deepvanet evaluate store --out run --streams face,bio,face+bio "
    "--target valence",
)
def evaluate(
    store: Store,
    out: Annotated[Path, typer.Option(help="Folder of the run.")],
    protocol: Annotated[
        str,
        typer.Option(
            help="Any of paper, paper-pooled, reference (these leak, and say so); "
            "trial, trial-pooled, subject, subject-stimulus; and the controls of equal "
            "training size trial-matched, paper-matched, paper-pooled-matched, "
            "trial-pooled-matched, subject-matched, subject-stimulus-matched."
        ),
    ] = "paper,trial-matched,trial",
    target: Targets = "valence,arousal",
    recipe: Annotated[
        str,
        typer.Option(
            help="Where settings come from that are not given: default; paper, what "
            "its text says; code, what its authors' code does."
        ),
    ] = "default",
    streams: Annotated[
        str, typer.Option(help=f"Any of {', '.join(STREAM_SETS)}.")
    ] = "face+bio",
    learner: Annotated[
        str,
        typer.Option(
            help="Any of network (network:16x64 and the like have feature vectors of "
            "other lengths, face x bio), decision-fusion:RULE, whose rule is "
            "adaboost, stacking, mean-logit, weight-grid or adaboost-published, "
            "bandpower-svm, bandpower-logistic, bandpower-nb, trial-logistic, "
            "trial-svm, riemann, eegnet; the "
            "priors are always scored too."
        ),
    ] = "network",
    scale: ScaleOfRecipe = None,
    label_rule: LabelRuleOfRecipe = None,
    class_weight: ClassWeight = None,
    normalise: Normalise = None,
    folds: Annotated[
        int | None,
        typer.Option(
            min=2, help="Folds.", show_default="10, fewer where there are fewer units"
        ),
    ] = None,
    epochs: EpochsOfRecipe = None,
    steps: Steps = 0,
    seed: Annotated[str, typer.Option(help="One or several, as 0,1,2.")] = "0",
    subjects: Subjects = "",
    batch_size: BatchSizeOfRecipe = None,
    learning_rate: LearningRateOfRecipe = None,
    face_weights: FaceWeights = None,
    freeze_face: FreezeFace = False,
    grid: Annotated[
        str,
        typer.Option(
            help="Lengths of the feature vectors that each fold chooses from on its "
            "validation rows, as face=16,32;bio=16,64.",
            show_default="none: 16 and 64",
        ),
    ] = "",
    permutations: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="B",
            help="Repeat the whole run so often with the clips' ratings exchanged, for "
            "p-values; 0: never.",
            show_default="as many as needed, of learners that take about a minute",
        ),
    ] = None,
    control: Annotated[
        str,
        typer.Option(
            help="none; shuffled-labels permutes each subject's ratings over its "
            "trials; noise takes the signals and faces away. What scores then is not "
            "affect."
        ),
    ] = "none",
    estimate: Annotated[
        bool,
        typer.Option("--estimate", help="Only say what it takes: fits, hours, disk."),
    ] = False,
    threads: Threads = 1,
    precision: Precision = "auto",
    device: Device = "cpu",
    jobs: Jobs = JOBS,
    executor: Executor = "local",
    address: Address = "",
    gpus_per_task: GpusPerTask = 0.0,
) -> None:
    """Train and test under protocols; say what training and test shared; resumes."""
    from deepvanet.evaluation import estimate_run
    from deepvanet.evaluation import evaluate as run

    given = {
        "scale": scale,
        "label_rule": label_rule,
        "class_weight": class_weight,
        "normalise": normalise,
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
    }
    values = read_recipe(recipe) | {k: v for k, v in given.items() if v is not None}
    settings = config.EvaluateSettings(
        protocols=_split(protocol),
        targets=_pick_targets(target),
        streams=_pick_streams(streams),
        learners=_split(learner),
        label_rule=values.pop("label_rule"),
        folds=folds,
        seeds=_split_numbers("--seed", seed),
        subjects=_split(subjects),
        control=control,
        permutations=config.AUTOMATIC if permutations is None else permutations,
        recipe=recipe,
        network=config.NetworkSettings(
            **values,
            steps=steps,
            threads=threads,
            precision=precision,
            device=device,
            freeze_face=freeze_face,
            **_split_grid(grid),
        ),
    )
    if estimate or grid:
        print(estimate_run(store, settings).line(_execute(jobs)), flush=True)
    if estimate:
        return
    made = run(
        store,
        out,
        settings=settings,
        execution=_execute(jobs, executor, address, gpus_per_task),
        face_weights=face_weights,
    )
    for line in made.lines():
        print(line)


@app.command(epilog="Example: deepvanet report run --out report")
def report(
    runs: Annotated[list[Path], typer.Argument(help="Folders that `evaluate` wrote.")],
    out: Annotated[Path, typer.Option(help="Folder of the report.")],
) -> None:
    """Turn runs into scores, figures and a page."""
    from deepvanet.report import write_report

    print(f"report: {write_report(runs, out)}")


@app.command(
    epilog="Example: deepvanet compare run --a face+bio --b bio",
)
def compare(
    run: Annotated[Path, typer.Argument(help="Folder that `evaluate` wrote.")],
    a: Annotated[
        str,
        typer.Option(help="A protocol, stream set or learner, or several with commas."),
    ],
    b: Annotated[str, typer.Option(help="What it is compared with.")],
    metric: Annotated[
        str,
        typer.Option(help="balanced_accuracy, accuracy, macro_f1, mcc or auroc."),
    ] = "balanced_accuracy",
    level: Annotated[str, typer.Option(help="trial or segment.")] = "trial",
    unit: Annotated[
        str, typer.Option(help="subject, or fold where there is one subject.")
    ] = "subject",
    out: Annotated[
        Path | None, typer.Option(help="Table to write.", show_default="none")
    ] = None,
    seed: Seed = 0,
) -> None:
    """Test two learners, stream sets or protocols of a run against each other."""
    from deepvanet.comparison import compare as run_comparison

    made = run_comparison(run, a, b, metric=metric, level=level, unit=unit, seed=seed)
    if out is not None:
        made.write(out)
    for line in made.lines():
        print(line)


@app.command(
    epilog="Example: deepvanet audit predictions.csv --table segments.csv",
)
def audit(
    path: Annotated[
        Path,
        typer.Argument(help="A run, or anybody's predictions as a CSV file."),
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
        typer.Option(
            help="File for machines (JSON); the control goes beside it.",
            show_default="none",
        ),
    ] = None,
    jobs: Jobs = JOBS,
) -> None:
    """Say what training and test shared, and how much of a score that explains."""
    from deepvanet.audit import audit as run

    control = None
    if store is not None:
        from deepvanet.evaluation import refit_control

        beside = path if out is None else out.parent
        control = refit_control(
            path, store, beside / "control", execution=_execute(jobs)
        )
    made = run(path, table=table, control=control, per_subject=per_subject or None)
    if out is not None:
        made.write(out)
    for line in made.lines():
        print(line)


@app.command(epilog="Example: deepvanet train store --out model --streams face,bio")
def train(
    store: Store,
    out: Annotated[Path, typer.Option(help="Folder of the bundle.")],
    streams: Annotated[
        str, typer.Option(help="Stream sets; one network for each.")
    ] = "face,bio,face+bio",
    target: Targets = "valence,arousal",
    scale: Scale = "train",
    label_rule: LabelRule = ">=5",
    epochs: Epochs = 50,
    seed: Seed = 0,
    subjects: Subjects = "",
    cross_validate: Annotated[
        bool,
        typer.Option(
            help="Train on parts first: that chooses the steps, up to --epochs, "
            "calibrates, and says how good it is; up to eight times the work."
        ),
    ] = True,
    stream_dropout: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            help="One network for all streams that loses each with this probability "
            "in training, so that it answers from any of them.",
            show_default="0: a network a stream set",
        ),
    ] = 0.0,
    face_weights: FaceWeights = None,
    freeze_face: FreezeFace = False,
    threads: Threads = 1,
    precision: Precision = "auto",
    device: Device = "cpu",
    jobs: Jobs = JOBS,
) -> None:
    """Train networks on all rows of a store and keep them as a bundle; resumes."""
    from deepvanet.bundle import train_bundle

    settings = config.TrainSettings(
        targets=_pick_targets(target),
        streams=_pick_streams(streams),
        label_rule=label_rule,
        seed=seed,
        subjects=_split(subjects),
        cross_validate=cross_validate,
        stream_dropout=stream_dropout,
        network=config.NetworkSettings(
            scale=scale,
            epochs=epochs,
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
        execution=_execute(jobs),
        face_weights=face_weights,
    )
    for line in bundle.lines():
        print(line)


Model = Annotated[Path, typer.Argument(help="Folder that `train` wrote.")]
Video = Annotated[Path | None, typer.Option(help="Face video.")]
Bio = Annotated[
    Path | None, typer.Option(help="Signals: DEAP's .dat, or BDF, EDF, FIF ...")
]
Trial = Annotated[
    str, typer.Option(help="Which trial, where the signal file holds several.")
]
Trials = Annotated[
    Path | None,
    typer.Option(
        help="Table of trials, as `prepare recordings` takes it: scores these, each "
        "with its own rest taken off.",
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
        help="Second at which the rest starts.",
        show_default="0, or 3 s before the stimulus of a data set's file",
    ),
]
BaselineEnd = Annotated[
    float | None,
    typer.Option(
        min=0,
        help="Second at which the rest ends.",
        show_default="3, or the stimulus of a data set's file",
    ),
]


@app.command(
    epilog="Example: deepvanet predict model --video face.mp4 --out timeline.csv",
)
def predict(
    model: Model,
    out: Annotated[Path, typer.Option(help="Table to write, one row a second.")],
    video: Video = None,
    bio: Bio = None,
    trial: Trial = "",
    trials: Trials = None,
    video_offset: VideoOffset = None,
    baseline_start: BaselineStart = None,
    baseline_end: BaselineEnd = None,
) -> None:
    """Write valence and arousal for each second of a recording."""
    from deepvanet.inference import predict as run

    files.check_file(out)
    timeline = run(
        model,
        video=video,
        bio=bio,
        trial=trial or None,
        trials=trials,
        video_offset_s=video_offset,
        baseline_s=(baseline_start, baseline_end),
    )
    written = timeline.write(out)
    for line in timeline.lines():
        print(line)
    print(f"timeline: {', '.join(map(str, written))}")


@app.command(epilog="Example: deepvanet serve model --port 8765")
def serve(
    model: Annotated[Path, typer.Argument(help="Folder that `train` wrote.")],
    port: Annotated[
        int,
        typer.Option(
            min=0, max=65535, help="Where the page answers; 0 is any that is free."
        ),
    ] = 8765,
) -> None:
    """Show predictions for recordings in a page in the browser, on this machine."""
    try:
        from deepvanet.app.server import serve as run
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "deepvanet":
            raise
        raise UserError(
            f"serve: {error.name} is missing, get deepvanet[page]"
        ) from None

    run(model, port=port, say=lambda line: print(line, flush=True))


@app.command(
    epilog="Example: deepvanet explain model --video face.mp4 --out explanation",
)
def explain(
    model: Model,
    out: Annotated[Path, typer.Option(help="Folder of tables and figures.")],
    video: Video = None,
    bio: Bio = None,
    trial: Trial = "",
    trials: Trials = None,
    video_offset: VideoOffset = None,
    baseline_start: BaselineStart = None,
    baseline_end: BaselineEnd = None,
) -> None:
    """Say which streams, channels and parts of the face carried a prediction."""
    from deepvanet.explanation import explain as run

    made = run(
        model,
        out,
        video=video,
        bio=bio,
        trial=trial or None,
        trials=trials,
        video_offset_s=video_offset,
        baseline_s=(baseline_start, baseline_end),
    )
    for line in made.lines():
        print(line)
    print(f"explanation: {out}")


@app.command(
    epilog="Example: deepvanet reproduce all --deap store --size small --out paper",
)
def reproduce(
    part: Annotated[
        str, typer.Argument(help="table2, fig2, fig3, grid, or all of them.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for runs, tables, figures, page.")],
    deap: Annotated[
        Path | None, typer.Option(help="Store of DEAP.", show_default="none")
    ] = None,
    mahnob: Annotated[
        Path | None, typer.Option(help="Store of MAHNOB-HCI.", show_default="none")
    ] = None,
    size: Annotated[
        str,
        typer.Option(
            help="full: as published, thousands of hours; small: a few subjects, 2 "
            "epochs, 3 folds, to see that it works."
        ),
    ] = "full",
    seed: Seed = 0,
    face_weights: FaceWeights = None,
    precision: Precision = "auto",
    device: Device = "cpu",
    jobs: Jobs = JOBS,
    executor: Executor = "local",
    address: Address = "",
    gpus_per_task: GpusPerTask = 0.0,
) -> None:
    """Make the paper's tables and figures, published and honest; resumes."""
    from deepvanet.reproduce import reproduce as run

    for line in run(
        part,
        out,
        stores={"deap": deap, "mahnob": mahnob},
        size=size,
        seed=seed,
        precision=precision,
        device=device,
        execution=_execute(jobs, executor, address, gpus_per_task),
        face_weights=face_weights,
    ):
        print(line, flush=True)


def _show_inspection(inspection: "Inspection") -> None:
    """Print what was found as tables, then what needs attention."""
    from rich.console import Console
    from rich.table import Table

    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    for found in inspection.tables:
        table = Table(title=found.title, title_justify="left")
        for column in found.columns:
            table.add_column(column, overflow="fold")
        for row in found.rows:
            table.add_row(*(str(cell) for cell in row))
        console.print(table)
    for finding in inspection.findings:
        line = f"{finding.severity}: {finding.text}"
        console.print(line, markup=False, soft_wrap=True)


def _show_prepared(made: "Prepared") -> None:
    trials = made.trials
    total = trials.select_dtypes("integer").sum()
    print(
        f"store: {made.store} ({made.n_subjects} subjects, {made.n_done_before} of "
        f"them finished before; {len(trials)} trials, {total['n_segments']} segments, "
        f"{total['n_segments_with_face']} with a face)"
    )
    if total["n_frames"]:
        print(
            f"faces: {total['n_faces_found'] / total['n_frames']:.1%} of "
            f"{total['n_frames']} images found, {total['n_faces_filled']} filled from "
            f"a neighbour, {total['n_frames_padded']} padded at the end, "
            f"{total['n_faces_lost']} lost"
        )
    has = {s: trials[f"n_segments_with_{s}"] for s in Stream}
    parts = (f"{s} in {sum(n)} of them" for s, n in has.items())
    print(f"streams: {', '.join(parts)}".replace("of them", "segments", 1))
    n_silent = int((trials["has_video"] == 0).sum())
    if n_silent:
        print(f"{n_silent} trials have no video: they stay in, without a face stream")
    for stream in BIO:
        n_without = int((has[stream] == 0).sum())
        if n_without:
            print(f"{n_without} trials have no {stream} stream")
    for column, what in (
        ("n_bad_channels", "not finite"),
        ("n_flat_channels", "flat"),
    ):
        if total[column]:
            print(f"{total[column]} channels (counted over trials) are {what}")


def _name_layout(layout: str, source: str) -> str:
    """Return the layout's name; DEAP can be read from two kinds of files."""
    if not source:
        return layout
    if layout != "deap":
        raise UserError(f"--from {source}: only deap has a choice of files")
    pick("kind of files", source, ["preprocessed", "original"])
    return "deap-original" if source == "original" else "deap"


def _execute(
    jobs: int, executor: str = "local", address: str = "", gpus_per_task: float = 0.0
) -> config.Execution:
    pick("executor", executor, config.EXECUTORS)
    if executor == "local" and (address or gpus_per_task):
        option = "--address" if address else "--gpus-per-task"
        raise UserError(f"{option}: only --executor ray has a use for it")
    return config.Execution(
        jobs=jobs,
        progress=True,
        executor=executor,
        address=address,
        gpus_per_task=gpus_per_task,
    )


def _split(text: str) -> tuple[str, ...]:
    """Split a list with commas; keep the first of equals."""
    return tuple(
        dict.fromkeys(part.strip() for part in text.split(",") if part.strip())
    )


def _split_numbers(option: str, text: str) -> tuple[int, ...]:
    parts = _split(text)
    if not parts or not all(part.isdecimal() for part in parts):
        raise UserError(f"{option}: needs whole numbers from 0, got {text!r}")
    return tuple(int(part) for part in parts)


class _Grid(TypedDict):
    grid_face: tuple[int, ...]
    grid_bio: tuple[int, ...]


def _split_grid(text: str) -> "_Grid":
    """Read ``face=16,32;bio=16,64`` as settings of the network."""
    found: dict[str, tuple[int, ...]] = {"face": (), "bio": ()}
    for part in filter(None, text.split(";")):
        name, _, numbers = part.partition("=")
        if name not in found:
            raise UserError(f"--grid: expected face=16,32;bio=16,64, got {text!r}")
        found[name] = _split_numbers("--grid", numbers)
        if 0 in found[name]:
            raise UserError(f"--grid: a length is at least 1, got {text!r}")
    return {"grid_face": found["face"], "grid_bio": found["bio"]}


def _pick_all(kind: str, text: str, known: Iterable[str]) -> tuple[str, ...]:
    names = _split(text)
    if not names:
        raise UserError(f"{kind}: needs at least one of {', '.join(known)}")
    return tuple(pick(kind, name, known) for name in names)


def _pick_targets(text: str) -> tuple[str, ...]:
    return _pick_all("target", text, [*Target])


def _pick_streams(text: str) -> tuple[str, ...]:
    return _pick_all("stream set", text, STREAM_SETS)
