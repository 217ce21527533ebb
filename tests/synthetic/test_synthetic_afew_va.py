"""Tests of :mod:`deepvanet.synthetic.afew_va`."""

import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GroupKFold, cross_val_predict

from deepvanet.config import Execution
from deepvanet.datasets import check
from deepvanet.datasets.afew_va.reader import find_clips, name_dataset, read_picture
from deepvanet.preprocessing.face import align_face, make_backend
from deepvanet.preprocessing.landmarks import crop_by_landmarks, reduce_landmarks
from deepvanet.schema import Target, UserError
from deepvanet.synthetic.afew_va import (
    ClipsPlan,
    sample_mood,
    write_afew_va,
    write_clip,
)
from deepvanet.synthetic.behaviour import Behaviour
from deepvanet.synthetic.face import Camera, make_face, record_video
from deepvanet.synthetic.knobs import Knobs, Purpose, sample_state
from deepvanet.synthetic.marks import MARKS, MIRRORED, mark
from deepvanet.synthetic.portrait import make_portrait

N_ACTORS, N_CLIPS, N_FRAMES = 4, 2, 4


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("afew") / "AFEW-VA"
    write_afew_va(root, n_actors=N_ACTORS, n_clips=N_CLIPS, n_frames=N_FRAMES, seed=3)
    return root


@pytest.fixture(scope="module")
def clips(root):
    return find_clips(root).clips


def digest_files(root):
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def list_faces(clips):
    """Return picture and landmarks of the last frame of each clip."""
    return [read_picture(clip.frames[-1]) for clip in clips]


# --- what lies on disk


def test_tree_is_the_documented_one(root):
    content = json.loads((root / "002" / "002.json").read_text())

    assert sorted(path.name for path in root.iterdir()) == [
        *(f"{clip:03d}" for clip in (1,)),
        "001_cropped",
        *(f"{clip:03d}" for clip in range(2, N_ACTORS * N_CLIPS + 1)),
        *("SYNTHETIC.txt", "__MACOSX"),
    ]
    names = [f"{k:05d}" for k in range(N_FRAMES)]
    assert sorted(path.name for path in (root / "002").iterdir()) == [
        *(f"{name}.png" for name in names),
        "002.json",
    ]
    assert set(content) == {"actor", "video_id", "frames"}
    assert list(content["frames"]) == names
    for entry in content["frames"].values():
        assert set(entry) == {"landmarks", "valence", "arousal"}
        assert np.array(entry["landmarks"]).shape == (68, 2)
        assert isinstance(entry["valence"], int)
        assert isinstance(entry["arousal"], int)


def test_nothing_of_it_is_left_out_but_the_junk(root):
    found = find_clips(root)

    assert found.n_frames == N_ACTORS * N_CLIPS * N_FRAMES
    assert not any(found.dropped.values())
    assert [path.name for path in found.ignored] == ["001_cropped", "__MACOSX"]
    assert name_dataset(root) == "afew-va-synthetic"
    by_actor = [sum(c.actor == actor for c in found.clips) for actor in found.actors]
    assert by_actor == [N_CLIPS] * N_ACTORS


def test_clips_differ_in_size_and_place(clips):
    faces = [reduce_landmarks(landmarks) for _, landmarks in list_faces(clips)]
    sizes = {rgb.shape for rgb, _ in list_faces(clips)}

    assert (576, 720, 3) in sizes
    assert len(sizes) > 1
    heights = [face.eyes_to_lips for face in faces]
    assert max(heights) > 1.5 * min(heights)
    assert np.std([face.eyes[0] for face in faces], axis=0).min() > 10


def test_nested_tree_holds_the_same_clips(tmp_path):
    options = {"n_actors": 1, "n_clips": 51, "n_frames": 1, "seed": 1}
    plan = ClipsPlan(tmp_path, 1, 51, 1, True, 1.0, 1)
    write_afew_va(tmp_path / "flat", **options | {"n_clips": 1})
    write_afew_va(tmp_path / "nested", **options | {"n_clips": 1}, nested=True)

    flat, nested = (digest_files(tmp_path / name) for name in ("flat", "nested"))
    assert nested["01/001/001.json"] == flat["001/001.json"]
    assert nested["01/001/00000.png"] == flat["001/00000.png"]
    assert "01/001_cropped/00000.png" in nested
    assert plan.folder(50) == tmp_path / "01" / "050"
    assert plan.folder(51) == tmp_path / "02" / "051"


