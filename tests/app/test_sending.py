"""Tests of how a page is sent to: slowly, in part, wrongly, onto a full disk."""

import re
import socket
import tempfile
import time

import pytest

from deepvanet.app.folder import PREFIX
from deepvanet.app.limits import MIB, Limits
from pages import BOUNDARY, open_page, write_form
from processes import wait_until
from small_disk import mount_small_disk

KIND = f"multipart/form-data; boundary={BOUNDARY}"
HEAD = (
    f"POST /api/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {KIND}\r\n"
    "Content-Length: {length}\r\n\r\n"
)
TABLE = b"time,Fp1\n" + b"0,1\n" * 1000


@pytest.fixture(scope="module")
def page(filmed_bundle):
    with open_page(filmed_bundle) as served:
        yield served


def send_raw(page, form, *, headers=None):
    return page.ask(
        "POST", "/api/jobs", form, headers=headers or {"Content-Type": KIND}
    )


def begin(page, form, *, length):
    """Send a part of a form that says it is as long as this."""
    sender = socket.create_connection(("127.0.0.1", page.port))
    sender.settimeout(30)
    sender.sendall(HEAD.format(length=length).encode() + form)
    return sender


def read_answer(sender):
    """Return the status and the body of what is answered before the connection ends."""
    came = b""
    while piece := sender.recv(65536):
        came += piece
    return int(came.split()[1]), came.decode()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"vidoe": "x", "example": "1"}, "'vidoe' is no field: they are video, bio, "),
        ({"video": "face.mp4"}, "video must be a file with a name."),
        ({"example": "yes"}, "example must be 1."),
        ({"example": "1", "baseline_end_s": "nan"}, "baseline_end_s must be a number"),
    ],
)
def test_every_field_of_a_form_is_used_or_refused(page, fields, sentence):
    answer = page.send(**fields)

    assert answer.status == 400
    assert answer.read()["error"].startswith(sentence)


def test_files_are_not_dropped_for_the_example(page):
    answer = page.send(named={"bio": "s.csv"}, bio=TABLE, example="1")

    assert answer.status == 400
    assert answer.read()["error"] == "Send files, or ask for the example: not both."


def test_of_two_files_for_one_field_none_is_chosen(page):
    one = write_form({"bio": TABLE}, {"bio": "s.csv"})
    head = one[: one.index(b"--", 2 + len(BOUNDARY))]

    answer = send_raw(page, head + one)

    assert answer.status == 400
    assert answer.read()["error"] == "bio was sent twice: send one."


def test_a_form_that_was_cut_off_is_not_taken_for_a_whole_one(page):
    form = write_form(
        {"bio": TABLE, "video": b"\0\0\0\x18ftypmp42" + b"1" * 4096},
        {"bio": "s.csv", "video": "f.mp4"},
    )

    for end in (-20, -3000):
        answer = send_raw(page, form[:end])
        assert answer.status == 400
        assert answer.read()["error"] == "The form was cut off: send it again."


@pytest.mark.parametrize(
    ("kind", "form"),
    [
        ("multipart/form-data", write_form({"example": "1"}, {})),
        (KIND, b"--another\r\n\r\n--another--\r\n"),
        (KIND, b"\0\1\2 no form --"),
        (KIND, write_form({f"field{n}": "1" for n in range(9)}, {})),
        (KIND, write_form({"example": "1" * 99_999}, {})),
        (KIND, write_form(dict.fromkeys("abc", TABLE), dict.fromkeys("abc", "s.csv"))),
        (KIND, f"--{BOUNDARY}\r\n\r\n1\r\n--{BOUNDARY}--\r\n".encode()),
        ("application/json", b'{"example": 1}'),
        ("application/x-www-form-urlencoded", b"%%%=&&"),
    ],
)
def test_what_is_no_form_is_answered_in_the_words_of_the_page(page, kind, form):
    answer = send_raw(page, form, headers={"Content-Type": kind})

    assert answer.status == 400
    assert re.search(
        r"^The form cannot be read: send multi|was cut off|is no field|^Send a video",
        answer.read()["error"],
    )


def test_an_upload_that_is_ended_early_leaves_its_place(page, caplog):
    with begin(page, write_form({"example": "1"}, {})[:60], length=10_000):
        wait_until(lambda: page.get("/health").read()["waiting"] == 1)

    wait_until(lambda: page.get("/health").read()["waiting"] == 0)
    assert not [record for record in caplog.records if record.exc_info]


def test_an_upload_that_comes_too_slowly_is_ended_in_a_sentence(filmed_bundle):
    limits = Limits(pace_s=0.3, least_bytes_s=1000.0)
    form = write_form({"bio": TABLE}, {"bio": "s.csv"})
    with open_page(filmed_bundle, limits) as page:
        began = time.monotonic()
        with begin(page, form[:80], length=10 * MIB) as sender:
            status, answer = read_answer(sender)
        took_s = time.monotonic() - began

        assert status == 408
        assert '{"error":"The files came too slowly."}' in answer
        assert "cross-origin-resource-policy" in answer
        assert 0.2 < took_s < 10
        assert page.get("/health").read()["waiting"] == 0


def test_an_upload_that_pauses_but_is_fast_enough_is_taken(filmed_bundle):
    limits = Limits(pace_s=0.5, least_bytes_s=200.0)
    form = write_form({"bio": b"no table"}, {"bio": "s.exe"})
    form = form.replace(b"no table", b"1" * 4000)
    with (
        open_page(filmed_bundle, limits) as page,
        begin(page, form[:500], length=len(form)) as sender,
    ):
        for start in range(500, len(form), 500):
            time.sleep(0.15)
            sender.sendall(form[start : start + 500])
        came = sender.recv(65536)
        while b"\r\n\r\n{" not in came:
            came += sender.recv(65536)

    assert b" 422 " in came
    assert b"bio: must be one of" in came


def test_a_full_disk_is_said_while_files_come(filmed_bundle, tmp_path, monkeypatch):
    with mount_small_disk(tmp_path / "small", size="4m") as disk:
        monkeypatch.setattr(tempfile, "tempdir", str(disk))
        with open_page(filmed_bundle) as page:
            # while it comes, and while what came is kept
            answers = [
                page.send(named={"bio": "s.csv"}, bio=b"1" * size)
                for size in (20 * MIB, 3 * MIB)
            ]
            health = page.get("/health").read()
            left = [path for path in disk.glob(f"{PREFIX}*/*") if path.is_dir()]

    said = "The disk of this machine is full: make room, then send it again."
    for answer in answers:
        assert answer.status == 507
        assert answer.read() == {"error": said}
    assert health["waiting"] == health["running"] == 0
    assert not left
