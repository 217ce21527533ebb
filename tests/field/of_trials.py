"""Properties of the table of trials, of markers and of recordings.toml."""

from dataclasses import replace
from pathlib import Path

from field.bends import declare, edit_folder, edit_trials, put, rename
from field.recordings import ALL, OWN, Truth
from field.records import Property

SOME = ("csv", "parquet", "edf", "xdf")
"""The table of trials is the same for all formats."""
SECOND = Truth(onsets=(12.0,))
NO_VALENCE = Truth(ratings=((None, 2), (None, 8)))


def _add_markers(plan):
    more = ((9.0, "97"), (9.5, "98"))
    return replace(plan, markers=(plan.markers[0], *more, plan.markers[1]))


def _repeat_marker(plan):
    return replace(plan, markers=(*plan.markers[:1], (9.0, "12"), *plan.markers[1:]))


def _rewrite(change):
    def edit(folder: Path) -> None:
        path = folder / "trials.csv"
        path.write_bytes(change(path.read_text()).encode("utf-8"))

    return edit_folder(edit)


def _encode(name):
    def edit(folder: Path) -> None:
        path = folder / "trials.csv"
        path.write_bytes(path.read_text().encode(name))

    return edit_folder(edit)


def _add_row(**cells):
    def edit(rows):
        return [*rows, {**rows[1], "marker": "", "onset_s": 6.5, **cells}]

    return lambda plan: replace(plan, edit_trials=edit)


def _name_seconds_twice(plan):
    def edit(rows):
        rows[1].update(marker="", onset_s=12)
        return [*rows, {**rows[1], "subject": "2"}]

    return replace(plan, edit_trials=edit)


def _name_marker_twice(plan):
    return replace(plan, edit_trials=lambda rows: [*rows, {**rows[1], "subject": "2"}])


def _state_second_of_marker(plan):
    def edit(rows):
        return [*rows, {**rows[1], "subject": "2", "marker": "", "onset_s": 12}]

    return replace(plan, edit_trials=edit)


def _add_line(line):
    return _rewrite(lambda text: text + line + "\n")


def _toml(name):
    return edit_folder(lambda folder: (folder / name).write_text("line_hz = 50\n"))


NAMES = tuple(
    Property(
        f"{new} in place of {old}",
        "A",
        f"A column of the table of trials is called {new}.",
        SOME,
        edit_trials(rename(old, new)),
        codes,
        truth,
    )
    for old, new, codes, truth in (
        ("valence", "Valence", ("R01",), NO_VALENCE),
        ("valence", "valnce", ("R01",), NO_VALENCE),
        ("valence", "valence_rating", ("R01",), NO_VALENCE),
        ("valence", "slider_valence.response", ("R01",), NO_VALENCE),
        ("duration_s", "duration", ("R01", "T52"), Truth()),
        ("duration_s", "Duration_s", ("R01", "T52"), Truth()),
        ("marker", "trigger", ("R01", "T51"), None),
        ("trial", "trials.thisN", ("R01", "R21"), None),
        ("subject", "participant", ("R01", "R21"), None),
    )
)

