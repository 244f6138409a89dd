"""Voice calls in a real JupyterLab: a browser whose microphone hears real speech, and whose loudspeaker is listened to."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glm_magics.sandbox.voice import speak
from glm_magics.widgets import pages as page_module
from tests.ears import (
    TAP,
    at_rate,
    has_voice,
    likeness,
    loud_spans,
    open_listening_browser,
    quiet,
    spoken,
    tapped,
    write_microphone,
)
from tests.lab import ARTIFACTS, NEEDS_BROWSER, LabPage, busy_until, open_notebook_7, read_outputs, write_notebook

pytestmark = [
    *NEEDS_BROWSER,
    pytest.mark.skipif(not has_voice() and not os.environ.get("CI"), reason="there is no espeak-ng; CI installs it"),
]

PATIENCE_MS = 30_000
QUESTION = "Hello, what is the weather like in Oslo today?"

SHORT = "It rains, and it will rain."
LONG = "A long answer that nobody wants to hear to its end. " * 4
REFUSE = "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', '{name}'))"
NO_DEVICES = "Object.defineProperty(navigator, 'mediaDevices', {value: undefined})"

SETUP = """
import glm_magics as glm
glm.connect("sandbox")
sandbox = glm.current_session().sandbox
def weather(city: str) -> str:
    "The weather in a city."
    return f"It rains in {city}."
"""


@pytest.fixture(scope="module")
def listening(folder: Path) -> Iterator[Any]:
    """Speech, and quiet for longer than an answer begins to sound: the next speech interrupts it."""
    recording = write_microphone(folder / "microphone.wav", quiet(1.0), spoken(QUESTION), quiet(3.5))
    with open_listening_browser(recording) as browser:
        yield browser


@pytest.fixture
def page(listening: Any) -> Iterator[Any]:
    yield from listening_page(listening)


def listening_page(browser: Any) -> Iterator[Any]:
    page = browser.new_page(viewport={"width": 1100, "height": 1000})
    page.set_default_timeout(PATIENCE_MS)
    page.add_init_script(TAP)
    yield page
    page.close()


class Call:
    """The widget of a call on a page."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.root = page.locator(".glm-talk").first
        self.root.wait_for()
        page.wait_for_timeout(300)

    def press(self, name: str) -> None:
        self.root.get_by_role("button", name=name, exact=True).click()

    def start(self) -> None:
        self.press("Start the call")
        self.wait_for_state("on")

    def wait_for_state(self, state: str) -> None:
        self.page.locator(f".glm-talk[data-state='{state}']").wait_for()

    def row(self, who: str, text: str) -> Any:
        row = self.root.locator(f".gt-{who}", has_text=text).first
        row.wait_for()
        return row

    def message(self) -> str:
        return str(self.root.locator(".gt-message").inner_text())


def open_call(page: Any, lab_url: str, folder: Path, name: str, prepare: str, make: str, *more: str) -> tuple[LabPage, Call]:
    """A notebook whose second cell shows a call."""
    write_notebook(folder / f"{name}.ipynb", SETUP + prepare, f"call = {make}\ncall", *more)
    lab = LabPage(page, lab_url, f"{name}.ipynb")
    lab.run(0)
    lab.run(1)
    return lab, Call(page)


def played(page: Any, text: str) -> float:
    """How much of what the sandbox says for `text` is in what the loudspeaker played: 1 is all of it."""
    rate_hz, out, _ = tapped(page)
    sent = np.frombuffer(speak(text, 24_000), "<i2") / 32767
    return likeness(out, at_rate(sent, 24_000, rate_hz))[0]


