"""Tests of how what was sent is kept."""

import io
from pathlib import Path

import pytest

import device_exports as exports
from deepvanet.app.limits import Limits
from deepvanet.app.uploads import keep_upload
from deepvanet.schema import UserError
from deepvanet.signal_io.declared import Declaration
from deepvanet.signal_io.open_file import open_signals


def keep(kind, content, sent_as, folder):
    return keep_upload(kind, io.BytesIO(content), sent_as, folder, limits=Limits())


def test_a_sensor_of_empatica_is_read_as_that_sensor(tmp_path):
    session = exports.write_e4(tmp_path / "e4")
    job = tmp_path / "job"
    job.mkdir()
    kept = [
        keep(kind, (session / name).read_bytes(), name, job)
        for kind, name in (("peripheral", "EDA.csv"), ("peripheral_2", "BVP.csv"))
    ]

    labels = [open_signals(path, Declaration()).labels for path in kept]

    assert labels == [("EDA",), ("BVP",)]


def test_a_log_of_openbci_is_read_as_one(tmp_path):
    sent = exports.write_openbci(tmp_path / "log.txt").read_bytes()

    kept = keep("bio", sent, "OpenBCI-RAW.txt", tmp_path)

    assert kept == tmp_path / "bio.txt"
    assert open_signals(kept, Declaration()).labels[0] == "EXG Channel 0"


@pytest.mark.parametrize(
    "sent_as",
    [
        "../EDA.csv",
        "/etc/EDA.csv",
        "..\\..\\EDA.csv",
        "EDA.csv/../../../x.csv",
        "a.csv",
    ],
)
def test_what_was_sent_stays_in_the_folder_of_its_recording(tmp_path, sent_as):
    job = tmp_path / "job"
    job.mkdir()

    kept = keep("bio", b"time,Fp1\n0,1\n", sent_as, job)

    assert job in kept.resolve().parents
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [kept]


def test_a_text_with_zeros_is_refused_whatever_its_ending(tmp_path):
    for ending in (".csv", ".tsv", ".txt"):
        with pytest.raises(UserError, match="is not text"):
            keep("bio", b"a\0b", f"x{ending}", tmp_path)
    assert not any(Path(tmp_path).iterdir())