def test_a_seed_is_a_data_set(root, tmp_path):
    plan = ClipsPlan(tmp_path, N_ACTORS, N_CLIPS, N_FRAMES, False, 1.0, 3)

    write_clip(plan, 6)

    assert len(digest_files(tmp_path / "006")) == N_FRAMES + 1
    assert digest_files(tmp_path / "006") == digest_files(root / "006")


@pytest.mark.slow
def test_two_processes_write_what_one_does(root, tmp_path):
    options = {"n_actors": N_ACTORS, "n_clips": N_CLIPS, "n_frames": N_FRAMES}
    write_afew_va(tmp_path / "a", **options, seed=3, execution=Execution(jobs=2))

    assert digest_files(tmp_path / "a") == digest_files(root)


def test_another_seed_is_another(tmp_path):
    for seed in (3, 4):
        write_afew_va(
            tmp_path / str(seed), n_actors=1, n_clips=1, n_frames=1, seed=seed
        )

    one, other = (digest_files(tmp_path / name) for name in ("3", "4"))
    assert list(one) == list(other)
    assert one["001/00000.png"] != other["001/00000.png"]
    assert one["001/001.json"] != other["001/001.json"]


def test_what_was_made_before_is_replaced(tmp_path):
    write_afew_va(tmp_path, n_actors=3, n_clips=1, n_frames=1, nested=True)
    (tmp_path / ".003.999999999.tmp").mkdir()

    write_afew_va(tmp_path, n_actors=2, n_clips=1, n_frames=1)

    assert [clip.name for clip in find_clips(tmp_path).clips] == ["001", "002"]
    assert not list(tmp_path.rglob(".*.tmp"))
    assert not (tmp_path / "01").exists()


def test_somebodys_clips_are_not_replaced(tmp_path):
    (tmp_path / "001").mkdir()

    with pytest.raises(UserError, match="holds files that synth did not write"):
        write_afew_va(tmp_path)

    assert [path.name for path in tmp_path.rglob("*")] == ["001"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_actors": 0}, r"n_subjects: must be 1 to 600, got 0"),
        ({"n_actors": 601}, r"n_subjects: must be 1 to 600, got 601"),
        ({"n_actors": 100, "n_clips": 7}, r"n_trials: must be 1 to 6, got 7$"),
        ({"n_frames": 0}, r"seconds: must be 0.04 or more, got 0.0"),
        ({"effect": -1.0}, r"effect: must be 0 or more, got -1.0"),
        ({"seed": -1}, r"seed: must be 0 or more, got -1"),
    ],
)
def test_a_number_out_of_range_is_the_users(options, message, tmp_path):
    with pytest.raises(UserError, match=message):
        write_afew_va(tmp_path / "new", **options)

    assert not (tmp_path / "new").exists()


# --- landmarks


def test_mirrored_points_are_those_of_the_other_side():
    points = np.array(MARKS)

    mirrored = points[list(MIRRORED)] * [-1, 1]

    assert sorted(MIRRORED) == list(range(68))
    assert np.array(MIRRORED)[list(MIRRORED)].tolist() == list(range(68))
    # the astronaut's face is nearly symmetric: no point is far from its own place
    turned = mirrored - mirrored.mean(axis=0) + points.mean(axis=0)
    assert np.hypot(*(turned - points).T).max() < 12


def test_landmarks_lie_where_dlib_sees_them(clips):
    judge = make_backend("dlib68")

    for rgb, landmarks in list_faces(clips):
        face = max(judge.detect(rgb), key=lambda found: found.extent)
        seen, given = judge.refine(rgb, face), reduce_landmarks(landmarks)

        assert np.hypot(*(seen.eyes - given.eyes).T).max() < 0.08 * given.eyes_to_lips
        assert np.hypot(*(seen.lips - given.lips)) < 0.14 * given.eyes_to_lips


def stand_still(**movements):
    still = np.zeros(1)
    courses = dict.fromkeys(
        ["time", "smile", "brows", "blink", "gaze", "turn", "nod", "roll"], still
    )
    moved = {name: np.array([value]) for name, value in movements.items()}
    return Behaviour(**(courses | moved), blink_times=np.empty(0))


@pytest.fixture(scope="module")
def faces():
    """Two persons, the second one mirrored."""
    made = [make_portrait(np.random.default_rng(seed)) for seed in range(6)]
    return [make_face(next(p for p in made if p.mirrored is m)) for m in (False, True)]