def test_hands_free(page: Any, lab_url: str, folder: Path) -> None:
    """Speech is heard, both sides are read along, the answer is heard as it was sent and stops when the user speaks again."""
    prepare = f"sandbox.hear({QUESTION!r}, times=9)\nsandbox.reply({SHORT!r})\nsandbox.reply({LONG!r}, times=9)"
    check = "print(call.state, call.transcript.who.tolist()[:4], call.replies[0].audio.seconds > 1, call.audio.user.seconds > 5)"
    count = (  # ten a second while somebody speaks, two while nobody does; and all of it arrives
        "kinds = [event['type'] for event in sandbox.requests[-1].events]\n"
        "n = kinds.count('input_audio_buffer.append')\n"
        "print(n < 8 * call.audio.user.seconds, call.audio.user.seconds > 0.9 * call.transcript.when_s.max())"
    )
    lab, call = open_call(page, lab_url, folder, "free", prepare, "glm.talk()", check, count)
    call.start()
    call.row("user", QUESTION)
    call.row("assistant", SHORT)
    call.row("assistant", LONG.strip())
    call.root.locator(".gt-row", has_text="interrupted").wait_for()
    page.wait_for_timeout(600)
    page.screenshot(path=ARTIFACTS / "talk-light.png")
    lab.use_theme("JupyterLab Dark")
    page.screenshot(path=ARTIFACTS / "talk-dark.png")
    lab.use_theme("JupyterLab Light")
    assert played(page, SHORT) > 0.95
    rate_hz, out, mic = tapped(page)
    voices = [start for start, _ in loud_spans(mic, rate_hz, gap_s=1.0)]
    answers = loud_spans(out, rate_hz, gap_s=1.0)
    interrupted = [(voice, end) for voice in voices for start, end in answers if start < voice < end]
    print("interrupted after", [f"{1000 * (end - voice):.0f} ms" for voice, end in interrupted])
    assert interrupted
    assert max(end - voice for voice, end in interrupted) < 0.1
    call.press("Hang up")
    call.wait_for_state("over")
    call.root.locator("audio").wait_for()
    page.screenshot(path=ARTIFACTS / "talk-over.png")
    lab.run(2)
    assert lab.output_text(2).strip() == "over ['user', 'assistant', 'user', 'assistant'] True True"
    lab.run(3)
    assert lab.output_text(3).strip() == "True True"


def test_push_to_talk_typing_and_the_button(page: Any, lab_url: str, folder: Path) -> None:
    """Only what is said while the button is held is heard; words can be typed; a button silences the answer."""
    prepare = f"sandbox.hear({QUESTION!r})\nsandbox.reply({SHORT!r})\nsandbox.reply({LONG!r}, times=9)"
    check = "print([event['type'] for event in sandbox.requests[-1].events].count('input_audio_buffer.commit'))"
    lab, call = open_call(page, lab_url, folder, "push", prepare, "glm.talk(vad='client')", check)
    call.start()
    page.wait_for_timeout(1000)
    talk = call.root.get_by_role("button", name="Hold to talk")
    box = talk.bounding_box()
    page.mouse.move(box["x"] + 10, box["y"] + 10)
    page.mouse.down()
    page.wait_for_timeout(2500)
    page.screenshot(path=ARTIFACTS / "talk-holding.png")
    page.mouse.up()
    call.row("user", QUESTION)
    call.row("assistant", SHORT)
    page.wait_for_timeout(2500)
    assert played(page, SHORT) > 0.95
    call.root.get_by_label("Message").fill("Tell me more.")
    page.keyboard.press("Enter")
    call.row("user", "Tell me more.")
    call.row("assistant", LONG.strip())
    page.wait_for_timeout(1000)
    page.evaluate("() => { window.pressed = window.tap.out.length; }")
    call.press("Stop speaking")
    page.wait_for_timeout(500)
    rate_hz, out, _ = tapped(page)
    pressed_s = page.evaluate("() => window.pressed") * 128 / rate_hz
    assert loud_spans(out, rate_hz)[-1][1] - pressed_s < 0.3  # the test's own way to the button included
    talk.press(" ")
    page.locator(".gt-message", has_text="as long as you speak").wait_for()
    lab.run(2)
    assert lab.output_text(2).strip() == "1"
    call.press("Hang up")
    call.wait_for_state("over")


def test_a_function_is_approved(page: Any, lab_url: str, folder: Path) -> None:
    """Shown with its arguments, it runs after the click alone; refused, the reason goes to the model."""
    lab, call = open_call(
        page, lab_url, folder, "tools", "", "glm.talk(tools=[weather])", "print(call.transcript.text.tolist()[1])"
    )
    call.start()
    call.press("Mute")
    for city in ("Oslo", "Rome"):
        call.root.get_by_label("Message").fill(f"weather for {city}")
        page.keyboard.press("Enter")
        asked = call.root.locator(".gt-call[data-state='waiting']", has_text=f"weather(city='{city}')")
        asked.wait_for()
        if city == "Oslo":
            page.screenshot(path=ARTIFACTS / "talk-tool.png")
            asked.get_by_role("button", name="Run", exact=True).click()
            call.row("assistant", "The tools answered: It rains in Oslo.")
        else:
            asked.get_by_label("Reason of a refusal").fill("too far")
            asked.get_by_role("button", name="Refuse").click()
            call.row("assistant", "The reason: too far")
    call.press("Hang up")
    call.wait_for_state("over")
    lab.run(2)
    assert lab.output_text(2).strip() == "weather(city='Oslo'): It rains in Oslo."


