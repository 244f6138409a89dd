"""What earlier cells showed: ``{cell[3]}``, judged by the request that left and by what a real kernel keeps."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator

import pytest
from IPython.utils.capture import capture_output
from jupyter_client.manager import start_new_kernel
from PIL import Image

from glm_magics.celloutputs import CellOutputs, Cells, Showing, read_bundle
from glm_magics.errors import MediaError
from glm_magics.magics.capture import Capture
from glm_magics.media import Loading, to_parts

RED = "Image.new('RGB', (30, 20), 'red')"
BLUE = "Image.new('RGB', (30, 20), 'blue')"


@pytest.fixture
def watched(ip) -> Iterator[Capture]:
    """The shell's outputs watched, and under the name `cell`."""
    capture = Capture(ip)
    ip.user_ns["cell"] = capture.cells
    ip.run_cell("from IPython.display import *\nfrom PIL import Image", store_history=True)
    yield capture
    capture.stop()


def run(ip, *codes: str) -> None:
    """Cells one after the other, as a notebook numbers them; the first of a test is 2."""
    for code in codes:
        ip.run_cell(code, store_history=True)


def sent_pictures(fake) -> list[Image.Image]:
    """The pictures in the last request."""
    content = fake.requests[-1].body["messages"][-1]["content"]
    shapes = [part["image_url"]["url"] for part in content if part["type"] == "image_url"]
    return [Image.open(io.BytesIO(base64.b64decode(url))) for url in shapes]


def png(color: str = "red", size: tuple[int, int] = (30, 20)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, color).save(buffer, "PNG")
    return buffer.getvalue()


def keeping(*showings: list[dict[str, object]], **limits: int) -> Cells:
    """Cells 1, 2, … that showed these bundles."""
    cells = Cells(**limits)
    for number, bundles in enumerate(showings, 1):
        showing = Showing()
        for bundle in bundles:
            if shown := read_bundle(bundle):
                showing.add(shown)
        cells.keep(number, showing)
    return cells


# In a cell


@pytest.mark.parametrize(
    ("code", "colours"),
    [
        pytest.param(f"display({RED})", ["red"], id="displayed"),
        pytest.param(RED, ["red"], id="last-value"),
        pytest.param(f"display({RED})\nprint('x')\ndisplay('text')\n{BLUE}", ["red", "blue"], id="several-among-text"),
        pytest.param(f"display({BLUE})\n1/0", ["blue"], id="failed-later"),
        pytest.param(f"display({BLUE}); clear_output(); display({RED})", ["red"], id="cleared"),
        pytest.param(f"display({BLUE}); clear_output(wait=True); display({RED})", ["red"], id="cleared-later"),
        pytest.param(f"display({RED}); clear_output(wait=True)", ["red"], id="never-cleared"),
        pytest.param(f"h = display({BLUE}, display_id=True); h.update({RED})", ["red"], id="updated"),
        pytest.param(f"get_ipython().run_cell({f'display({RED})'!r})", ["red"], id="cell-within"),
        pytest.param(f"get_ipython().run_cell(''); display({RED})", ["red"], id="empty-cell-within"),
        pytest.param(f"display(Image.new('RGBA', (9, 9), (0, 0, 255, 255)), {RED})", ["blue", "red"], id="two-at-once"),
    ],
)
def test_the_pictures_of_a_cell_are_sent(ip, fake, watched, code: str, colours: list[str]) -> None:
    """All that it showed in the end, in order, whichever way."""
    run(ip, code, "%%glm\nWhat is in {cell[2]}?", "%%glm\nAnd in {cell[-1]}?")
    wanted = [Image.new("RGB", (1, 1), colour).getpixel((0, 0)) for colour in colours]
    assert [image.convert("RGB").getpixel((5, 5)) for image in sent_pictures(fake)] == wanted
    assert fake.requests[0].body["messages"][-1]["content"][1:-1] == fake.requests[1].body["messages"][-1]["content"][1:-1]


def test_the_cell_before_and_what_its_value_is(ip, fake, watched) -> None:
    """`cell[-1]` is the one run before; `Out[n]` and `_` work by themselves; a picture can be picked."""
    run(ip, f"display({RED}); {BLUE}", "%%glm\n{cell[-1]}", "%%glm\n{Out[2]}{_}{cell[2].pictures[0]}")
    assert [len(sent_pictures(fake)), len(fake.requests)] == [3, 2]
    assert [image.getpixel((0, 0)) for image in sent_pictures(fake)] == [(0, 0, 255), (0, 0, 255), (255, 0, 0)]


