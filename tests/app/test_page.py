"""Tests of :mod:`deepvanet.app`, asked as a program asks it."""

import html
import io
import json
import math
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest

from deepvanet.app.limits import MIB, Limits
from deepvanet.app.uploads import BIO_SIGNATURES, VIDEO_SIGNATURES
from deepvanet.bundle.reliability import Calibrations
from deepvanet.datasets.deap.reader import CHANNELS
from deepvanet.explanation import attribute_streams
from deepvanet.inference import TIMELINE_COLUMNS, RecordingInput, predict
from deepvanet.metrics import Calibration
from deepvanet.preprocessing.face import make_backend
from films import number_pictures, write_video
from pages import BOUNDARY, open_page, serve_page, write_recording
from processes import wait_until
from signal_files import write_fif

SECONDS = 6


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    return write_recording(tmp_path_factory.mktemp("page"), seconds=SECONDS)


@pytest.fixture(scope="module")
def page(filmed_bundle):
    with open_page(filmed_bundle) as served:
        yield served


@pytest.fixture(scope="module")
def answered(page, recording):
    """A recording that the page has answered; its address, and what it said."""
    sent = page.send(**recording, video_offset_s="1.5")
    assert page.wait(sent)["state"] == "done"
    where = sent.headers["location"]
    return where, page.get(f"{where}/result").read()


def test_health_and_version_say_what_runs(page, filmed_bundle):
    health, version = page.get("/health").read(), page.get("/version").read()

    assert health["status"] == "ok"
    assert health["room"] == 5
    assert version["model"] == filmed_bundle.name
    assert set(version["streams"]) == {"face", "bio", "face+bio"}
    assert version["targets"] == ["valence", "arousal"]


def test_a_result_is_what_predict_and_explain_say(
    answered, page, recording, filmed_bundle
):
    where, result = answered
    wanted = predict(filmed_bundle, RecordingInput(**recording, video_offset_s=1.5))
    spoke = attribute_streams(
        filmed_bundle, RecordingInput(**recording, video_offset_s=1.5)
    )

    table = pd.read_csv(
        io.BytesIO(page.get(f"{where}/timeline.csv").body), keep_default_na=False
    )

    assert tuple(table.columns) == TIMELINE_COLUMNS
    assert table["time_s"].tolist() == list(range(8))
    for name in ("valence", "arousal"):
        known = [row[name] for row in result["rows"]]
        assert known == pytest.approx(wanted.table[name].tolist(), abs=1e-6)
        for stream, parts in result["attributions"][name].items():
            rows = spoke[(spoke["target"] == name) & (spoke["stream"] == stream)]
            said = dict(enumerate(parts))
            for second, part in zip(rows["time_s"], rows["attribution"], strict=True):
                assert said[second] == pytest.approx(part, rel=1e-3, abs=1e-6)
    assert [row["streams"] for row in result["rows"]] == wanted.table[
        "streams"
    ].tolist()
    assert result["video_offset_s"] == 1.5
    assert result["video_span"] == [2, 8]


def test_what_had_to_be_assumed_is_shown_and_in_the_report(answered, page):
    where, result = answered

    report = html.unescape(page.get(f"{where}/report.html").body.decode())

    (said,) = [note for note in result["notes"] if note.startswith("baseline: ")]
    assert "0 to 3 s of the recording, where training took each trial" in said
    assert said in report


@pytest.mark.slow
def test_a_channel_far_from_training_is_named(page, tmp_path):
    bio = 10 * np.random.default_rng(0).normal(size=(len(CHANNELS), 9 * 128))
    bio[1, 3 * 128 :] += 5000
    path = write_fif(tmp_path / "far_raw.fif", bio, CHANNELS)

    sent = page.send(bio=path)

    assert page.wait(sent)["state"] == "done"
    notes = page.get(f"{sent.headers['location']}/result").read()["notes"]
    assert any(note.startswith(f"{CHANNELS[1].name} is far from") for note in notes)


@pytest.mark.slow
def test_seconds_are_called_high_above_what_belongs_to_a_half(
    filmed_bundle, recording, tmp_path
):
    model = shutil.copytree(filmed_bundle, tmp_path / "model")
    described = json.loads((model / "bundle.json").read_text())
    for network in described["networks"]:
        for answer in network["answers"]:
            answer["calibration"] = Calibrations(
                segment=Calibration(2.0, -1.0), trial=Calibration(1.0, 1.0)
            ).to_dict()
    (model / "bundle.json").write_text(json.dumps(described))

    with open_page(model) as page:
        sent = page.send(**recording)
        assert page.wait(sent)["state"] == "done"
        result = page.get(f"{sent.headers['location']}/result").read()
        report = page.get(f"{sent.headers['location']}/report.html").body.decode()

    above = 1 / (1 + math.e)
    for name in ("valence", "arousal"):
        thresholds = result["thresholds"][name]
        assert set(thresholds) == {"face", "bio", "face+bio"}
        assert list(thresholds.values()) == pytest.approx([above] * 3)
        for row in result["rows"]:
            assert row[f"{name}_label"] == (row[name] > above)
    assert report.count('class="threshold"') == 2
    assert f",{(1 - above) * 160:.1f} " in report