SCREEN = """navigator.mediaDevices.getDisplayMedia = async () => {
  const canvas = document.createElement('canvas');
  canvas.getContext('2d').fillRect(0, 0, 99, 99);
  return canvas.captureStream(10);
}"""


@pytest.mark.parametrize("kind", ["camera", "screen"])
def test_pictures(page: Any, lab_url: str, folder: Path, kind: str) -> None:
    """Of the camera and of the screen: they go to the server at the chosen rate, and are seen in the widget."""
    count = (
        "times = [e['client_timestamp'] for e in sandbox.requests[-1].events if e['type'].endswith('video_frame')]\n"
        "gaps = sorted(b - a for a, b in zip(times, times[1:]))\n"
        "print(len(times) > 3, 400 < gaps[len(gaps) // 2] < 700)"
    )
    lab, call = open_call(page, lab_url, folder, kind, "", "glm.talk(video=True, vad='client')", count)
    page.evaluate("() => { " + SCREEN + " }")
    call.start()
    call.root.get_by_label("Pictures a second").select_option("2")
    call.root.get_by_label("Pictures", exact=True).select_option(kind)
    call.root.locator("video").wait_for()
    page.wait_for_timeout(2500)
    page.screenshot(path=ARTIFACTS / f"talk-{kind}.png")
    call.root.get_by_label("Message").fill("What do you see?")
    page.keyboard.press("Enter")
    call.row("assistant", "pictures")
    lab.run(2)
    assert lab.output_text(2).strip() == "True True"
    call.press("Hang up")
    call.wait_for_state("over")


@pytest.mark.parametrize("has_subshells", [True, False], ids=["subshells", "no-subshells"])
def test_beside_a_running_cell(page: Any, lab_url: str, folder: Path, has_subshells: bool) -> None:
    """Subshells carry the call while a cell runs; without them it is said that nothing is heard, and afterwards it goes on."""
    name = f"busy-{has_subshells}.ipynb"
    answers = f"sandbox.hear({QUESTION!r}, times=99)\nsandbox.reply({SHORT!r}, times=99)"
    write_notebook(folder / name, SETUP + answers, "call = glm.talk()\ncall", busy_until(f"{name}-over"))
    lab = LabPage(page, lab_url, name)
    if not has_subshells:
        page.evaluate("() => { window.jupyterapp.serviceManager.kernels.commsOverSubshells = 'disabled'; }")
    lab.run(0)
    lab.run(1)
    call = Call(page)
    call.start()
    lab.run(2, wait=False)
    if has_subshells:
        call.row("assistant", SHORT)
    else:
        call.root.locator(".gt-message", has_text="busy with a cell").wait_for()
    assert lab.cell(2).locator(".jp-InputPrompt").inner_text().strip() == "[*]:"
    (folder / f"{name}-over").touch()
    lab.wait_done(2)
    call.row("assistant", SHORT)
    assert call.root.get_attribute("data-state") == "on"
    call.press("Hang up")
    call.wait_for_state("over")


def test_the_kernel_ends_the_call(page: Any, lab_url: str, folder: Path) -> None:
    """■ of an idle kernel and a restart close the socket, and the page is told."""
    lab, call = open_call(page, lab_url, folder, "ends", f"sandbox.reply({SHORT!r}, times=99)", "glm.talk()")
    call.start()
    page.wait_for_timeout(1000)
    lab.interrupt()
    call.wait_for_state("over")
    assert "stopped by the kernel" in call.message()
    page.wait_for_timeout(500)
    call.press("Call again")
    call.wait_for_state("on")
    page.evaluate("() => { window.jupyterapp.commands.execute('kernelmenu:restart'); }")
    page.locator(".jp-Dialog .jp-mod-accept").click()
    call.wait_for_state("over")
    assert "The kernel" in call.message()
    assert page.evaluate("() => window.tap.rate") > 0
    page.screenshot(path=ARTIFACTS / "talk-restarted.png")