CAMERA = Camera(2.0, np.array([224.0, 125.0]), (320, 320), cv2.BORDER_REPLICATE)


def find_marks(face, camera=CAMERA, **movements):
    (found,) = mark(face, stand_still(**movements), camera)
    return found


@pytest.mark.parametrize("which", [0, 1])
def test_landmarks_follow_every_movement(which, faces):
    at_rest = find_marks(faces[which])
    ahead = 1 - 2 * which  # a mirrored face turns the other way

    def moved(**movements):
        return find_marks(faces[which], **movements) - at_rest

    lids = moved(blink=1.0)
    assert (lids[[37, 38, 43, 44], 1] > 5).all()
    assert np.abs(lids[[36, 39, 42, 45]]).max() < 1
    closed = find_marks(faces[which], blink=1.0)
    assert np.abs(closed[[37, 38], 1] - closed[[41, 40], 1]).max() < 3
    assert (moved(brows=1.0)[17:27, 1] < -3).all()
    smile = moved(smile=1.0)
    assert (smile[[48, 54], 1] < -2).all()
    assert smile[48, 0] < -2
    assert smile[54, 0] > 2
    assert (moved(smile=-1.0)[[48, 54], 1] > 2).all()
    assert (ahead * moved(turn=1.0)[27:60, 0] > 5).all()
    assert (moved(nod=1.0)[27:60, 1] > 5).all()
    assert ahead * moved(roll=1.0)[45, 1] != pytest.approx(0, abs=1)


def test_lips_meet_when_the_mouth_is_shut(faces):
    inner = [(61, 67), (62, 66), (63, 65)]

    shut = find_marks(faces[0])
    laughing = find_marks(faces[0], smile=1.0)

    for upper, lower in inner:
        assert shut[lower, 1] - shut[upper, 1] < 2
        assert laughing[lower, 1] - laughing[upper, 1] > 6


def test_points_go_by_the_side_of_the_picture(faces):
    for face in faces:
        found = find_marks(face)

        assert found[0, 0] < found[16, 0]
        assert found[36, 0] < found[39, 0] < found[42, 0] < found[45, 0]
        assert found[48, 0] < found[54, 0]


def test_landmarks_follow_the_camera(faces):
    near = find_marks(faces[0])
    size = (240, 160)
    far = Camera(1.0, np.array([234.0, 125.0]), size, cv2.BORDER_REPLICATE)

    found = find_marks(faces[0], camera=far)

    expected = (near - 159.5) / 2 - [10, 0] + [119.5, 79.5]
    assert np.abs(found - expected).max() < 0.75


def test_a_spot_on_the_face_is_where_its_landmark_is(faces):
    """Paint a landmark of the portrait white, and look for it in the film."""
    face = faces[0]
    rated = {Target.VALENCE: 5.0, Target.AROUSAL: 5.0}
    state = sample_state(rated, subject=1, stimulus=1, knobs=Knobs(), seed=0)
    movements = {"turn": 0.7, "nod": -0.5, "roll": 1.0, "smile": 0.6, "brows": -0.7}
    found = find_marks(face, **movements)
    for number in (8, 19, 30, 33, 48, 54):
        luma = np.full_like(face.portrait.luma, 40)
        spot = make_spot(face, number)
        cv2.circle(luma, spot, 5, 235, -1)
        painted = type(face)(
            type(face.portrait)(
                luma, face.portrait.chroma, face.portrait.landmarks, False
            ),
            *(face.corner, face.bends, face.edges),
        )

        (frame,) = record_video(
            painted,
            stand_still(**movements),
            state,
            rng=np.random.default_rng(0),
            camera=CAMERA,
        )

        bright = np.argwhere(frame[:320] > 60)[:, ::-1]
        assert np.hypot(*(bright.mean(axis=0) - found[number])) < 1.5


def make_spot(face, number):
    from deepvanet.synthetic.marks import reshape_marks

    return tuple(reshape_marks(face.portrait)[number].round().astype(int).tolist())


# --- the same framing as the video pipeline's


