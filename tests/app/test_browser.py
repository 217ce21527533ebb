"""Tests of the page in a real browser: what a person sees, clicks and types."""

from contextlib import contextmanager
from dataclasses import replace

import pandas as pd
import pytest

from browsers import needs_browser
from deepvanet.bundle import list_standings, train_bundle
from deepvanet.config import Execution
from films import write_video
from pages import open_page, write_recording
from portraits import film_portrait, sample_portrait
from processes import wait_until
from small_store import write_small_store
from task_bundles import (
    QUICK,
    SETTINGS,
    STREAMS,
    train_task,
    write_rising,
    write_task_store,
)

WAIT_MS = 120_000
REFUSED = "the server responded with a status of 4"
"""What a browser notes of an answer that the page then shows as a sentence."""

pytestmark = [pytest.mark.slow, needs_browser]


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    return write_recording(tmp_path_factory.mktemp("browser"), seconds=8)


@pytest.fixture(scope="module")
def page(filmed_bundle):
    with open_page(filmed_bundle) as served:
        yield served


@pytest.fixture
def visit(browser, page):
    """Return a function that opens the page for one more person."""
    with lend_tabs(browser, page) as open_tab:
        yield open_tab


@contextmanager
def lend_tabs(browser, page):
    """Lend a function that opens a page; nothing may go wrong in it."""
    contexts, wrong = [], []

    def open_tab(path="/", **options):
        context = browser.new_context(accept_downloads=True, **options)
        contexts.append(context)
        tab = context.new_page()
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.on(
            "console",
            lambda said: REFUSED in said.text or wrong.append(said.text),
        )
        tab.on(
            "request",
            lambda request: (
                request.url.startswith((page.address, "blob:", "data:"))
                or wrong.append(request.url)
            ),
        )
        tab.goto(page.address + path)
        wait_for(tab, "document.getElementById('model').textContent")
        return tab

    yield open_tab
    for context in contexts:
        context.close()
    assert wrong == [], "a script failed, or something else was asked than this page"


def wait_for(tab, expression):
    """Wait until something holds in the page, whose policy forbids Playwright's way."""
    wait_until(lambda: tab.evaluate(expression))


def send(tab, recording, **options):
    for kind, path in recording.items():
        tab.set_input_files(f"#{kind}", path)
    if options:
        tab.click("text=Options")
    for name, value in options.items():
        tab.fill(f"#{name}", value)
    tab.click("text=Predict")


def see_result(tab):
    tab.wait_for_selector("#result:not([hidden])", timeout=WAIT_MS)
    if tab.is_visible("#player"):
        wait_for(tab, "document.getElementById('player').readyState >= 2")


def say(tab):
    """Return what the page says of the second under the cursor."""
    return tab.inner_text("#now")


def find_cursor(tab):
    """Return where the cursor stands, from 0 to 1 of the timeline's first chart."""
    return tab.evaluate(
        """() => {
            const [plot, cursor] = [".u-over", ".cursor"].map((name) =>
                document.querySelector(`#timeline ${name}`).getBoundingClientRect());
            return (cursor.left - plot.left) / plot.width;
        }"""
    )


def click_timeline(tab, share):
    frame = tab.locator("#timeline .u-over").first
    frame.scroll_into_view_if_needed()
    box = frame.bounding_box()
    tab.mouse.click(box["x"] + share * box["width"], box["y"] + box["height"] / 2)


def list_curves(tab):
    """Return the names of curves, as the legends of charts have them."""
    return tab.locator(
        "#timeline .u-series:not(:first-child) .u-label"
    ).all_inner_texts()


def get_time(tab):
    wait_for(tab, "!document.getElementById('player').seeking")
    return tab.evaluate("document.getElementById('player').currentTime")


