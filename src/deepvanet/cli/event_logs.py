"""The command that joins event logs and ratings to a table of trials."""

from pathlib import Path
from typing import Annotated, Any

import typer

from deepvanet.cli.options import out_option
from deepvanet.cli.showing import say
from deepvanet.files import check_written
from deepvanet.schema import UserError, quote


def _file(column: str) -> Any:
    return typer.Option(
        help=f"Short for --input {column}=FILE[@OFFSET].",
        metavar="FILE[@OFFSET]",
        show_default="none",
    )


def trials(
    events: Annotated[
        list[Path],
        typer.Argument(help="Logs of PsychoPy (CSV), events.tsv of BIDS, or tables."),
    ],
    out: Annotated[Path, out_option("Table of trials to write.")],
    ratings: Annotated[
        Path | None,
        typer.Option(
            help="Table of ratings, one row a trial.",
            show_default="those in the rows of the log",
        ),
    ] = None,
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            help="A file of each trial, and the second of the signals at which it "
            "starts; {subject} and {session} in it stand for their names. Repeatable.",
            metavar="COLUMN=FILE[@OFFSET]",
            show_default="none",
        ),
    ] = None,
    bio: Annotated[str, _file("bio")] = "",
    video: Annotated[str, _file("video")] = "",
    subject: Annotated[
        str,
        typer.Option(
            help="Name of the only subject, or the column that holds it.",
            show_default="participant or the like",
        ),
    ] = "",
    onset: Annotated[
        str,
        typer.Option(
            help="Column: when a stimulus started.", show_default="as found, and shown"
        ),
    ] = "",
    duration: Annotated[
        str,
        typer.Option(
            help="Column: how long it lasted; or seconds.",
            metavar="COLUMN|SECONDS",
            show_default="as found, and shown",
        ),
    ] = "",
    stimulus: Annotated[
        str,
        typer.Option(
            help="Column: what was shown.", show_default="as found, and shown"
        ),
    ] = "",
    where: Annotated[
        str,
        typer.Option(
            help="Which rows are trials: COLUMN (holds something), COLUMN=VALUE,VALUE "
            "or COLUMN!=VALUE,VALUE.",
            show_default="those with onset and stimulus",
        ),
    ] = "",
    unit: Annotated[
        str,
        typer.Option(
            help="Of times in the log: s, ms or us.",
            show_default="s in PsychoPy and BIDS, else as columns say",
        ),
    ] = "",
    offset: Annotated[
        float | None,
        typer.Option(
            help="Second of the signals at which the clock of the log was at 0.",
            show_default="0 in BIDS",
        ),
    ] = None,
    marker: Annotated[
        str,
        typer.Option(
            help="In place of onsets: the marker in the signals at which each stimulus "
            "starts, or the column that holds it.",
            show_default="none",
        ),
    ] = "",
    valence: Annotated[
        str, typer.Option(help="Column of ratings.", show_default="as found, and shown")
    ] = "",
    arousal: Annotated[
        str, typer.Option(help="Column of ratings.", show_default="as found, and shown")
    ] = "",
    match: Annotated[
        str,
        typer.Option(
            help="By what ratings are found: stimulus, trial (its number) or order "
            "(of rows).",
            show_default="stimulus and trial, where they agree",
        ),
    ] = "",
    scale: Annotated[
        str,
        typer.Option(
            help="Lowest and highest rating that could be given, as 1,5.",
            metavar="LOWEST,HIGHEST",
            show_default="1,9 where ratings are up to 8 or 9",
        ),
    ] = "",
    append: Annotated[
        bool, typer.Option("--append", help="Add rows to the table that is there.")
    ] = False,
) -> None:
    """Join event logs and ratings to a table of trials; say what was understood."""
    from deepvanet.datasets.event_logs import JoinChoices, join_trials
    from deepvanet.datasets.event_logs.joining import say_trials
    from deepvanet.datasets.recordings.input_files import read_file, read_input

    named = [
        read_file(column, text, column)
        for column, text in (("bio", bio), ("video", video))
        if text
    ]
    choices = JoinChoices(
        subject=subject,
        onset=onset,
        duration=duration,
        stimulus=stimulus,
        valence=valence,
        arousal=arousal,
        where=where,
        unit=unit,
        offset_s=offset,
        marker=marker,
        match=match,
        scale=_read_scale(scale),
        inputs=(*named, *map(read_input, inputs or ())),
    )
    made = join_trials(events, ratings, out, choices)
    for line in made.lines:
        say(line)
    written, rows = made.write(out, append=append)
    check_written(*written)
    new = f", {len(made.rows)} of them new" if append else ""
    say(f"{', '.join(map(str, written))}: {say_trials(rows)}{new}")
    say(f"next: deepvanet check recordings {out}")


def _read_scale(text: str) -> tuple[float, float] | None:
    if not text:
        return None
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        raise UserError(
            f"needs two numbers, as 1,5, got {quote(text)}", field="scale"
        ) from None
    return low, high