@pytest.mark.parametrize("name", ["dlib5", "yunet"])
def test_crops_by_landmarks_are_framed_as_those_of_the_video_pipeline(name, clips):
    backend = make_backend(name)
    off_eyes, off_lips, alike = [], [], []
    for rgb, landmarks in list_faces(clips):
        face = max(backend.detect(rgb), key=lambda found: found.extent)
        face, given = backend.refine(rgb, face), reduce_landmarks(landmarks)
        pixel = 1.75 * given.eyes_to_lips / 64
        off_eyes.append(np.hypot(*(face.eyes - given.eyes).T).max() / pixel)
        off_lips.append(np.hypot(*(face.lips - given.lips)) / pixel)
        crops = crop_by_landmarks(rgb, landmarks), align_face(rgb, face)
        alike.append(np.corrcoef(crops[0].ravel(), crops[1].ravel())[0, 1])

    assert np.median(off_eyes) < 2
    assert max(off_eyes) < 6
    assert np.median(off_lips) < 5
    assert max(off_lips) < 9
    assert np.median(alike) > 0.9


# --- what can be learnt


def test_an_actor_keeps_its_face_and_changes_its_wall(clips):
    crops, corners = {}, {}
    for clip in clips:
        rgb, landmarks = read_picture(clip.frames[0])
        crops.setdefault(clip.actor, []).append(crop_by_landmarks(rgb, landmarks))
        corners.setdefault(clip.actor, []).append(rgb[5, 5].astype(float))

    colours = np.array(
        [[crop[20:44].mean(axis=(0, 1)) for crop in own] for own in crops.values()]
    )
    own = np.abs(colours[:, 0] - colours[:, 1]).mean()
    other = np.abs(colours[:, 0] - np.roll(colours[:, 0], 1, axis=0)).mean()
    assert own < 0.6 * other
    assert all(np.abs(one - two).max() > 2 for one, two in corners.values())


def test_levels_wander_within_a_clip_and_reach_far():
    moods = [
        sample_mood(ClipsPlan(Path(), 60, 1, 100, False, 1.0, 0), k)
        for k in range(1, 61)
    ]
    for name in ("valence", "arousal"):
        levels = np.array([getattr(mood, name)[:100] for mood in moods])

        assert levels.min() == -1
        assert levels.max() == 1
        assert 0.05 < levels.std(axis=1).mean() < levels.mean(axis=1).std()
        assert np.abs(np.diff(levels, axis=1)).max() < 0.1


def measure_face(landmarks):
    """Return how a face differs from one at rest, whoever it is."""
    scale = np.hypot(*(landmarks[27] - landmarks[33]))
    brows = landmarks[[36, 39, 42, 45], 1].mean() - landmarks[17:27, 1].mean()
    inner = landmarks[[39, 42], 1].mean() - landmarks[[21, 22], 1].mean()
    corners = landmarks[[51, 57], 1].mean() - landmarks[[48, 54], 1].mean()
    width = landmarks[54, 0] - landmarks[48, 0]
    opened = landmarks[66, 1] - landmarks[62, 1]
    return np.array([brows, inner, corners, width, opened]) / scale


@pytest.fixture(scope="module")
def actors():
    plan = ClipsPlan(Path(), 12, 1, 1, False, 1.0, 0)
    return [
        make_face(make_portrait(plan.generator(Purpose.PORTRAIT, actor)))
        for actor in range(1, 13)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("effect", [0.0, 1.0])
def test_levels_show_in_faces_never_seen_only_where_there_is_an_effect(effect, actors):
    """The landmarks alone tell, by a straight line fitted to other actors."""
    plan = ClipsPlan(Path(), len(actors), 5, 1, False, effect, 0)
    features, levels, groups = [], [], []
    for clip in plan.clips:
        mood, actor = sample_mood(plan, clip), plan.name_actor(clip)
        smile, brows = (
            float(np.clip(mood.follow(trait, np.zeros(1))[0], -1, 1))
            for trait in ("smile", "brows")
        )
        found = find_marks(actors[actor - 1], smile=smile, brows=brows)
        features.append(measure_face(found))
        levels.append([mood.valence[0], mood.arousal[0]])
        groups.append(actor)

    guessed = cross_val_predict(
        RidgeCV(np.logspace(-4, 2, 7)),
        np.array(features),
        np.array(levels),
        groups=groups,
        cv=GroupKFold(4),
    )

    for target in range(2):
        r = np.corrcoef(guessed[:, target], np.array(levels)[:, target])[0, 1]
        assert r > 0.6 if effect else r < 0.45


def test_a_check_of_it_has_notes_alone(root):
    found = check("afew-va", root).findings

    codes = {f.code for f in found if f.code != "R07"}  # a tree of few trials
    assert codes == {"F02", "F03", "F06"}