def test_asking_again_asks_about_the_same(ip, fake, watched) -> None:
    """Cells that ask are passed over, previews with their thumbnails too; by its number such a cell can be had."""
    run(ip, "'text'", RED, "%%glm --dry-run\n{cell[-1]}", "%glm_models", "%%glm\n{cell[-1]}", "%%glm\n{cell[-1]}")
    assert [image.size for image in sent_pictures(fake)] == [(30, 20)]
    assert len(watched.cells[4].pictures) == 1
    with pytest.raises(MediaError, match=r"Pictures are in \{cell\[3\]\}\."):
        to_parts(watched.cells[2])


def test_a_later_cell_replaces_what_an_earlier_one_showed(ip, fake, watched) -> None:
    """`update_display` works on any cell."""
    run(ip, f"handle = display({BLUE}, display_id='plot')", f"update_display({RED}, display_id='plot')", "%%glm\n{cell[2]}")
    assert [image.getpixel((0, 0)) for image in sent_pictures(fake)] == [(255, 0, 0)]
    assert repr(watched.cells[3]) == "cell 3: nothing"


def test_captured_output_is_not_shown(ip, watched) -> None:
    """`%%capture` shows nothing, so nothing was shown."""
    run(ip, f"%%capture\ndisplay({RED})", f"{RED};")
    assert [repr(watched.cells[number]) for number in (2, 3)] == ["cell 2: nothing", "cell 3: nothing"]


def test_text_and_words(ip, watched) -> None:
    """A value shows as its text; the object prints what there is."""
    run(ip, "import pandas as pd; pd.DataFrame({'a': [42]})", f"display({RED}); display('x', 'y')")
    assert "42" in watched.cells[2].text
    assert watched.cells[3].text == "'x'\n'y'"
    assert [image.size for image in watched.cells[3].pictures] == [(30, 20)]
    assert repr(watched.cells).splitlines()[-2:] == ["cell 2: 1 text", "cell 3: 1 picture, 2 texts"]
    assert repr(Cells()) == "No cell showed anything yet."


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        pytest.param(
            "cell[99]",
            "There is no cell[99] among those that were run and are kept. Pictures are in {cell[2]}, {cell[4]}",
            id="not-run",
        ),
        pytest.param("cell[-50]", "There is no cell[-50]", id="before-all"),
        pytest.param("cell['a']", "by its number", id="no-number"),
        pytest.param(
            "cell[3]", "Cell 3 showed no picture. {cell[3].text} is the text that it showed. Pictures are in", id="text"
        ),
        pytest.param("cell[1]", "Cell 1 showed no picture. Pictures are in {cell[2]}, {cell[4]}.", id="nothing"),
        pytest.param(
            "cell", "Name one: {cell[-1]} is the one run before. Pictures are in {cell[2]}, {cell[4]}. {{cell}} is just", id="all"
        ),
    ],
)
def test_a_cell_without_pictures_is_a_sentence(ip, fake, watched, expression: str, said: str) -> None:
    """It lists the cells that have some; nothing is sent."""
    run(ip, RED, "'words'", BLUE)
    with capture_output():
        result = ip.run_cell(f"%%glm\n{{{expression}}}")
    assert said in str(result.error_in_exec)
    assert not fake.requests


def test_no_cell_has_a_picture() -> None:
    """Then that is said."""
    with pytest.raises(MediaError, match="No cell has shown a picture since"):
        to_parts(keeping([])[1], Loading("cell[1]"))


def test_several_pictures_are_counted() -> None:
    """For the footer; a single one needs no count."""
    bundles = [{"image/png": base64.b64encode(png()).decode() + "\n"}, {"image/jpeg": png(), "text/plain": "<Figure>"}]
    parts = to_parts(keeping(bundles)[1], Loading("cell[1]"))
    assert [(part.label, part.source) for part in parts] == [("cell[1]", "picture 1 of 2"), ("cell[1]", "picture 2 of 2")]
    assert [part.source for part in to_parts(keeping(bundles[:1])[1])] == [""]
    assert [part.label for part in to_parts([keeping(bundles[:1])[1]], Loading("plots"))] == ["plots[0]"]


@pytest.mark.parametrize(
    "bundle",
    [
        pytest.param({"image/png": "no base64!é"}, id="no-base64"),
        pytest.param({"image/png": png()[:40]}, id="cut-off"),
        pytest.param({"image/jpeg": b"text"}, id="no-picture"),
    ],
)
def test_a_damaged_picture_is_a_sentence(bundle: dict[str, object]) -> None:
    """Whoever published it."""
    cells = keeping([bundle])
    for look in (lambda: to_parts(cells[1]), lambda: cells[1].pictures):
        with pytest.raises(MediaError):
            look()


