"""The command line: read arguments, call one function, say what came of it.

A command loads only what it uses, so imports stand inside the commands.
"""

import logging
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from deepvanet import __version__, files
from deepvanet.cli import data, event_logs, experiment, model
from deepvanet.cli.options import describe_error
from deepvanet.cli.showing import PlainFormatter
from deepvanet.schema import TaskError, UserError, make_printable

_USAGE_ERROR: Any = typer.BadParameter.__mro__[1]
"""What is raised for wrong arguments; typer has moved it from module to module."""

COMMANDS = (
    (data.demo, "deepvanet demo --out demo"),
    (data.synth, "deepvanet synth deap DEAP --subjects 4 --trials 8 --seconds 5"),
    (data.check, "deepvanet check mahnob MAHNOB --exclude 9"),
    (
        event_logs.trials,
        "deepvanet trials log.csv --ratings sam.csv --offset 4.2 --out trials.csv",
    ),
    (data.prepare, "deepvanet prepare deap DEAP --out store"),
    (data.pretrain, "deepvanet pretrain AFEW-VA --out face.safetensors"),
    (
        experiment.evaluate,
        "deepvanet evaluate store --out run --streams face,bio,face+bio",
    ),
    (experiment.report, "deepvanet report run --out report"),
    (experiment.compare, "deepvanet compare run --a face+bio --b bio"),
    (experiment.audit, "deepvanet audit predictions.csv --table segments.csv"),
    (model.train, "deepvanet train store --out model --streams face,bio"),
    (model.predict, "deepvanet predict model --video face.mp4 --out timeline.csv"),
    (model.serve, "deepvanet serve model --port 8765"),
    (model.explain, "deepvanet explain model --video face.mp4 --out explanation"),
    (
        experiment.reproduce,
        "deepvanet reproduce all --deap store --size small --out paper",
    ),
)
"""Each command, and an example of it."""

app = typer.Typer(
    help="Valence and arousal from a face video together with EEG and peripheral "
    "signals, with scores that can be believed.",
    pretty_exceptions_enable=False,
)


def _show_version(is_asked: bool) -> bool:
    if is_asked:
        print(f"deepvanet {__version__}")
        raise typer.Exit
    return is_asked


@app.callback()
def start(
    version: Annotated[  # noqa: ARG001 (its callback answers)
        bool,
        typer.Option(
            "--version", help="Show the version.", is_eager=True, callback=_show_version
        ),
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Show no progress and no warnings.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Say what is done, step by step.")
    ] = False,
) -> None:
    """Settle what holds for every command.

    Raises
    ------
    UserError
        When both ``--quiet`` and ``--verbose`` are given.
    """
    if quiet and verbose:
        raise UserError("only one of --quiet and --verbose can be given")
    level = logging.ERROR if quiet else logging.INFO if verbose else logging.NOTSET
    logging.getLogger("deepvanet").setLevel(level)


for _command, _example in COMMANDS:
    app.command(epilog=f"Example: {_example}")(_command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status, 2 for what the user can put right."""
    handler = logging.StreamHandler()
    handler.setFormatter(PlainFormatter("%(levelname)s: %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        status = app(given or ["--help"], prog_name="deepvanet", standalone_mode=False)
    except UserError as error:
        return _refuse(describe_error(error))
    except TaskError as error:
        print(make_printable(f"deepvanet: {error}"), file=sys.stderr)
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
    print(make_printable(f"deepvanet: {sentence}"), file=sys.stderr)
    return 2