def test_signals_are_outlined_in_their_units(answered):
    signals = answered[1]["signals"]

    assert [signal["name"] for signal in signals] == [c.name for c in CHANNELS]
    assert answered[1]["n_channels"] == len(CHANNELS)
    for drawn in signals:
        assert drawn["duration_s"] == SECONDS
        pairs = list(zip(drawn["low"], drawn["high"], strict=True))
        assert all(low <= high for low, high in pairs)
        assert 15 < max(drawn["high"]) < 80  # noise of 10 uV, of 1536 samples


def test_the_video_plays_in_browsers_and_keeps_its_length(answered, page):
    sent = page.get(f"{answered[0]}/video")

    assert sent.headers["content-type"] == "video/mp4"
    with av.open(io.BytesIO(sent.body)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert float(stream.duration * stream.time_base) == pytest.approx(6, abs=0.2)


def test_a_part_of_the_video_can_be_asked_for(answered, page):
    whole = page.get(f"{answered[0]}/video").body

    part = page.ask("GET", f"{answered[0]}/video", headers={"Range": "bytes=10-19"})

    assert part.status == 206
    assert part.body == whole[10:20]


@pytest.mark.slow
def test_a_codec_that_browsers_lack_is_made_one_that_they_play(page, tmp_path):
    video = write_video(
        tmp_path / "old.avi", number_pictures(range(30)), fps=10, codec="mpeg4"
    )

    sent = page.send(video=video)
    said = page.wait(sent)

    assert said["state"] == "done", said
    body = page.get(f"{sent.headers['location']}/video").body
    with av.open(io.BytesIO(body)) as container:
        assert container.streams.video[0].codec_context.name == "h264"
        assert sum(1 for _ in container.decode(video=0)) == 30


def test_a_report_needs_nothing_else_and_says_what_a_score_is(answered, page):
    report = page.get(f"{answered[0]}/report.html")
    text = report.body.decode()

    assert "attachment" in report.headers["content-disposition"]
    assert "Probability of a high self-rating" in text
    assert not re.search(r"(src|href)=", text)
    assert "<svg" in text
    assert "<tr>" not in text, "no row a second: these are in the table"
    for said in ("signals.bdf", "face.mp4", "model", answered[1]["made"]):
        assert said in text


def test_what_was_never_scored_is_said_beside_its_score(answered, page):
    worth, version = answered[1]["worth"], page.get("/version").read()
    report = page.get(f"{answered[0]}/report.html").body.decode()

    assert {one["state"] for one in worth["standings"]} == {"never scored"}
    assert not any(one["has_label"] for one in worth["standings"])
    (said,) = worth["said"]
    assert said[1].endswith("than guessing; no high or low is named.")
    assert said[1] in report
    assert "high)" not in report
    assert version["standings"][0][0] == "never scored"
    used = {row["streams"] for row in answered[1]["rows"]}
    assert {choice["streams"] for choice in worth["choices"]} == used


def test_the_page_says_which_files_and_channels_a_model_needs(page):
    needs = {need["stream"]: need for need in page.get("/version").read()["needs"]}

    assert needs["face"]["file"] == "video"
    assert needs["eeg"]["file"] == "bio"
    assert needs["eeg"]["channels"][:2] == ["Fp1 (uV)", "AF3 (uV)"]
    assert len(needs["eeg"]["channels"]) == 32
    assert len(needs["peripheral"]["channels"]) == 8


@pytest.mark.slow
def test_a_file_that_lacks_channels_is_named_as_the_person_calls_it(page, tmp_path):
    bio = 10 * np.random.default_rng(0).normal(size=(30, 6 * 128))
    path = write_fif(tmp_path / "kept_raw.fif", bio, CHANNELS[:30])

    said = page.wait(page.send(bio=path, named={"bio": "my cap.fif"}))

    assert said["state"] == "failed"
    assert said["error"] == (
        "model: from my cap.fif: the bundle knows face, bio, face+bio, got eeg; my "
        "cap.fif: 2 of 32 EEG channels are missing: PO4, O2; my cap.fif: 8 of 8 "
        "peripheral channels are missing: hEOG, vEOG, zEMG, tEMG, GSR, "
        "Respiration and 2 more"
    )
    assert "bio.fif" not in said["error"]


@pytest.mark.slow
def test_a_face_is_boxed_where_it_was_cut_out(answered):
    squares = answered[1]["squares"]

    assert len(squares) >= 5 * (SECONDS - 1)
    assert [s[0] for s in squares] == sorted(s[0] for s in squares)
    corners = np.array([s[1:] for s in squares]).reshape(-1, 4, 2)
    middles = corners.mean(axis=1)
    assert np.all((middles > 0.2) & (middles < 0.8))


@pytest.mark.slow
def test_a_video_can_be_kept_with_its_face_blurred(page, recording):
    sent = page.send(video=recording["video"], blur_faces="1")

    assert page.wait(sent)["state"] == "done"
    where = sent.headers["location"]
    result = page.get(f"{where}/result").read()
    kept = page.get(f"{where}/video")
    assert result["blurs_faces"]
    assert result["squares"] == []
    assert all(row["face_found"] for row in result["rows"])
    assert kept.headers["content-type"] == "video/mp4"
    finder = make_backend("yunet")
    with av.open(io.BytesIO(kept.body)) as container:
        frames = [f.to_ndarray(format="rgb24") for f in container.decode(video=0)]
    assert len(frames) == 10 * SECONDS
    assert not any(finder.detect(frame) for frame in frames[::5])


def test_eeg_of_each_second_is_divided_into_bands(answered):
    bands = answered[1]["bands"]

    assert [name.split()[0] for name in bands["names"]] == [
        *("theta", "alpha", "beta", "gamma")
    ]
    assert len(bands["shares"]) == SECONDS
    # of white noise a band has the share that it has of the hertz from 4 to 45
    mean = np.mean(bands["shares"], axis=0)
    assert mean == pytest.approx(np.array([4, 5, 17, 15]) / 41, abs=0.03)


@pytest.mark.slow
def test_a_single_stream_is_enough(page, recording):
    sent = page.send(bio=recording["bio"])

    assert page.wait(sent)["state"] == "done"
    result = page.get(f"{sent.headers['location']}/result").read()
    assert {row["streams"] for row in result["rows"]} == {"bio"}
    assert result["video"] is None
    assert page.get(f"{sent.headers['location']}/video").status == 404


@pytest.mark.slow
def test_the_example_needs_no_file(page):
    sent = page.send(example="1")

    assert page.wait(sent)["state"] == "done"
    result = page.get(f"{sent.headers['location']}/result").read()
    assert result["is_example"]
    assert [row["streams"] for row in result["rows"][:4]] == ["bio"] * 3 + ["face+bio"]


@pytest.mark.slow
def test_files_are_removed_when_used_and_all_else_when_asked(page, recording):
    sent = page.send(**recording)
    job = page.wait(sent)["id"]
    (folder,) = Path(tempfile.gettempdir()).glob(f"deepvanet-page-*/{job}")

    names = {path.name for path in folder.iterdir()}
    removed = page.ask("DELETE", sent.headers["location"])

    assert "bio.bdf" not in names
    assert removed.status == 204
    assert not folder.exists()
    assert page.get(sent.headers["location"]).status == 404


@pytest.mark.slow
def test_recordings_of_several_people_are_never_mixed(page, tmp_path, filmed_bundle):
    recordings = [
        write_recording(tmp_path / str(seed), seconds=3 + seed, seed=seed)
        for seed in range(3)
    ]

    with ThreadPoolExecutor(3) as pool:
        sent = list(pool.map(lambda each: page.send(**each), recordings))
    for each, answer in zip(recordings, sent, strict=True):
        assert page.wait(answer)["state"] == "done"
        result = page.get(f"{answer.headers['location']}/result").read()
        wanted = (
            predict(filmed_bundle, RecordingInput(**each)).table["valence"].tolist()
        )
        assert [row["valence"] for row in result["rows"]] == pytest.approx(
            wanted, abs=1e-6
        )


@pytest.mark.slow
def test_who_comes_when_it_is_full_is_told_to_come_again(filmed_bundle, recording):
    limits = Limits(running=1, waiting=2)
    with open_page(filmed_bundle, limits) as page:
        with ThreadPoolExecutor(12) as pool:
            sent = list(pool.map(lambda _: page.send(bio=recording["bio"]), range(12)))
        full = [answer for answer in sent if answer.status == 503]
        taken = [answer for answer in sent if answer.status == 202]
        health = page.get("/health").read()

        assert len(taken) == 3
        assert len(full) == 9
        assert all(int(answer.headers["retry-after"]) > 0 for answer in full)
        assert re.match(r"Busy, \d waiting", full[0].read()["error"])
        assert health["status"] == "full"
        assert all(page.wait(answer)["state"] == "done" for answer in taken)
        assert page.get("/health").read()["status"] == "ok"


@pytest.mark.parametrize(
    ("part", "name", "body", "sentence"),
    [
        ("video", "a.exe", b"MZ", "video: must be one of .mp4"),
        ("video", "a.mp4", b"", "video: the file is empty"),
        ("video", "a.mp4", b"#EXTM3U\nfile:///etc/passwd\n", "is not what its ending"),
        ("video", "a.avi", b"RIFF\0\0\0\0WAVEfmt ", "is not what its ending"),
        ("bio", "../../s.vhdr", b"Brain", "bio: must be one of .bdf"),
        ("bio", "s.bdf", b"\xffBIOSEMI" + b" " * 300, "does not say how long it"),
        ("bio", "s.csv", b"time,Fp1\n\0\0", "is not text"),
        ("bio", "s.dat", b"\x80\x02.", "bio: must be one of .bdf"),
    ],
)
def test_what_is_no_recording_is_refused_in_a_sentence(
    page, part, name, body, sentence
):
    answer = page.send(named={part: name}, **{part: body})

    assert answer.status == 422
    assert sentence in answer.read()["error"]


def test_signals_that_say_they_last_for_days_are_refused_before_they_are_read(page):
    head = bytearray(b"\xffBIOSEMI" + b" " * 504)
    head[236:252] = b"99999999" + b"1       "

    answer = page.send(named={"bio": "s.bdf"}, bio=bytes(head))

    assert answer.status == 422
    assert answer.read()["error"] == "bio: lasts more than 120 minutes"


@pytest.mark.slow
@pytest.mark.parametrize("part", ["video", "bio"])
def test_a_damaged_file_ends_in_a_sentence_without_paths(page, recording, part):
    whole = recording[part].read_bytes()
    damaged = whole[:600] if part == "video" else whole[:300]

    answer = page.send(named={part: recording[part].name}, **{part: damaged})
    said = page.wait(answer) if answer.status == 202 else answer.read()

    assert said["error"]
    assert "/" not in said["error"].replace("--", "")
    assert "Traceback" not in json.dumps(said)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "Send a video, a signal file, or features of a face."),
        ({"example": "1", "video_offset_s": "soon"}, "video_offset_s must be a number"),
        ({"example": "1", "baseline_start_s": "1e9"}, "baseline_start_s must be a num"),
    ],
)
def test_a_form_that_says_nothing_is_refused(page, fields, sentence):
    answer = page.send(**fields)

    assert answer.status == 400
    assert sentence in answer.read()["error"]