def test_a_person_gets_from_two_files_to_a_timeline_that_follows_the_video(
    visit, recording
):
    tab = visit()
    send(tab, recording, video_offset_s="2")
    see_result(tab)

    assert tab.is_hidden("#send")
    assert "Probability of a high self-rating" in tab.inner_text("#meaning")
    assert say(tab).startswith("0:02")
    assert list_curves(tab)[:2] == ["valence", "arousal"]
    assert "probability of high valence" in tab.inner_html("#plane")
    assert "Contribution of each stream to high valence" in tab.inner_html("#timeline")

    click_timeline(tab, 0.65)  # second 6.5 of 10, of the video 4.5
    assert find_cursor(tab) == pytest.approx(0.65, abs=0.01)
    assert get_time(tab) == pytest.approx(4.5, abs=0.05)
    assert say(tab).startswith("0:06")
    assert "face found" in say(tab)

    tab.evaluate("document.getElementById('player').currentTime = 1")
    wait_for(tab, "document.getElementById('now').textContent[3] === '3'")
    assert find_cursor(tab) == pytest.approx(0.3, abs=0.01)

    tab.evaluate("document.getElementById('player').play()")
    wait_for(tab, "document.getElementById('now').textContent[3] === '5'")
    assert find_cursor(tab) >= 0.5


def test_all_can_be_done_by_keyboard(visit, recording):
    tab = visit()
    tab.focus("#video")
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.id") == "bio"
    for kind, path in recording.items():
        tab.set_input_files(f"#{kind}", path)
    for _ in range(3):
        tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.textContent") == "Predict"
    tab.keyboard.press("Enter")
    see_result(tab)

    assert tab.evaluate("document.activeElement.id") == "result-title"
    tab.focus("#timeline")
    slider = tab.locator("#timeline")
    for key, value in [("End", "8"), ("ArrowLeft", "7"), ("Home", "0"), ("Right", "1")]:
        tab.keyboard.press(f"Arrow{key}" if key == "Right" else key)
        assert slider.get_attribute("aria-valuenow") == value
    assert slider.get_attribute("aria-valuetext") == say(tab)
    tab.keyboard.press("Space")
    wait_for(tab, "!document.getElementById('player').paused")


def test_what_is_downloaded_is_the_table_and_the_report(visit, recording, tmp_path):
    tab = visit()
    send(tab, {"bio": recording["bio"]})
    see_result(tab)

    for link, name in (("#csv", "timeline.csv"), ("#report", "report.html")):
        with tab.expect_download() as downloading:
            tab.click(link)
        downloading.value.save_as(tmp_path / name)

    table = pd.read_csv(tmp_path / "timeline.csv")
    assert len(table) == 8
    said = float(say(tab).partition("valence ")[2].split()[0])
    assert table["valence"][0] == pytest.approx(said, abs=0.006)
    assert "<svg" in (tmp_path / "report.html").read_text()


def test_a_lost_face_is_marked_where_it_was_lost(visit, tmp_path):
    face = sample_portrait()
    pictures = [face * (not 30 <= number < 50) for number in range(80)]
    video = write_video(tmp_path / "away.mp4", iter(pictures), fps=10)
    tab = visit()
    send(tab, {"video": video})
    see_result(tab)

    click_timeline(tab, 0.1)
    assert "face found" in say(tab)
    click_timeline(tab, 0.55)
    assert "face lost" in say(tab)
    assert "no answer" in say(tab)
    assert "Face lost" in tab.inner_text("#timeline")


def test_charts_zoom_pan_and_show_the_value_at_the_pointer(visit, recording):
    tab = visit()
    send(tab, recording)
    see_result(tab)

    tab.click("#zoom-in")
    assert tab.inner_text("#seen") == "0:00 to 0:04"
    tab.click("#later")
    assert tab.inner_text("#seen") == "0:02 to 0:06"
    assert tab.locator("#timeline .cursor").is_hidden()
    drag_timeline(tab, 0.25, 0.75)
    assert tab.inner_text("#seen") == "0:03 to 0:05"
    click_timeline(tab, 0.6)
    assert say(tab).startswith("0:04")
    assert "\u2013" not in tab.inner_text("#timeline .u-legend")
    tab.focus("#timeline")
    tab.keyboard.press("Home")
    assert tab.inner_text("#seen").startswith("0:00"), "charts follow the video"
    tab.uncheck("#lock")
    tab.focus("#timeline")
    tab.keyboard.press("End")
    assert tab.inner_text("#seen").startswith("0:00"), "charts stay"
    tab.click("#all")
    assert tab.inner_text("#seen") == "0:00 to 0:08"