@pytest.mark.parametrize("bundle", [None, 5, {}, {"image/png": 5}, {"text/html": "<b>"}, {"image/png": ""}], ids=repr)
def test_an_output_without_picture_and_text_is_not_kept(bundle: object) -> None:
    """Nor does it break anything."""
    assert read_bundle(bundle) is None


# Limits, and going away


def test_memory_is_bounded() -> None:
    """The oldest cells go, by bytes and by number; of one cell that shows without end, the oldest outputs."""
    picture = [{"image/png": b"x" * 100}]
    assert [repr(Cells()), len(keeping(*[picture] * 50, max_bytes=1000)), len(keeping(*[[]] * 50, max_cells=7))][1:] == [10, 7]
    cells = keeping(*[picture] * 50, max_bytes=1000)
    with pytest.raises(MediaError, match=r"There is no cell\[40\].*cell\[50\]"):
        cells[40]
    showing = Showing(max_bytes=1000)
    for i in range(500):
        showing.add(read_bundle({"image/png": b"x" * (90 + i % 20)}))
    assert showing.n_bytes == sum(len(shown.content) for shown in showing.outputs) <= 1000


def test_unloading_leaves_the_shell_as_it_was(shell) -> None:
    """No wrapper, no event, and nothing more is kept; also when others wrapped the same function meanwhile."""
    before = {name: list(functions) for name, functions in shell.events.callbacks.items()}
    publishers = dict(vars(shell.display_pub)), dict(vars(shell.displayhook))
    capture = Capture(shell)
    capture.stop()
    capture.stop()
    assert {name: list(functions) for name, functions in shell.events.callbacks.items()} == before
    assert (dict(vars(shell.display_pub)), dict(vars(shell.displayhook))) == publishers

    capture = Capture(shell)
    ours = shell.display_pub.publish
    shell.display_pub.publish = lambda *arguments, **named: ours(*arguments, **named)
    shell.user_ns["capture"] = capture
    run(shell, "from IPython.display import display; display('x'); capture.stop(); display('y')", "display('z')")
    assert len(capture.cells) == 0


def test_cells_without_a_number_count_when_they_show_a_picture(ip, watched) -> None:
    """nbval runs notebooks so, the last one counts; what frontends run for themselves leaves no trace."""
    run(ip, RED)
    ip.run_cell("display('text')")
    ip.run_cell(f"display({RED})")
    ip.run_cell(f"display({BLUE})")
    ip.run_cell(f"display({RED})", silent=True)
    run(ip, "")
    assert watched.cells[-1].pictures[0].getpixel((0, 0)) == (0, 0, 255)
    assert len(watched.cells) == 3  # the imports, and two pictures


# In a real kernel


@pytest.mark.filterwarnings("ignore")  # jupyter_client and zmq warn on shutdown
def test_plots_of_a_real_kernel() -> None:
    """`plt.show()`, a figure left open, a last value, an update and a clear, as Jupyter publishes them."""
    manager, client = start_new_kernel()
    try:
        cells = [
            "from glm_magics.magics.capture import Capture\ncell = Capture(get_ipython()).cells",
            "%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.show()\nplt.plot([3]); plt.show()",
            "plt.plot([1, 2]);",
            "from IPython.display import *\nfig, _ = plt.subplots(); plt.close(fig)\nfig",
            "display(fig, display_id='d'); display(fig); clear_output()\ndisplay(SVG('<svg xmlns=\"http://www.w3.org/2000/svg\"/>'))",
            "import asyncio\nawait asyncio.sleep(0)\ndisplay(fig)",
        ]
        for code in cells:
            client.execute_interactive(code, output_hook=lambda message: None, timeout=60)
        found: list[str] = []
        code = (
            "import json; print(json.dumps([[s.mime for s in cell[n].outputs] for n in range(2, 7)]), cell[2].pictures[0].size)"
        )
        client.execute_interactive(code, output_hook=lambda message: found.append(message["content"].get("text", "")), timeout=60)
        mimes, _, size = "".join(found).partition(" (")
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert [[mime for mime in shown if mime] for shown in json.loads(mimes)] == [
        ["image/png"] * 2,
        ["image/png"],
        ["image/png"],
        ["image/svg+xml"],
        ["image/png"],
    ]
    assert int(size.split(",")[0]) > 300


def test_a_value_of_its_own_kind() -> None:
    """It can be kept, passed to `glm.ask`, and looked at."""
    outputs = keeping([{"image/png": png("blue")}])[1]
    assert isinstance(outputs, CellOutputs)
    assert [outputs.number, outputs.elsewhere, len(to_parts(outputs))] == [1, (1,), 1]
