"""What a command says of places, names and files that were made to break it."""

import logging

import pytest

from deepvanet.cli import main

STORE = "store"
WRITERS = {
    "synth": ("synth", "deap", "OUT"),
    "prepare": ("prepare", "deap", STORE, "--out", "OUT"),
    "pretrain": ("pretrain", "afew", "--out", "OUT"),
    "evaluate": ("evaluate", STORE, "--out", "OUT"),
    "report": ("report", "run", "--out", "OUT"),
    "compare": ("compare", "run", "--a", "face", "--b", "bio", "--out", "OUT"),
    "audit": ("audit", "run", "--out", "OUT"),
    "train": ("train", STORE, "--out", "OUT"),
    "predict": ("predict", "model", "--out", "OUT"),
    "explain": ("explain", "model", "--out", "OUT"),
    "reproduce": ("reproduce", "all", "--out", "OUT"),
    "demo": ("demo", "--out", "OUT"),
}


@pytest.mark.parametrize("command", WRITERS)
@pytest.mark.parametrize("out", ["", " ", "a\0b"], ids=["empty", "blank", "zero"])
def test_no_command_takes_nothing_for_a_place(command, out, capsys, tmp_path):
    parts = [
        out if part == "OUT" else str(tmp_path / part) for part in WRITERS[command]
    ]
    parts[0] = command
    parts[1:] = [
        word if word.startswith("--") or word == out else part
        for word, part in zip(WRITERS[command][1:], parts[1:], strict=True)
    ]

    assert main(parts) == 2

    said = capsys.readouterr().err
    assert "needs a file or folder, got" in said
    assert "\0" not in said


@pytest.mark.parametrize("kind", ["loop", "below a file", "too long"])
def test_a_place_that_cannot_be_is_refused(kind, capsys, tmp_path):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "file").write_text("")
    out = {
        "loop": tmp_path / "loop" / "x",
        "below a file": tmp_path / "file" / "x",
        "too long": tmp_path / ("x" * 300),
    }[kind]

    assert main(["synth", "deap", str(out), "--subjects", "1", "--trials", "1"]) == 2

    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "ROOT: " in said


def test_nothing_that_is_printed_controls_a_terminal(capsys):
    assert main(["evaluate", "\x1b[2J\u202e\x9b31m", "--out", "x"]) == 2

    said = capsys.readouterr().err
    assert "\\x1b[2J\\u202e\\x9b31m" in said
    assert all(sign.isprintable() or sign == "\n" for sign in said)


def test_a_line_is_never_longer_than_a_person_reads(capsys):
    assert main(["check", "x" * 10**6, "."]) == 2

    assert len(capsys.readouterr().err) < 2000


def test_no_log_line_controls_a_terminal():
    from deepvanet.cli.showing import PlainFormatter

    record = logging.LogRecord("a", 30, "", 0, "subject %s", ("\x1b]0;owned\a",), None)

    assert PlainFormatter("%(message)s").format(record) == "subject \\x1b]0;owned\\x07"