def test_channels_are_chosen(visit, recording):
    tab = visit()
    send(tab, {"bio": recording["bio"]})
    see_result(tab)

    assert tab.inner_text("#picked") == "Channels: 8 of 40"
    assert tab.locator("#timeline .signal").count() == 8
    tab.click("#picked")
    for name in ("hEOG", "Oz", "O2"):
        tab.locator("#channels label", has_text=name).click()
    assert tab.inner_text("#picked") == "Channels: 9 of 40"
    names = tab.locator("#timeline .signal .channel").all_inner_texts()
    assert [name.split()[0] for name in names][:5] == ["Fp1", "AF3", "F3", "Oz", "O2"]


def test_the_face_is_boxed_and_cut_out_and_bands_have_bars(visit, recording):
    tab = visit()
    send(tab, recording)
    see_result(tab)
    seen = "document.getElementById('box').getAttribute('points')"
    wait_for(tab, seen)

    corners = [float(number) for number in tab.evaluate(seen).split()]
    assert len(corners) == 8
    assert all(-0.2 < number < 1.2 for number in corners)
    shade = tab.evaluate(
        """() => {
            const crop = document.getElementById("crop");
            return [...crop.getContext("2d").getImageData(80, 80, 1, 1).data];
        }"""
    )
    assert shade[3] == 255
    assert tab.is_hidden("#no-face")
    shares = tab.locator("#power-bars output").all_inner_texts()
    assert sum(int(text.split()[0]) for text in shares) == pytest.approx(100, abs=2)


def test_the_page_says_what_the_model_reads_and_which_file_lacks_it(visit, tmp_path):
    tab = visit()

    assert "EEG, from the signals: 32 channels" in tab.inner_text("#needs")
    assert "never scored" in tab.inner_text("#known")
    face = film_portrait(tmp_path / "my face.mp4", n_frames=40, fps=10)
    send(tab, {"video": face})
    see_result(tab)
    assert "my face.mp4" in tab.inner_text("#what")
    lacking = tab.inner_text("#lacking")
    assert "no file of signals was sent: no answer uses EEG" in lacking


def drag_timeline(tab, share, until):
    frame = tab.locator("#timeline .u-over").first
    frame.scroll_into_view_if_needed()
    box = frame.bounding_box()
    middle = box["y"] + box["height"] / 2
    tab.mouse.move(box["x"] + share * box["width"], middle)
    tab.mouse.down()
    tab.mouse.move(box["x"] + (share + until) / 2 * box["width"], middle)
    tab.mouse.move(box["x"] + until * box["width"], middle)
    tab.mouse.up()


def test_two_people_see_their_own_recordings(visit, recording, tmp_path):
    other = write_recording(tmp_path, seconds=5, seed=3)
    first, second = visit(), visit()
    send(first, recording)
    send(second, other)
    see_result(first)
    see_result(second)

    assert first.locator("#timeline").get_attribute("aria-valuemax") == "8"
    assert second.locator("#timeline").get_attribute("aria-valuemax") == "5"
    assert first.url != second.url


def test_a_wrong_file_is_a_sentence_and_the_next_one_works(visit, recording, tmp_path):
    (tmp_path / "face.mp4").write_text("no video at all")
    tab = visit()
    send(tab, {"video": tmp_path / "face.mp4"})
    tab.wait_for_selector("#error:not([hidden])")

    assert tab.inner_text("#error") == "video: is not what its ending .mp4 says"
    assert tab.is_visible("#send")
    send(tab, recording)
    see_result(tab)
    assert tab.is_hidden("#error")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (None, "Choose a video, a signal file or both."),
        ("notes.txt", "notes.txt: must be one of .mp4"),
    ],
)
def test_what_cannot_be_sent_is_said_before_it_is(visit, tmp_path, name, sentence):
    tab = visit()
    if name:
        (tmp_path / name).write_text("hello")
        tab.set_input_files("#video", tmp_path / name)
    tab.click("text=Predict")

    assert sentence in tab.inner_text("#error")