def test_more_than_is_taken_is_refused_before_it_comes(filmed_bundle):
    limits = Limits(video_bytes=MIB, bio_bytes=MIB)
    with open_page(filmed_bundle, limits) as page:
        told = page.ask("POST", "/api/jobs", headers={"Content-Length": str(9 * MIB)})
        large = page.send(named={"bio": "s.csv"}, bio=b"1" * (MIB + 1))

    assert told.status == 413
    assert large.status == 422
    assert large.read()["error"] == "bio: is larger than 1 MiB"


def test_a_body_without_a_length_is_bounded_too(filmed_bundle):
    limits = Limits(video_bytes=MIB, bio_bytes=MIB)

    def stream():
        yield f"--{BOUNDARY}\r\nContent-Disposition: form-data; ".encode()
        yield b'name="bio"; filename="s.csv"\r\n\r\n'
        for _ in range(64):
            yield b"1" * (MIB // 8)

    with open_page(filmed_bundle, limits) as page:
        kind = f"multipart/form-data; boundary={BOUNDARY}"
        answer = page.ask("POST", "/api/jobs", stream(), headers={"Content-Type": kind})
        assert answer.status == 413
        assert page.get("/health").read()["waiting"] == 0


def test_work_that_takes_too_long_is_ended(filmed_bundle, recording):
    with open_page(filmed_bundle, Limits(job_s=0.5)) as page:
        said = page.wait(page.send(**recording))

    assert said["state"] == "failed"
    assert said["error"] == "It took longer than 0.5 s."


@pytest.mark.slow
def test_work_that_needs_too_much_memory_ends_in_a_sentence(filmed_bundle, recording):
    with open_page(filmed_bundle, Limits(memory_bytes=400 * MIB)) as page:
        said = page.wait(page.send(**recording))

    assert said["state"] == "failed"
    assert "memory" in said["error"]


@pytest.mark.slow
def test_a_video_that_is_too_long_or_too_large_is_not_decoded(filmed_bundle, recording):
    for limits, sentence in (
        (Limits(duration_s=3.0), "video: lasts more than 0.05 minutes"),
        (Limits(pixels=1000), "video: a picture has 256 x 256 pixels"),
    ):
        with open_page(filmed_bundle, limits) as page:
            said = page.wait(page.send(video=recording["video"]))
        assert sentence in said["error"]


@pytest.mark.slow
def test_signals_without_a_header_are_too_long_when_they_are_opened(
    filmed_bundle, tmp_path
):
    times = np.arange(0, 6, 1 / 128)
    table = pd.DataFrame({"time": times} | {c.name: times % 0.1 for c in CHANNELS})
    table.to_csv(tmp_path / "signals.csv", index=False)

    with open_page(filmed_bundle, Limits(duration_s=5.0)) as page:
        said = page.wait(page.send(bio=tmp_path / "signals.csv"))

    assert said["error"] == "it lasts more than 0.0833333 minutes"


@pytest.mark.slow
def test_a_result_is_removed_when_nobody_asks_for_it(filmed_bundle, recording):
    with open_page(filmed_bundle, Limits(keep_s=0.3)) as page:
        sent = page.send(bio=recording["bio"])
        job = page.wait(sent)["id"]
        temporary = Path(tempfile.gettempdir())
        wait_until(lambda: not list(temporary.glob(f"deepvanet-page-*/{job}")))

        assert page.get(sent.headers["location"]).status == 404


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", {"Host": "evil.example"}, 421),
        ("POST", {"Origin": "http://evil.example"}, 403),
        ("POST", {"Origin": "null"}, 403),
        ("DELETE", {"Origin": "http://127.0.0.1:1"}, 403),
    ],
)
def test_other_sites_and_other_names_are_refused(page, method, headers, status):
    assert page.ask(method, "/api/jobs/x", headers=headers).status == status