def test_a_call_that_nobody_sees_is_hung_up(page: Any, lab_url: str, folder: Path) -> None:
    """The cell run again: its old view is gone, the old call with it, and the new one can begin."""
    check = "print([record.closed_at is not None for record in sandbox.requests])"
    lab, call = open_call(page, lab_url, folder, "again", "", "glm.talk(vad='client')", check)
    call.start()
    lab.run(1)
    page.wait_for_timeout(2500)
    call = Call(page)
    call.start()
    lab.run(2)
    assert lab.output_text(2).strip() == "[True, False]"
    call.press("Hang up")
    call.wait_for_state("over")


def test_the_saved_notebook_has_words_and_player(page: Any, lab_url: str, folder: Path) -> None:
    """Without a kernel, in JupyterLab and as an HTML page, light and dark: words, dead whatever they hold, and a player."""
    hostile = "<img src=x onerror='window.hurt = 1'> <script>window.hurt = 1</script>"
    lab, call = open_call(page, lab_url, folder, "saved", f"sandbox.reply({hostile + SHORT!r})", "glm.talk(vad='client')")
    call.start()
    call.root.get_by_label("Message").fill(hostile)
    page.keyboard.press("Enter")
    call.row("assistant", SHORT)
    page.wait_for_timeout(2500)
    call.press("Hang up")
    call.wait_for_state("over")
    page.wait_for_timeout(1000)
    lab.save()
    words, sound, view = read_outputs(folder / "saved.ipynb")[1]
    assert SHORT in "".join(words["data"]["text/markdown"])
    assert "data:audio/" in "".join(sound["data"]["text/html"])
    assert "application/vnd.jupyter.widget-view+json" in view["data"]
    lab.reopen_without_kernel()
    page.locator("audio").wait_for()
    page.wait_for_function("() => document.querySelector('audio').duration > 1")
    assert page.locator(".jp-OutputArea", has_text=SHORT).first.is_visible()
    assert page.evaluate("() => window.hurt") is None
    page.screenshot(path=ARTIFACTS / "talk-reopened.png")
    for theme in ("light", "dark"):
        command = [sys.executable, "-m", "nbconvert", "--to", "html", "--theme", theme, str(folder / "saved.ipynb")]
        subprocess.run([*command, "--output", f"saved-{theme}"], check=True, capture_output=True, timeout=300)
        page.goto((folder / f"saved-{theme}.html").as_uri(), wait_until="domcontentloaded")
        page.locator("audio").wait_for()
        page.wait_for_function("() => document.querySelector('audio').duration > 1")
        assert page.locator("body", has_text=SHORT).count() == 1
        assert page.evaluate("() => window.hurt") is None
        page.screenshot(path=ARTIFACTS / f"talk-html-{theme}.png")


def test_notebook_7_holds_a_call(page: Any, notebook_7_url: str, folder: Path) -> None:
    """The same widget: speech is heard, its answer is read and played."""
    prepare = f"sandbox.hear({QUESTION!r}, times=9)\nsandbox.reply({SHORT!r}, times=9)"
    write_notebook(folder / "seven.ipynb", SETUP + prepare, "call = glm.talk()\ncall")
    open_notebook_7(page, notebook_7_url, "seven.ipynb")
    page.keyboard.press("Shift+Enter")
    page.wait_for_timeout(1500)
    page.keyboard.press("Shift+Enter")
    call = Call(page)
    call.start()
    call.row("user", QUESTION)
    call.row("assistant", SHORT)
    page.wait_for_timeout(3000)
    page.screenshot(path=ARTIFACTS / "talk-notebook-7.png")
    assert played(page, SHORT) > 0.95
    call.press("Hang up")
    call.wait_for_state("over")
    call.root.locator("audio").wait_for()


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        pytest.param(REFUSE.format(name="NotAllowedError"), "The microphone is not allowed on this page.", id="permission"),
        pytest.param(REFUSE.format(name="NotFoundError"), "There is no microphone.", id="none"),
        pytest.param(
            "Object.defineProperty(navigator, 'mediaDevices', {value: undefined})", "not served from this", id="no-https"
        ),
        pytest.param("window.AudioContext = undefined", "cannot play or hear sound", id="no-web-audio"),
    ],
)
def test_without_a_microphone(page: Any, lab_url: str, folder: Path, script: str, sentence: str) -> None:
    """A sentence that offers a recording; typing works all the same."""
    page.add_init_script(script)
    _, call = open_call(page, lab_url, folder, "deaf", f"sandbox.reply({SHORT!r})", "glm.talk()")
    call.start()
    assert sentence in call.message()
    assert "talk_file" in call.message()
    call.root.get_by_label("Message").fill("Hello?")
    page.keyboard.press("Enter")
    call.row("assistant", SHORT)
    page.screenshot(path=ARTIFACTS / "talk-deaf.png")
    call.press("Hang up")
    call.wait_for_state("over")


