"""What is said of a video without decoding all of it."""

import sys

from deepvanet.preprocessing.face import load_backend
from deepvanet.preprocessing.video_facts import examine_video
from portraits import film_portrait


def test_a_video_is_examined_where_dlib_is_not_installed(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "dlib", None)
    load_backend.cache_clear()

    facts = examine_video(film_portrait(tmp_path / "a.mp4", n_frames=10, fps=10))

    load_backend.cache_clear()
    assert facts is not None
    assert facts.faces is not None
    assert facts.faces.n_with_face == facts.faces.n_images