def test_a_person_can_stop_and_start_again(visit, recording):
    tab = visit()
    send(tab, recording)
    tab.click("#cancel")
    assert tab.is_visible("#send")
    assert tab.inner_text("#name-bio") == "signals.bdf"
    assert tab.evaluate("document.getElementById('video').files[0].name") == "face.mp4"
    wait_for(
        tab, "fetch('/health').then((a) => a.json()).then((said) => !said.running)"
    )

    tab.click("#example")
    see_result(tab)
    assert "built-in example" in tab.inner_text("#result-title")
    where = f"/api/jobs/{tab.url.partition('#')[2]}"
    tab.click("#again")
    wait_for(tab, f"fetch('{where}').then((a) => a.status === 404)")


def test_a_result_stays_when_the_page_is_loaded_again(visit, recording):
    tab = visit()
    send(tab, {"bio": recording["bio"]})
    see_result(tab)
    said = say(tab)

    tab.reload()
    see_result(tab)

    assert say(tab) == said


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_and_can_be_read_in_light_and_in_dark(visit, recording, scheme):
    tab = visit(viewport={"width": 360, "height": 740}, color_scheme=scheme)
    send(tab, recording)
    see_result(tab)

    assert tab.evaluate("document.documentElement.scrollWidth") <= 360
    outside = tab.evaluate(
        """() => [...document.querySelectorAll("svg text")].filter((text) => {
            const box = text.getBoundingClientRect();
            const svg = text.closest("svg").getBoundingClientRect();
            return box.left < svg.left - 1 || box.right > svg.right + 1;
        }).map((text) => text.textContent)"""
    )
    assert outside == []
    shades = tab.evaluate(
        """() => ["backgroundColor", "color"].map((name) =>
            getComputedStyle(document.querySelector("section"))[name])"""
    )
    ground, ink = (sum(map(int, shade[4:-1].split(","))) for shade in shades)
    assert (ground > 600 and ink < 200) == (scheme == "light")
    assert (ground < 200 and ink > 600) == (scheme == "dark")


OVERLAPPING = """() => {
    const found = [];
    const share = (one, other, from, to) =>
        Math.min(one[to], other[to]) - Math.max(one[from], other[from]);
    for (const svg of document.querySelectorAll("#result svg")) {
        const around = svg.getBoundingClientRect();
        const texts = [...svg.querySelectorAll("text")].map((text) =>
            [text.textContent, text.getBoundingClientRect()]);
        texts.forEach(([said, box], k) => {
            const isOut = box.left < around.left - 1 || box.right > around.right + 1;
            if (isOut) found.push([said]);
            for (const [other, its] of texts.slice(k + 1)) {
                const wide = share(box, its, "left", "right");
                const high = share(box, its, "top", "bottom");
                if (wide > 1 && high > 3) found.push([said, other]);
            }
        });
    }
    return found;
}"""
"""Texts of the charts that lie over one another, or beyond their chart."""


@pytest.fixture(scope="module")
def task_store(tmp_path_factory):
    return write_task_store(tmp_path_factory.mktemp("tasks") / "store")


@pytest.fixture(scope="module")
def rising(tmp_path_factory):
    return write_rising(tmp_path_factory.mktemp("tasks") / "signals_raw.fif")


NEVER = "never scored"
SHOWN = {
    "high-low": ("Valence and arousal", 1, f"valence 1.00 {NEVER} \u00b7 arousal 0."),
    "high-low of others": ("Dominance and arousal", 1, f"dominance 1.00 {NEVER}"),
    "classes": ("Valence", 3, "valence: <4 0."),
    "texts": ("Mood", 3, "mood: "),
    "quadrants": ("Valence and arousal", 4, "valence and arousal: low valence, low "),
    "rating": ("Valence, arousal and dominance", 3, "dominance rating 7."),
    "rating of one": ("Dominance", 1, "0:09 to 0:11 \u00b7 dominance rating 7."),
}
"""Of each bundle the heading, the curves at least, and what is said near the end."""