def test_a_call_by_keyboard(page: Any, lab_url: str, folder: Path) -> None:
    """The focus goes on where a button is taken away, and Enter holds the button to talk as the space bar does."""
    _, call = open_call(page, lab_url, folder, "keys", "", "glm.talk(vad='client', tools=[weather])")
    focus = "() => document.activeElement.textContent || document.activeElement.getAttribute('aria-label')"
    call.root.get_by_role("button", name="Start the call").focus()
    page.keyboard.press("Enter")
    call.wait_for_state("on")
    assert page.evaluate(focus) == "Hang up"
    mute = call.root.get_by_role("button", name="Mute")
    mute.focus()
    page.keyboard.press("Shift+Enter")  # meant for a cell
    assert mute.get_attribute("aria-pressed") == "false"
    call.root.get_by_role("button", name="Hold to talk").focus()
    page.keyboard.down("Enter")
    call.root.get_by_role("button", name="Release to send").wait_for()
    page.keyboard.up("Enter")
    call.root.get_by_role("button", name="Hold to talk").wait_for()
    call.root.get_by_label("Message").fill("weather for Oslo")
    page.keyboard.press("Enter")
    run = call.root.get_by_role("button", name="Run", exact=True)
    run.wait_for()
    run.focus()
    page.keyboard.press("Enter")
    call.row("assistant", "It rains in Oslo.")
    assert page.evaluate("() => document.activeElement.className") == "gt-rows"
    call.root.get_by_role("button", name="Hang up").focus()
    page.keyboard.press("Enter")
    call.wait_for_state("over")
    assert page.evaluate("() => document.activeElement.className") == "gt-rows"


KEEP_TRACK = """(() => {
  const media = navigator.mediaDevices, open = media.getUserMedia.bind(media);
  media.getUserMedia = async (wish) => {
    const stream = await open(wish);
    window.track = stream.getAudioTracks()[0];
    return stream;
  };
})()"""


def test_a_microphone_that_goes_in_a_call(page: Any, lab_url: str, folder: Path) -> None:
    """Muted by the system, or unplugged: a sentence with the way out, and typing goes on."""
    page.add_init_script(KEEP_TRACK)
    _, call = open_call(page, lab_url, folder, "unplugged", f"sandbox.reply({SHORT!r})", "glm.talk(vad='client')")
    call.start()
    message, talk = call.root.locator(".gt-message"), call.root.get_by_role("button", name="Hold to talk")
    page.evaluate("() => window.track.dispatchEvent(new Event('mute'))")
    assert "muted by the system" in message.inner_text()
    page.evaluate("() => window.track.dispatchEvent(new Event('unmute'))")
    assert message.is_hidden()
    assert talk.is_enabled()
    page.evaluate("() => window.track.dispatchEvent(new Event('ended'))")
    assert "microphone is gone" in message.inner_text()
    assert talk.is_disabled()
    call.root.get_by_label("Message").fill("Hello?")
    page.keyboard.press("Enter")
    call.row("assistant", SHORT)
    call.press("Hang up")
    call.wait_for_state("over")


PHONE = """(source, told) => {
  let made;
  class Processor { constructor() { this.port = { postMessage: told }; } }
  new Function("AudioWorkletProcessor", "registerProcessor", "sampleRate", "currentTime", source)(
    Processor, (name, kind) => { made = kind; }, 48000, 0);
  return new made({ processorOptions: { spokenHz: 24000 } });
}"""

