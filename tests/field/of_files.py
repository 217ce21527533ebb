"""Properties of files: damaged, cut off, of another format than their name."""

from dataclasses import replace
from pathlib import Path

from field.bends import (
    declare,
    edit_file,
    edit_folder,
    edit_trials,
    join,
    replace_bytes,
)
from field.recordings import ALL, OWN, TEXTS, Plan, Truth, keep
from field.records import Property


def _cut(share: float):
    def change(path: Path) -> None:
        content = path.read_bytes()
        path.write_bytes(content[: int(share * len(content))])

    return edit_file(change)


def _fill(content: bytes):
    return edit_file(lambda path: path.write_bytes(content))


def _shorten_last_line(path: Path) -> None:
    lines = path.read_bytes().rstrip(b"\n").split(b"\n")
    path.write_bytes(b"\n".join(lines)[: -len(lines[-1]) // 2])


def _move_data(path: Path) -> None:
    data = path.with_suffix(".eeg")
    data.rename(path.with_name("other.eeg"))
    path.write_text(path.read_text().replace("=a.eeg", "=other.eeg"))


def _name_data(row: dict) -> None:
    row["bio"] = row["bio"].replace(".vhdr", ".eeg")


def _drop_data(path: Path) -> None:
    path.with_suffix(".eeg").unlink()


def _add_marker(plan: Plan) -> Plan:
    return replace(plan, markers=(*plan.markers, (15.0, "Uebermorgen")))


FILES = (
    Property(
        "an empty file",
        "G",
        "The file of signals is empty.",
        OWN,
        _fill(b""),
        ("F01",),
        None,
    ),
    Property(
        "zero bytes",
        "G",
        "The file of signals holds zero bytes only.",
        OWN,
        _fill(bytes(4096)),
        ("F01",),
        None,
    ),
    Property(
        "an archive",
        "G",
        "The file of signals is a zip archive of another name.",
        OWN,
        _fill(b"PK\x03\x04" + bytes(range(256)) * 8),
        ("F01",),
        None,
    ),
    Property(
        "a web page",
        "G",
        "A page that asks for a login was saved in place of the file.",
        OWN,
        _fill(b"<!DOCTYPE html><html><body>Please log in</body></html>\n" * 20),
        ("F01",),
        None,
        dict.fromkeys(TEXTS, ("T30",)),
    ),
    Property(
        "a header alone",
        "G",
        "The copy of the file ended within its header.",
        ("edf", "bdf", "fif", "eeglab", "xdf", "parquet"),
        _cut(0.01),
        ("F01",),
        None,
        {"xdf": ("F01", "F04")},
    ),
    Property(
        "the data in place of the header",
        "G",
        "A row names the .eeg of BrainVision in place of its .vhdr.",
        ("brainvision",),
        edit_trials(_name_data),
        ("F01",),
        None,
    ),
    Property(
        "data of another name",
        "D",
        "The header of BrainVision names data of another stem.",
        ("brainvision",),
        edit_file(_move_data),
        (),
        Truth(inputs=("trials.csv", "a.vhdr", "a.vmrk", "other.eeg")),
    ),
    Property(
        "side-cars",
        "D",
        "Side-cars of BIDS say more of a recording.",
        ("bids",),
        keep,
        (),
        Truth(inputs=("sub-1_task-film_events.tsv", "sub-1_task-film_channels.tsv")),
    ),
    Property(
        "what is declared",
        "D",
        "recordings.toml stands beside the table of trials.",
        ALL,
        declare("line_hz = 50\n"),
        (),
        Truth(inputs=("recordings.toml",)),
    ),
    Property(
        "data that are not there",
        "D",
        "The header of BrainVision names data that are not there.",
        ("brainvision",),
        edit_file(_drop_data),
        ("F01",),
        None,
    ),
    Property(
        "a last line that is cut off",
        "G",
        "Recording ended within a line.",
        ("csv", "tsv"),
        edit_file(_shorten_last_line),
        ("F26",),
        None,
    ),
    Property(
        "lines of Windows",
        "G",
        "Lines end as on Windows.",
        ("csv", "tsv", "semicolons"),
        replace_bytes(b"\n", b"\r\n"),
    ),
    Property(
        "a mark of bytes",
        "G",
        "The text begins with the mark that Excel writes.",
        ("csv", "tsv", "semicolons"),
        edit_file(lambda path: path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())),
    ),
    Property(
        "a text in Latin-1",
        "G",
        "The micro sign is written in Latin-1.",
        ("csv", "tsv", "semicolons"),
        replace_bytes(b"[uV]", "[µV]".encode("latin-1")),
        ("F25",),
    ),
    Property(
        "an annotation in Latin-1",
        "G",
        "An annotation is not in UTF-8.",
        ("edf", "bdf"),
        join(
            _add_marker,
            replace_bytes(b"Uebermorgen", b"\xdcber morgen"),
        ),
        ("F20", "T13"),
    ),
    Property(
        "a file that no row names",
        "A",
        "A file of signals stands beside the table, and no row names it.",
        ("csv", "edf"),
        edit_folder(lambda folder: (folder / "b.edf").write_bytes(b"x")),
        (),
    ),
)
