"""Tests of :mod:`deepvanet.datasets.afew_va.check`."""

import json

import cv2
import numpy as np
import pytest

from deepvanet.config import Execution
from deepvanet.datasets import check
from deepvanet.findings import Severity
from deepvanet.schema import UserError
from finding_texts import write_own
from inspections import find_table
from small_afew_va import (
    annotate,
    sample_landmarks,
    write_clip,
    write_image,
    write_small_afew_va,
)


@pytest.fixture
def root(tmp_path):
    return write_small_afew_va(tmp_path / "AFEW-VA", n_clips=4)


def list_texts(inspection, severity):
    return [write_own(f) for f in inspection.findings if f.severity is severity]


def read_table(inspection, number):
    return {row[0]: row[1:] for row in inspection.tables[number].rows}


def write_entry(root, place, entry):
    clip, name = place.split("/")
    path = root / clip / f"{clip}.json"
    content = json.loads(path.read_text())
    content["frames"][name] = entry
    path.write_text(json.dumps(content))


def test_copy_as_documented_has_nothing_wrong(root):
    inspection = check("afew-va", root)

    assert not inspection.errors
    assert {f.severity for f in inspection.findings} == {Severity.NOTE}
    (size,) = list_texts(inspection, Severity.NOTE)
    assert size == (
        "4 clips of AFEW-VA with 12 frames that can be used; a full copy has 600 clips "
        "with about 30000 frames"
    )
    contents = read_table(inspection, 0)
    assert contents["clips"] == (4,)
    assert contents["actors"] == (4,)
    assert contents["frames"] == (12,)
    assert contents["frames of a clip"] == ("3 - 3 - 3",)
    assert contents["images, width x height"] == ("80 x 60 (12)",)
    # eyes 6 above, lips 7 below the middle of the face
    assert contents["pixels from eyes to lips"] == ("13 - 13 - 13",)
    assert {row[1] for row in inspection.tables[2].rows} == {0}
    assert all(len(row) == len(t.columns) for t in inspection.tables for row in t.rows)


def test_annotation_is_described_over_all_clips(root):
    levels = read_table(check("afew-va", root), 1)

    # 0, 1, 2 in each clip, and their negatives
    assert levels["valence"] == ("0", "1", "2", "1", "0.816", "0.816")
    assert levels["arousal"] == ("-2", "-1", "0", "-1", "0.816", "0.816")


def test_everything_left_out_is_counted_and_named(root):
    (root / "001" / "001.json").unlink()
    (root / "002" / "00001.png").unlink()
    write_image(root / "002" / "00009.png")
    write_entry(root, "003/00000", {})
    write_entry(root, "003/00002", annotate(landmarks=sample_landmarks(x=-3)))
    write_entry(root, "004/00001", annotate(landmarks=np.full((68, 2), 9.0)))

    inspection = check("afew-va", root)

    assert not inspection.errors
    assert list_texts(inspection, Severity.WARNING) == [
        "1 clip without a JSON file is left out: 001",
        "1 image without an entry in the JSON file is left out: 002/00009",
        "1 entry without an image is left out: 002/00001",
        "1 frame without annotation is left out: 003/00000",
        "1 frame with eyes or lips outside the image is left out: 003/00002",
        "1 frame whose landmarks make no face is left out: 004/00001",
    ]
    losses = read_table(inspection, 2)
    assert losses["clips without a JSON file"] == (1, "001")
    assert losses["clips without an actor"] == (0, "")
    assert losses["frames whose landmarks make no face"] == (1, "004/00001")


def test_file_that_is_wrong_hides_none_of_the_others(root):
    (root / "001" / "001.json").write_text("{")
    write_entry(root, "002/00000", annotate(valence=99))
    image = root / "003" / "00001.png"
    image.write_bytes(image.read_bytes()[:60])
    write_clip(root / "005", actor="Actor 5")
    write_clip(root / "006", actor="Actor 6")

    inspection = check("afew-va", root)

    assert inspection.errors
    refusals = list_texts(inspection, Severity.ERROR)
    assert len(refusals) == 3
    assert "001.json: not a JSON file" in refusals[0]
    assert "002.json: frame 00000: valence must be" in refusals[1]
    assert "00001.png: cannot be decoded" in refusals[2]
    assert read_table(inspection, 0)["clips"] == (4,)
    assert read_table(inspection, 0)["frames"] == (11,)