@pytest.mark.parametrize(
    "path",
    [
        "/static/../server.py",
        "/static/%2e%2e/server.py",
        "/api/jobs/..%2f..",
        "/nothing",
    ],
)
def test_what_is_not_there_is_not_found(page, path):
    answer = page.get(path)

    assert answer.status == 404
    assert answer.read()["error"].startswith("There is no such")


def test_every_answer_forbids_what_a_page_of_this_machine_needs_not(page):
    for path in ("/", "/static/page.js", "/health", "/nothing"):
        headers = page.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


def test_the_page_names_no_address_but_its_own():
    static = files("deepvanet.app") / "static"
    for file in (path for path in static.iterdir() if path.is_file()):
        found = re.findall(r"https?://[^\s\"']+", file.read_text())
        assert set(found) <= {"http://www.w3.org/2000/svg"}, file.name


def test_what_others_wrote_has_its_licence_beside_it_and_runs_no_text():
    folder = files("deepvanet.app") / "static" / "vendor" / "uplot"

    code = (folder / "uPlot.iife.min.js").read_text()
    assert "v1.6.32" in code[:200]
    assert not re.search(r"\beval\(|new Function|document\.write", code)
    assert "fetch(" not in code
    assert "MIT License" in (folder / "LICENSE").read_text()


def test_the_kinds_of_files_that_are_taken_are_told(page):
    version = page.get("/version").read()

    assert version["video"] == list(VIDEO_SIGNATURES)
    assert version["bio"] == list(BIO_SIGNATURES)


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_until_it_is_interrupted_and_leaves_nothing(
    filmed_bundle, recording, temporary, how
):
    with serve_page(filmed_bundle) as (page, process):
        sent = page.send(**recording)
        assert sent.status == 202
        process.send_signal(how)
        _, said = process.communicate(timeout=60)

    assert "Traceback" not in said
    assert not list(temporary.glob("deepvanet-page-*"))


@pytest.mark.slow
def test_a_port_that_is_taken_is_one_sentence(filmed_bundle, page):
    ended = serve("serve", filmed_bundle, "--port", page.port)

    assert ended.returncode == 2
    assert ended.stderr.strip().endswith("is taken or not allowed")


@pytest.mark.slow
def test_a_folder_without_a_bundle_is_one_sentence(tmp_path):
    ended = serve("serve", tmp_path, "--port", 0)

    assert ended.returncode == 2
    assert len(ended.stderr.strip().splitlines()) == 1


def serve(*command):
    return subprocess.run(
        [sys.executable, "-m", "deepvanet", *map(str, command)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