TRIALS = (
    *NAMES,
    Property(
        "columns of no meaning",
        "A",
        "The table of trials has a column that means nothing here.",
        ALL,
        edit_trials(put(age=31)),
        ("R02",),
    ),
    Property(
        "two columns of one rating",
        "A",
        "The table has valence and Valence, and they differ.",
        SOME,
        edit_trials(put(Valence=5)),
        ("R03",),
    ),
    Property(
        "two columns of trials of one name",
        "A",
        "Two columns of the table of trials have one name.",
        SOME,
        _rewrite(lambda text: text.replace("arousal", "valence")),
        ("R03",),
        Truth(ratings=((8, None), (2, None))),
    ),
    Property(
        "a key that is not known",
        "A",
        "recordings.toml has a key that is spelt otherwise.",
        SOME,
        declare("line_freq = 50\n"),
        ("R15",),
    ),
    Property(
        "a value that is not understood",
        "A",
        "recordings.toml has a value of another form.",
        SOME,
        declare("rating_range = 5\n"),
        ("R26",),
        None,
    ),
    Property(
        "recording.toml",
        "A",
        "What is declared stands in a file of another name.",
        SOME,
        _toml("recording.toml"),
        ("F38",),
    ),
    Property(
        "markers that are not used",
        "A",
        "The file holds markers that no row names.",
        OWN,
        _add_markers,
        ("T13",),
    ),
    Property(
        "a marker that stands twice",
        "A",
        "A marker stands twice, and one row names it.",
        OWN,
        _repeat_marker,
        ("T11",),
        None,
    ),
    Property(
        "a marker that is spelt otherwise",
        "A",
        "A row names a marker with one more digit.",
        tuple(name for name in OWN if name != "brainvision"),
        edit_trials(lambda row: row.update(marker=row["marker"] + "1"), which=0),
        ("T11",),
    ),
    Property(
        "a marker that is a number",
        "A",
        "The table has 12.0 where the file has 12.",
        ("csv", "parquet", "edf", "bdf", "fif", "eeglab", "xdf"),
        edit_trials(put(marker="12.0"), which=1),
    ),
    Property(
        "a rating outside of the scale",
        "R",
        "A rating is 11 on a scale from 1 to 9.",
        (*SOME, "bids"),
        edit_trials(put(valence=11), which=0),
        ("R10",),
        Truth(ratings=((None, 2), (2, 8))),
    ),
    Property(
        "a rating that is a word",
        "R",
        "A rating is a word.",
        (*SOME, "bids"),
        edit_trials(put(valence="good"), which=0),
        ("R10",),
        Truth(ratings=((None, 2), (2, 8))),
    ),
    Property(
        "a missing rating",
        "R",
        "A trial has one rating of two.",
        (*SOME, "bids"),
        edit_trials(put(valence=""), which=0),
        ("R06",),
        Truth(ratings=((None, 2), (2, 8))),
    ),
    Property(
        "a trial without ratings",
        "R",
        "A trial has no rating.",
        SOME,
        edit_trials(put(valence="", arousal=""), which=0),
        ("R06",),
        SECOND,
    ),
    Property(
        "another scale",
        "R",
        "Ratings are from 0 to 100, as recordings.toml says.",
        (*SOME, "bids"),
        lambda plan: replace(
            edit_trials(lambda row: row.update(valence=10 * row["valence"]))(plan),
            toml="rating_range = [0, 100]\n",
        ),
        ("R12",),
        Truth(ratings=((7.4, 1.16), (2.6, 1.64))),
    ),
    Property(
        "a trial that stands twice",
        "R",
        "A trial stands in two rows.",
        SOME,
        _add_row(),
        ("R23",),
    ),
    Property(
        "one person in two spellings",
        "H",
        "A subject is called 1 and 01.",
        SOME,
        _add_row(subject="01", duration_s=3),
        ("R24",),
        None,
    ),
    Property(
        "a file of two persons",
        "H",
        "Rows of two subjects name the same seconds of one file.",
        SOME,
        _name_seconds_twice,
        ("R27", "T13"),
        None,
    ),
    Property(
        "a marker of two persons",
        "H",
        "Rows of two subjects name the same marker of one file.",
        SOME,
        _name_marker_twice,
        ("R27",),
        None,
    ),
    Property(
        "a marker where the onset of another person is",
        "H",
        "A row of another subject states the second at which a marker stands.",
        SOME,
        _state_second_of_marker,
        ("R27",),
        None,
    ),
    Property(
        "a file beside the table",
        "A",
        "A recording lies beside the table of trials, and no row names it.",
        (*SOME, "bids"),
        edit_folder(lambda folder: (folder / "more.edf").touch()),
        ("F02",),
    ),
    Property(
        "an empty cell",
        "R",
        "The name of a stimulus is missing.",
        SOME,
        edit_trials(put(stimulus=""), which=0),
        ("R22",),
        SECOND,
    ),
    Property(
        "an onset that is a word",
        "R",
        "An onset is a word.",
        SOME,
        edit_trials(put(marker="", onset_s="noon"), which=0),
        ("R22",),
        SECOND,
    ),
    Property(
        "two ways to say when",
        "A",
        "A row has both an onset and a marker.",
        SOME,
        edit_trials(put(onset_s=3), which=0),
        ("R22",),
        SECOND,
    ),
    Property(
        "a row of another length",
        "R",
        "A row has more cells than the header.",
        SOME,
        _rewrite(lambda text: text.rstrip() + ",7\n"),
        ("R20",),
    ),
    Property(
        "a file that is not there",
        "D",
        "A row names a file that is not there.",
        SOME,
        edit_trials(put(bio="b.edf"), which=0),
        ("R25",),
        SECOND,
    ),
    Property(
        "a file in capital letters",
        "D",
        "A row spells the name of its file in capital letters.",
        SOME,
        edit_trials(lambda row: row.update(bio=row["bio"].upper()), which=0),
        ("R25",),
        SECOND,
    ),
    Property(
        "a path of Windows",
        "D",
        "A row names its file by a path with a backslash.",
        SOME,
        edit_trials(lambda row: row.update(bio=".\\" + row["bio"]), which=0),
        ("R25",),
        SECOND,
    ),
    Property(
        "a table of a spreadsheet",
        "R",
        "The table of trials has semicolons.",
        SOME,
        _rewrite(lambda text: text.replace(",", ";")),
        ("F39",),
    ),
    Property(
        "a table with tabs",
        "R",
        "The table of trials has tabs.",
        SOME,
        _rewrite(lambda text: text.replace(",", "\t")),
        ("F39",),
    ),
    Property(
        "a table in UTF-16",
        "R",
        "The table of trials is in UTF-16.",
        SOME,
        _encode("utf-16"),
        ("F39",),
    ),
    Property(
        "a table with a mark of bytes",
        "R",
        "The table of trials begins with the mark that Excel writes.",
        SOME,
        _encode("utf-8-sig"),
    ),
    Property(
        "blank rows",
        "R",
        "The table of trials has blank rows at its end.",
        SOME,
        _add_line(",,,,,,,\n,,,,,,,"),
    ),
    Property(
        "blanks around names",
        "R",
        "Cells of the table of trials have blanks around them.",
        SOME,
        _rewrite(lambda text: text.replace(",", ", ")),
    ),
    Property(
        "a table without ratings",
        "R",
        "The table of trials has no column of ratings.",
        SOME,
        edit_trials(lambda row: [row.pop("valence"), row.pop("arousal")]),
        ("R21",),
        None,
    ),
    Property(
        "an empty table",
        "R",
        "The table of trials has a header only.",
        SOME,
        _rewrite(lambda text: text.splitlines()[0] + "\n"),
        ("R21",),
        None,
    ),
    Property(
        "a choice of a face that is none",
        "H",
        "A row names a face by an unknown word.",
        SOME,
        edit_trials(put(face_choice="middle"), which=0),
        ("R22",),
        SECOND,
    ),
)
