"""Tests of findings: their codes, how they are reported, chosen and written."""

import json
import logging
from pathlib import Path

import pytest

from deepvanet.findings import (
    CODES,
    FindingError,
    Severity,
    attempt,
    check_codes,
    choose,
    collect,
    describe_findings,
    from_json,
    list_lines,
    make_finding,
    refuse,
    refuse_errors,
    report,
    say_count,
    to_json,
)
from deepvanet.findings.page import render_page
from deepvanet.schema import UserError

PAGE = Path(__file__).parents[1] / "docs" / "findings.md"


def test_the_page_is_made_from_the_table_of_codes():
    text = PAGE.read_text()
    assert text.startswith(render_page()), (
        "run: python -m deepvanet.findings.page > docs/findings.md"
    )


@pytest.mark.parametrize("code", CODES.values(), ids=str)
def test_a_code_says_cause_consequence_cure_and_an_example(code):
    assert len(code.code) == 3
    assert code.code[0] in "TCQVRF"
    assert code.code[1:].isdecimal()
    for text in (code.title, code.cause, code.consequence, code.cure, code.example):
        assert text.strip()
    for sentence in (code.cause, code.consequence, code.cure):
        assert sentence.endswith(".")


def test_what_is_reported_is_collected_once_and_by_the_innermost():
    with collect() as outer:
        report("T03", "3 stamps", source="a.csv")
        with collect() as inner:
            report("T03", "4 stamps", source="a.csv")
            report("T03", "4 stamps", source="a.csv")
        report("T03", "3 stamps", source="a.csv")
    assert [f.sentence for f in outer] == ["3 stamps"]
    assert [f.sentence for f in inner] == ["4 stamps"]


def test_what_was_seen_before_a_refusal_is_handed_on():
    with collect() as outer, pytest.raises(UserError), collect():
        report("R01", "not known", source="trials.csv")
        raise refuse("R21", "column subject is missing", source="trials.csv")
    assert [f.code for f in outer] == ["R01"]


def test_without_a_collector_an_error_is_raised_and_a_warning_logged(caplog):
    with pytest.raises(FindingError, match=r"a\.xdf: a jump.*\[T02\]"):
        report("T02", "a jump", source="a.xdf")
    with caplog.at_level(logging.WARNING):
        report("Q02", "flat", source="a.edf")
    assert "a.edf: flat; assumed: the channel is used as it is; what" in caplog.text


def test_what_cannot_be_read_is_a_finding_and_none():
    def fail():
        raise UserError("a.edf: cannot be read")

    def fail_with_code():
        raise refuse("V01", "no codec", source="v.mp4")

    with collect() as found:
        assert attempt(fail, source="a.edf") is None
        assert attempt(fail_with_code, source="elsewhere") is None
        assert attempt(lambda: 3) == 3
    assert [(f.code, f.source, f.sentence) for f in found] == [
        ("F01", "a.edf", "cannot be read"),
        ("V01", "v.mp4", "no codec"),
    ]


def test_errors_are_refused_unless_their_code_is_accepted():
    found = [make_finding(code, "so") for code in ("T02", "C10", "Q01")]
    with pytest.raises(UserError, match=r"T02.*1 more error.*accept T02,C10"):
        refuse_errors(found, ())
    with pytest.raises(UserError, match="accept C10"):
        refuse_errors(found, ("T02",))
    refuse_errors(found, ("T02", "C10"))


def test_codes_and_families_are_selected_and_ignored():
    found = [make_finding(code, "so") for code in ("T02", "T03", "C10")]
    chosen = choose(found, select=("T",), ignore=("T03",))
    assert [f.code for f in chosen] == ["T02"]
    assert choose(found, select=(), ignore=()) == tuple(found)


def test_an_unknown_code_is_refused_with_the_nearest():
    assert check_codes(["t02", "C"], field="select") == ("T02", "C")
    with pytest.raises(UserError, match=r"accept: unknown code 'T2'.*Known: T01"):
        check_codes(["T2"], field="accept")
    with pytest.raises(UserError, match="unknown code 'C'"):
        check_codes(["C"], field="accept", families=False)


def test_findings_come_back_from_json_as_they_were():
    found = (make_finding("T05", "ms", source="p.csv", place="t", assumed="ms"),)
    text = json.dumps(to_json(found))
    assert list(json.loads(text)[0]) == [
        *("code", "severity", "source", "place", "sentence", "assumed", "cure"),
    ]
    assert from_json(text) == found
    for damaged in ("[3]", "{", '[{"code": "T01"}]', '[{"severity": "bad"}]'):
        with pytest.raises(UserError, match="not a list of findings"):
            from_json(damaged)


def test_findings_that_differ_in_their_place_are_one_line_and_cures_are_said_once():
    flat = [make_finding("Q02", "flat", source="a.edf", place=f"E{k}") for k in "1234"]
    odd = [make_finding("T03", f"{k} stamps", source="a.edf") for k in range(9)]

    lines = describe_findings([*odd, *flat])

    assert lines[0].startswith("warning Q02: a.edf E1, E2, E3, E4: flat; assumed: ")
    assert [line[:9] for line in lines[1:]] == [
        *["note T03:" if CODES["T03"].severity == "note" else "warning T"] * 6,
        "T03: 3 mo",
        *["what to d"] * 2,
    ]
    assert lines[-2] == f"what to do about Q02: {CODES['Q02'].usual_cure}"
    assert max(map(len, lines)) < 300


def test_a_count_of_one_has_a_singular():
    assert [say_count(n, "box is", "boxes are") for n in range(3)] == [
        *("0 boxes are", "1 box is", "2 boxes are"),
    ]


def test_severities_are_ordered_from_the_worst():
    assert list(Severity) == ["error", "warning", "note"]


def test_many_findings_of_one_kind_are_one_line():
    shown = [
        make_finding(
            "V03",
            f"the video shows {n}.5 s of the 60 s of the trial",
            source="a/s01.mp4",
            place=f"subject 01 trial {n}",
        )
        for n in range(20)
    ]
    other = make_finding("V03", "the video shows nothing", source="a/s02.mp4")

    first, second = list_lines([*shown, other])

    assert first.startswith("warning V03: a/s01.mp4 subject 01 trial 0: the video")
    assert "(and 19 more like it: subject 01 trial 1, " in first
    assert first.endswith("and 13 more)")
    assert second.startswith("warning V03: a/s02.mp4: the video shows nothing")


def test_few_findings_of_one_kind_have_lines_of_their_own():
    found = [make_finding("T15", f"clip {n} lasts 3 s") for n in range(3)]

    assert len(list_lines(found)) == 3


def test_findings_that_name_their_files_are_of_one_kind():
    found = [
        make_finding("C04", f"{n}.edf states no unit", source=f"eeg/{n}.edf")
        for n in ("ab", "cd", "ef", "gh")
    ]

    (line,) = list_lines(found)

    assert line.endswith("(and 3 more like it: cd.edf, ef.edf, gh.edf)")