@pytest.mark.parametrize("n_actors", [1, 2])
def test_too_few_actors_are_refused(n_actors, tmp_path):
    root = write_small_afew_va(tmp_path, n_clips=n_actors)

    (refusal,) = list_texts(check("afew-va", root), Severity.ERROR)

    assert f"on different people, got {n_actors}; assumed: no network" in refusal


def test_copy_of_which_nothing_can_be_used_is_refused(tmp_path):
    (tmp_path / "001").mkdir()

    inspection = check("afew-va", tmp_path)

    assert inspection.errors
    assert read_table(inspection, 0)["frames"] == (0,)
    assert inspection.tables[1].rows == ()


def test_odd_frames_are_noted(root):
    write_image(root / "001" / "00001.png", size=(90, 70))
    (root / "002" / "00000.png").rename(root / "002" / "7.png")
    write_entry(root, "002/7", annotate())
    landmarks = sample_landmarks()
    landmarks[8] = [40, 61]
    write_entry(root, "003/00001", annotate(landmarks=landmarks))

    notes = list_texts(check("afew-va", root), Severity.NOTE)

    assert "1 of 4 clips have images of several sizes: 001" in notes
    assert "1 of 4 clips have frames that are not named by five digits: 002" in notes
    assert (
        "1 of 4 clips have landmarks outside the image that no crop needs: 003" in notes
    )


def test_what_is_no_part_of_it_is_named(root):
    (root / "001_cropped").mkdir()
    (root / "SYNTHETIC.txt").write_text("")

    notes = list_texts(check("afew-va", root), Severity.NOTE)

    assert "ignored, no part of AFEW-VA (1): 001_cropped" in notes
    mark = f"made by deepvanet synth, see {root / 'SYNTHETIC.txt'}"
    assert any(note.endswith(mark) for note in notes)


@pytest.mark.slow
def test_full_copy_is_not_said_to_lack_anything(tmp_path):
    """600 clips of 50 frames; the images are hard links to one."""
    write_image(tmp_path / "image.png", size=(60, 50))
    entry = annotate(landmarks=sample_landmarks(30, 25))
    for k in range(1, 601):
        folder = tmp_path / "AFEW-VA" / f"{k:03d}"
        folder.mkdir(parents=True)
        frames = {}
        for name in [f"{number:05d}" for number in range(50)]:
            (folder / f"{name}.png").hardlink_to(tmp_path / "image.png")
            frames[name] = entry
        content = {"actor": f"A{k % 240}", "video_id": "", "frames": frames}
        (folder / f"{k:03d}.json").write_text(json.dumps(content))

    inspection = check("afew-va", tmp_path / "AFEW-VA")

    assert inspection.findings == ()
    assert read_table(inspection, 0)["frames"] == (30_000,)


def test_result_does_not_depend_on_the_number_of_processes(root):
    alone, together = (
        check("afew-va", root, execution=Execution(jobs=jobs)) for jobs in (1, 2)
    )

    assert alone == together


def test_nobody_can_be_left_out(root):
    with pytest.raises(UserError, match=r"exclude: AFEW-VA has actors.* got 9"):
        check("afew-va", root, exclude=["9"])


def test_images_are_decoded_and_not_only_measured(root):
    image = cv2.imread(str(root / "004" / "00002.png"))
    data = bytearray(cv2.imencode(".png", image)[1].tobytes())
    data[len(data) // 2] ^= 0xFF
    (root / "004" / "00002.png").write_bytes(data)

    (refusal,) = list_texts(check("afew-va", root), Severity.ERROR)

    assert "004/00002.png: cannot be decoded" in refusal


def test_clips_are_tabulated_with_frames_that_are_missing(root):
    (root / "002" / "00001.png").unlink()

    clips = find_table(check("afew-va", root), "Clips")

    whole, cut = clips["001"], clips["002"]
    assert (whole["not in a row"], cut["not in a row"]) == (0, 1)
    assert cut["frames"] == whole["frames"] - 1
    assert whole["face in %"] == "100"


def test_files_that_no_clip_has_are_named(root):
    (root / "001" / "notes.txt").touch()
    (root / "01.zip").touch()
    (root / "README").touch()

    found = [f for f in check("afew-va", root).findings if f.code == "F02"]

    assert [f.sentence for f in found] == [
        "not used, documentation (1): README",
        "not used, archives (1): 01.zip",
        "ignored, no part of AFEW-VA (1): 001/notes.txt",
    ]