@pytest.mark.parametrize("name", SETTINGS)
def test_each_task_is_shown_with_its_own_words_and_axes(
    browser, task_store, rising, tmp_path, name
):
    heading, least, said = SHOWN[name]
    bundle = train_task(task_store, name, tmp_path / "model")
    with open_page(bundle.path) as page, lend_tabs(browser, page) as open_tab:
        for width in (1000, 360):
            tab = open_tab(viewport={"width": width, "height": 900})
            send(tab, {"bio": rising})
            see_result(tab)
            panels = tab.inner_text("#timeline")
            click_timeline(tab, 0.8)

            assert tab.inner_text("h1") == f"{heading} of a recording"
            assert tab.title() == f"deepvanet: {heading} of a recording"
            assert said in say(tab)
            assert "from EEG, peripheral, gaze" in say(tab)
            assert NEVER in say(tab)
            assert NEVER in tab.inner_text("#standings .never-scored")
            assert tab.evaluate(OVERLAPPING) == []
            assert len(list_curves(tab)) > least
            assert all(text in panels for text in ("Gaze x", "\u00b1", " px"))
            assert tab.locator("#timeline .signal.gaze").count() == 3
            assert tab.is_visible("#plane") == (name in ("high-low", "rating"))
            is_high_low = name.startswith("high-low")
            assert tab.is_visible("#hint") == is_high_low
            assert ("high" in panels) == (is_high_low or name == "quadrants")
            unit = {"high-low": "logit", "rating": "rating"}.get(
                bundle.task, "log odds"
            )
            assert any(line.endswith(unit) for line in panels.splitlines())

        with tab.expect_download() as downloading:
            tab.click("#report")
        downloading.value.save_as(tmp_path / "report.html")
        shown = browser.new_page()
        shown.goto(f"file://{tmp_path / 'report.html'}")
        assert shown.inner_text("h1") == f"{heading} of a recording"
        assert shown.evaluate("document.querySelectorAll('polyline').length") >= least
        shown.close()


def test_the_example_has_all_streams_of_a_bundle(browser, task_store, tmp_path):
    bundle = train_task(task_store, "quadrants", tmp_path / "model")
    with open_page(bundle.path) as page, lend_tabs(browser, page) as open_tab:
        tab = open_tab()
        tab.click("#example")
        see_result(tab)

        assert "from EEG, peripheral, gaze" in say(tab)
        assert "Pupil left" in tab.inner_text("#timeline")
        assert "far from training" not in tab.text_content("#notes")
        assert "C13" not in tab.text_content("#notes")


def test_a_label_is_named_only_where_a_model_is_better_than_its_prior(
    browser, rising, tmp_path
):
    store = write_small_store(
        tmp_path / "store",
        n_subjects=12,
        n_trials=12,
        n_segments=4,
        streams=STREAMS,
        baseline="none",
        graded=True,
    )
    settings = replace(QUICK, streams=("eeg", "bio"), cross_validate=True)
    asked = {"settings": settings, "execution": Execution()}
    bundle = train_bundle(store.path, tmp_path / "model", **asked)
    better = {s.target: s.has_label for s in list_standings(bundle)}
    with open_page(bundle.path) as page, lend_tabs(browser, page) as open_tab:
        tab = open_tab()
        send(tab, {"bio": rising})
        see_result(tab)
        click_timeline(tab, 0.8)

        assert better == {"valence": True, "arousal": False}
        assert "valence 1.00 (high) better than its prior" in say(tab)
        arousal = say(tab).partition("arousal ")[2]
        assert "(" not in arousal
        assert "not shown to be better than its prior" in arousal
        said = tab.inner_text("#standings")
        assert "Answered from bio: the best cross-validated score" in said
        assert "better than stimulus-prior" in said