HEARD = """([source, loud_s, quiet_s, isMuted]) => {
  const told = [];
  const phone = (PHONE)(source, (message) => told.push(message));
  phone.take({ on: true, muted: isMuted });
  for (let n = 0; n < 48000 * (loud_s + quiet_s); n += 128) {
    const tone = (_, i) => (n < 48000 * loud_s ? Math.sin((2 * Math.PI * 440 * (n + i)) / 48000) : 0);
    const left = Float32Array.from({ length: 128 }, tone);
    phone.process([[left, new Float32Array(128)]], [[new Float32Array(128)]]);
  }
  const frames = told.filter((message) => message.frame).map((message) => message.frame);
  return {
    lengths: frames.map((frame) => frame.length),
    loudest: frames.map((frame) => frame.reduce((most, value) => Math.max(most, Math.abs(value)), 0)),
    ups: frames[2].reduce((n, value, i, all) => n + (i > 0 && all[i - 1] < 0 && value >= 0 ? 1 : 0), 0),
    level: Math.max(...told.map((message) => message.level ?? 0)),
  };
}""".replace("PHONE", PHONE)

LATE_PIECES = """([source, late_ms]) => {
  const phone = (PHONE)(source, () => {});
  const heard = [];
  for (let n = 0, k = 0; n < 48 * (late_ms.length + 2) * 100; n += 128) {
    for (; k < late_ms.length && (k * 100 + late_ms[k]) * 48 <= n; k++) {
      const tone = (i) => 10000 * Math.sin((2 * Math.PI * 220 * (2400 * k + i)) / 24000);
      phone.take({ samples: Int16Array.from({ length: 2400 }, (_, i) => tone(i)) });
      if (k === late_ms.length - 1) phone.take({ end: true });
    }
    const block = new Float32Array(128);
    phone.process([[]], [[block]]);
    heard.push(...block);
  }
  const loud = heard.flatMap((value, i) => (Math.abs(value) > 0.02 ? [i] : []));
  const steps = loud.slice(1).map((at, i) => (at - loud[i]) / 48);
  const jumps = heard.slice(1).map((value, i) => Math.abs(value - heard[i]));
  return { begins_ms: loud[0] / 48, gap_ms: Math.max(...steps), jump: Math.max(...jumps) };
}""".replace("PHONE", PHONE)


def phone_source() -> str:
    """What runs in the audio thread."""
    return page_module.read_page("sound.js").split("String.raw`")[1].split("`;\n")[0]


@pytest.mark.parametrize("is_muted", [False, True], ids=["open", "muted"])
def test_what_the_microphone_hears(page: Any, is_muted: bool) -> None:
    """Frames of 100 ms at 16 kHz, channels mixed, five together where nobody speaks; muted they hold nothing, and no level."""
    heard = page.evaluate(HEARD, [phone_source(), 1.0, 2.6, is_muted])
    if is_muted:
        assert set(heard["loudest"]) == {0}
        assert (set(heard["lengths"]), heard["level"]) == ({1600, 8000}, 0)
        return
    assert heard["lengths"][:15] == [1600] * 15
    assert heard["lengths"][-1] == 8000
    assert all(15_000 < loudest < 17_000 for loudest in heard["loudest"][1:9])  # the mean of a loud and a silent channel
    assert heard["ups"] == 44
    assert heard["level"] == pytest.approx(0.125, abs=0.01)


@pytest.mark.parametrize(
    ("late_ms", "gap_ms"),
    [
        pytest.param([0] * 20, 2, id="none"),
        pytest.param([0, 50, 10, 50, 0, 0, 50, 50], 2, id="as-much-as-a-network"),
        pytest.param([0, 0, 70, 10], 20, id="more"),
        pytest.param([0, 0, 400, 300], 420, id="a-pause"),
    ],
)
def test_a_piece_that_is_late_leaves_no_gap(page: Any, late_ms: list[int], gap_ms: float) -> None:
    """The voice goes on until it comes, without a click; the first piece waits a fiftieth of a second and no longer."""
    heard = page.evaluate(LATE_PIECES, [phone_source(), late_ms])
    assert heard["begins_ms"] < 25
    assert heard["gap_ms"] < gap_ms
    assert heard["jump"] < 0.03


def test_an_answer_aloud_is_heard_while_it_comes(page: Any, lab_url: str, folder: Path) -> None:
    """``%%glm`` with glm-4-voice: its sound plays before the answer is whole, and is what was sent."""
    cells = ("%%glm glm-4-voice\nSpeak, please. [[delay:0.3]]", "print(_glm.text)")
    write_notebook(folder / "aloud.ipynb", "%load_ext glm_magics\n%glm_connect sandbox", *cells)
    lab = LabPage(page, lab_url, "aloud.ipynb")
    lab.run(0)
    lab.run(1, wait=False)
    page.wait_for_function("() => window.tap.out.some((block) => block.some((value) => Math.abs(value) > 0.02))")
    assert lab.cell(1).locator("audio").count() == 0
    lab.wait_done(1)
    lab.cell(1).locator("audio").wait_for()
    lab.run(2)
    page.wait_for_timeout(9000)
    rate_hz, out, _ = tapped(page)
    sent = np.frombuffer(speak(lab.output_text(2).strip(), 44_100), "<i2") / 32767
    assert likeness(out, at_rate(sent, 44_100, rate_hz)[rate_hz : 3 * rate_hz])[0] > 0.95  # the ear may open a little late


def test_what_takes_too_long_is_sent_as_far_as_it_may_be(page: Any, lab_url: str, folder: Path) -> None:
    """A turn under the button takes 30 seconds, a recording ten minutes; here one and a half of each."""
    sooner = (
        "import glm_magics.recorders\nfrom glm_magics.widgets.calling import CallWidget\n"
        "CallWidget._esm = CallWidget._esm.replace('LONGEST_HOLD_MS = 29000', 'LONGEST_HOLD_MS = 1500')\n"
        "glm_magics.recorders.MAX_S = 1.5\nquestion = glm.Recorder()"
    )
    lab, call = open_call(page, lab_url, folder, "long", sooner, "glm.talk(vad='client')", "question", "print(question.seconds)")
    call.start()
    call.root.get_by_role("button", name="Hold to talk").focus()
    page.keyboard.down(" ")
    call.root.locator(".gt-message", has_text="One turn takes 30 seconds; what you said was sent.").wait_for()
    page.keyboard.up(" ")
    call.row("assistant", "I heard 1.")
    call.press("Hang up")
    call.wait_for_state("over")
    lab.run(2)
    recorder = page.locator(".glm-record")
    recorder.get_by_role("button", name="Record", exact=True).click()
    recorder.locator(".gt-message", has_text="Ten minutes are recorded").wait_for()
    recorder.locator("audio").wait_for()
    lab.run(3)
    assert lab.output_text(3).strip() == "1.5"


def test_a_recording_in_the_cell(page: Any, lab_url: str, folder: Path) -> None:
    """A button, what was said, and a question with it; the saved notebook plays it. Without a microphone: a sentence."""
    check = "import numpy as np\nprint(question.audio.rate_hz, np.abs(question.audio.samples).max() > 3000, question.is_on)"
    cells = ("question = glm.Recorder()\nquestion", check, "%%glm -f question\nWhat do you hear?")
    write_notebook(folder / "recorded.ipynb", "%load_ext glm_magics\n%glm_connect sandbox\nimport glm_magics as glm", *cells)
    lab = LabPage(page, lab_url, "recorded.ipynb")
    lab.run(0)
    lab.run(1)
    root = page.locator(".glm-record")
    root.wait_for()
    page.wait_for_timeout(300)
    root.get_by_role("button", name="Record", exact=True).click()
    root.get_by_role("button", name="Stop").wait_for()
    page.wait_for_function("() => Number(document.querySelector('.glm-record [role=meter]').getAttribute('aria-valuenow')) > 40")
    page.wait_for_timeout(2500)
    page.screenshot(path=ARTIFACTS / "record-on.png")
    root.get_by_role("button", name="Stop").click()
    root.locator("audio").wait_for()
    page.screenshot(path=ARTIFACTS / "record-over.png")
    page.wait_for_function("() => document.querySelector('.glm-record audio').duration > 2")
    lab.run(2)
    assert lab.output_text(2).strip() == "16000 True False"
    lab.run(3)
    assert "seconds of sound" in lab.output_text(3)
    lab.save()
    sound, view = read_outputs(folder / "recorded.ipynb")[1]
    assert "data:audio/" in "".join(sound["data"]["text/html"])
    assert "application/vnd.jupyter.widget-view+json" in view["data"]
    page.evaluate("() => { " + REFUSE.format(name="NotAllowedError") + " }")
    root.get_by_role("button", name="Record again").click()
    root.locator(".gt-message", has_text="not allowed on this page").wait_for()
    assert "-f question.wav" in root.locator(".gt-message").inner_text()
    lab.use_theme("JupyterLab Dark")
    page.screenshot(path=ARTIFACTS / "record-dark.png")
    lab.use_theme("JupyterLab Light")
