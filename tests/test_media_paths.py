"""Paths, globs and folders as they are typed: what is found is sent, what is not gets a sentence."""

from __future__ import annotations

import io
import os
import socket
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from PIL import Image

from glm_magics.errors import GLMError, MediaError
from glm_magics.intake import Intake
from glm_magics.media import ATTACHMENTS, Loading, to_parts
from glm_magics.media.folders import MAX_FILES, natural_key
from glm_magics.media.loading import Blob
from glm_magics.messages import ImagePart, Part, TextPart
from glm_magics.testing import FakeGLM

from .test_magics import run, said


def png(color: str = "red") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), color).save(buffer, "PNG")
    return buffer.getvalue()


def attached(word: str, **loading) -> list[Part]:
    return list(ATTACHMENTS["file"](word, Loading(**loading)))


def written(folder: Path, *names: str) -> None:
    """Files under these names: pictures, or text that says the name."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png() if name.endswith(".png") else name.encode())


def labels(parts: list[Part]) -> list[str]:
    """Of the files, without the line that names them."""
    return [part.label for part in parts[1:]]


# Words


def test_a_folder_is_sent_with_a_list_of_its_files(ip, fake: FakeGLM, tmp_path: Path) -> None:
    """One line with the names in their order, then the files, then the question."""
    written(tmp_path, "photos/b10.png", "photos/b2.png", "photos/notes/a.txt")
    assert run(ip, "%%glm -f photos\nWhich?").success
    content = said(fake.bodies[0])
    assert content[0] == {"type": "text", "text": "\n`photos/`, 3 files in this order: b2.png, b10.png, notes/a.txt\n"}
    assert [part["type"] for part in content] == ["text", "image_url", "image_url", "text"]
    assert content[3]["text"] == "\n`notes/a.txt`:\n```txt\nphotos/notes/a.txt\n```\nWhich?"


@pytest.mark.parametrize("word", ["photos", "photos/", "./photos/", "~/photos", "photos/**", "photos/*"])
def test_a_folder_may_be_written_in_many_ways(word: str, tmp_path: Path) -> None:
    """With and without a slash, from home, as a glob."""
    written(tmp_path, "photos/1.png", "photos/2.png")
    assert labels(attached(word)) == ["1.png", "2.png"]


def test_a_path_object_to_a_folder_is_the_folder(tmp_path: Path) -> None:
    """In braces and in Python too."""
    written(tmp_path, "photos/1.png")
    assert labels(to_parts(Path("photos"))) == ["1.png"]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        pytest.param("*.md", ["a.md", "B.md", "c.md"], id="star"),
        pytest.param("?.md", ["a.md", "B.md", "c.md"], id="question-mark"),
        pytest.param("[ac].md", ["a.md", "c.md"], id="set"),
        pytest.param("**/*.md", ["a.md", "B.md", "c.md", "sub/d.md", "sub/deep/e.md"], id="every-depth"),
        pytest.param("sub/*.md", ["d.md"], id="in-a-folder"),
        pytest.param("*/d.md", ["sub/d.md"], id="any-folder"),
        pytest.param("s*/**/*.md", ["sub/d.md", "sub/deep/e.md"], id="mixed"),
        pytest.param("./*.txt", ["page2.txt", "page10.txt"], id="natural-order"),
        pytest.param(".h*", [".hidden.md"], id="hidden-when-asked-for"),
        pytest.param("page[0-9].txt", ["page2.txt"], id="set-of-digits"),
        pytest.param("part.[12]", ["part.1", "part.2"], id="set-at-the-end-is-no-selection"),
    ],
)
def test_globs(pattern: str, names: list[str], tmp_path: Path) -> None:
    """The shell's letters; natural order, whatever the case; nothing hidden unless asked for."""
    written(tmp_path, "a.md", "B.md", "c.md", "sub/d.md", "sub/deep/e.md", "page10.txt", "page2.txt", ".hidden.md", ".git/x.md")
    written(tmp_path, "node_modules/y.md", "part.1", "part.2")
    assert labels(attached(pattern)) == names


def test_what_others_wrote_is_passed_over(tmp_path: Path) -> None:
    """Hidden files, version control, caches, packages, environments, empty files: of a folder of source, the source is left."""
    written(tmp_path, "src/a.py", "src/.env", "src/.git/config", "src/__pycache__/a.pyc", "src/node_modules/b.js")
    written(tmp_path, "src/tools/pyvenv.cfg", "src/tools/lib/c.py", "src/sub/d.py")
    (tmp_path / "src/__init__.py").touch()
    assert labels(attached("src/")) == ["a.py", "sub/d.py"]


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    """Neither to files nor to folders; links within it are."""
    written(tmp_path, "secrets/key.txt", "src/a.txt")
    (tmp_path / "src/key.txt").symlink_to(tmp_path / "secrets/key.txt")
    (tmp_path / "src/all").symlink_to(tmp_path / "secrets")
    (tmp_path / "src/loop").symlink_to(tmp_path / "src")
    (tmp_path / "src/b.txt").symlink_to("a.txt")
    for word in ("src", "src/**/*.txt"):
        with pytest.warns(UserWarning, match=r"without .*key\.txt \(a link out of the folder\)"):
            assert labels(attached(word)) == ["a.txt", "b.txt"]


def test_what_is_no_file_is_left_out_with_a_warning(tmp_path: Path) -> None:
    """A pipe, a socket, a broken link, binary data, a damaged picture: the rest is sent."""
    written(tmp_path, "all/a.txt")
    os.mkfifo(tmp_path / "all/pipe")
    (tmp_path / "all/gone").symlink_to("nowhere")
    (tmp_path / "all/w.bin").write_bytes(bytes(range(256)) * 9)
    (tmp_path / "all/x.png").write_bytes(png()[:40])
    with pytest.warns(UserWarning, match="`all/` is sent without") as caught:
        parts = attached("all")
    assert labels(parts) == ["a.txt"]
    assert "w.bin" not in parts[0].text
    text = str(caught[0].message)
    for words in (
        "pipe (no ordinary file)",
        "gone (a broken link)",
        "w.bin (of no kind that can be sent)",
        "x.png (is no readable",
    ):
        assert words in text


@pytest.mark.parametrize("name", ["id_rsa", "deploy.pem", "prod.env", "credentials.json", "Vault.kdbx", "server.KEY"])
def test_secrets_go_only_when_named(name: str, tmp_path: Path) -> None:
    """Keys and passwords that lie in a folder are left out, which is said."""
    written(tmp_path, "src/a.txt", f"src/{name}")
    for word in ("src", "src/*", "src/**"):
        with pytest.warns(UserWarning, match=r"without .* \(looks like a secret, sent only when it is named alone\)"):
            assert labels(attached(word)) == ["a.txt"]
    assert name in attached(f"src/{name}")[0].text
    written(tmp_path, "src/.netrc")
    with pytest.raises(MediaError, match=r"holds no file that can be sent: \.netrc \(looks like a secret"):
        attached("src/.*")


def test_a_link_to_a_secret_is_one(tmp_path: Path) -> None:
    """Whatever it is called."""
    written(tmp_path, "src/a.txt", "src/id_rsa")
    (tmp_path / "src/b.txt").symlink_to("id_rsa")
    with pytest.warns(UserWarning, match=r"b\.txt \(looks like a secret"):
        assert labels(attached("src")) == ["a.txt"]


@pytest.mark.parametrize("word", ["", "  "])
def test_an_empty_word_is_not_the_working_folder(word: str, tmp_path: Path) -> None:
    """Nor is an empty path."""
    written(tmp_path, "a.txt")
    with pytest.raises(MediaError, match="The path is empty"):
        attached(word)
    with pytest.raises(MediaError, match="An empty path is the whole working folder"):
        to_parts(Path(word.strip()))
    assert labels(attached("./")) == labels(to_parts(Path.cwd())) == ["a.txt"]


@pytest.mark.parametrize("word", ["file:///x", "ftp://h/x.png", "data:image/png;base64,AAAA", "S3://b/*.png"])
def test_other_addresses_are_a_sentence(word: str) -> None:
    """Not a file that is missing."""
    with pytest.raises(MediaError, match=r"Only http\(s\) addresses and paths"):
        attached(word)


def test_files_of_one_name_are_told_apart(tmp_path: Path, monkeypatch) -> None:
    """By their folders as typed; of a path from the root or from home only by the last two names."""
    written(tmp_path, "r1/a.txt", "r2/a.txt", "deep/r1/a.txt", "b.txt")
    assert [attached(word)[0].label for word in ("r1/a.txt", "./r2/a.txt", "b.txt")] == ["r1/a.txt", "r2/a.txt", "b.txt"]
    for word in (f"{tmp_path}/deep/r1/a.txt", f"{tmp_path}/deep/r1/*.txt"):
        parts = attached(word)
        assert str(tmp_path) not in "".join(part.text for part in parts)
        assert parts[0].label in ("r1/a.txt", "r1/*.txt")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert attached(f"{tmp_path}/b.txt")[0].label == "b.txt"


def test_a_folder_that_cannot_be_read_is_said(tmp_path: Path, monkeypatch) -> None:
    """Named, or within one that is."""
    written(tmp_path, "all/a.txt", "all/locked/b.txt")
    scandir = os.scandir

    def refusing(folder):
        if Path(folder).name == "locked":
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr("glm_magics.media.folders.os.scandir", refusing)
    for word in ("all/locked", "all/locked/*.txt"):
        with pytest.raises(MediaError, match="cannot be read: Permission denied"):
            attached(word)
    with pytest.warns(UserWarning, match=r"`all/` is sent without locked/ \(cannot be read: Permission denied\)"):
        assert labels(attached("all")) == ["a.txt"]


def test_a_socket_is_no_file(tmp_path: Path, monkeypatch) -> None:
    """Nor is it opened."""
    monkeypatch.chdir(tmp_path)  # the name of a socket may not be long
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s")
        with pytest.raises(MediaError, match="`s` is no ordinary file"):
            attached("./s")


def test_too_many_files_are_refused_unread(tmp_path: Path) -> None:
    """Their number is said, and the limit."""
    written(tmp_path, *(f"many/{i}.txt" for i in range(MAX_FILES + 1)))
    with pytest.raises(MediaError, match=r"`many/` holds 51 files; 50 are sent at most"):
        attached("many")
    (tmp_path / "many/0.txt").unlink()
    assert len(attached("many")) == 1 + MAX_FILES


def test_a_disk_is_not_searched_through(tmp_path: Path, monkeypatch) -> None:
    """Looking stops at a limit."""
    monkeypatch.setattr("glm_magics.media.folders.MAX_ENTRIES", 10)
    written(tmp_path, *(f"many/{i}/x.txt" for i in range(8)))
    for word in ("many", "many/**/*.pdf"):
        with pytest.raises(MediaError, match="more than 10 files and folders"):
            attached(word)


def test_all_files_together_have_to_fit(tmp_path: Path) -> None:
    """Pictures as the model takes them; texts together as one."""
    written(tmp_path, *(f"photos/{i}.png" for i in range(6)))
    with pytest.raises(MediaError, match="`photos/` makes 6 pictures; one message takes 5"):
        attached("photos", intake=Intake(max_images=5))
    for i in range(3):
        (tmp_path / f"logs{i}.txt").write_text("word " * 50_000)
    with pytest.raises(MediaError, match=r"about 150,0.. tokens"):
        attached("logs*.txt")


# Brackets


def test_a_file_with_brackets_in_its_name_wins(tmp_path: Path) -> None:
    """Over pages of another, and over a glob."""
    written(tmp_path, "a[1].txt", "a.txt", "a1.txt", "n.md[1]", "n.md")
    assert [part.label for part in attached("a[1].txt")] == ["a[1].txt"]
    assert "n.md[1]" in attached("n.md[1]")[0].text


def test_brackets_choose_lines_of_a_text(tmp_path: Path) -> None:
    """As they choose pages; the numbers are said."""
    (tmp_path / "app.log").write_text("one\ntwo\nthree\nfour\n")
    [part] = attached("app.log[2-3]")
    assert part == TextPart("\n`app.log`, lines 2-3 of 4:\n```log\ntwo\nthree\n```\n", "app.log", "lines 2-3 of 4")


def test_brackets_behind_a_glob_are_for_each_file(tmp_path: Path) -> None:
    """The first line of each."""
    for name in ("a.log", "b.log"):
        (tmp_path / name).write_text(f"first of {name}\nsecond\n")
    parts = attached("*.log[1]")
    assert labels(parts) == ["a.log", "b.log"]
    assert "second" not in "".join(part.text for part in parts)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        pytest.param("t.parquet[3]", r"Brackets choose nothing in `t.parquet` \(stored table\)", id="of-a-table"),
        pytest.param("folder[3]", r"Brackets choose nothing in `folder/` \(folder\)", id="of-a-folder"),
        pytest.param("a.log[]", "nothing in its brackets", id="empty"),
        pytest.param("a.log[  ]", "nothing in its brackets", id="blank"),
        pytest.param("a.log[9]", "no line 9; the last is 1", id="behind-the-end"),
        pytest.param("a.log[x]", "names no lines", id="words"),
        pytest.param("nobody.pdf[3-7]", "no file `nobody.pdf`", id="of-nothing"),
        pytest.param("nobody*.pdf[3-7]", "No file matches", id="of-a-glob-without-files"),
        pytest.param("C:\\x[1-2].pdf", "No file matches", id="windows-path-elsewhere"),
        pytest.param("*.nothing", "No file matches `\\*.nothing`", id="glob"),
        pytest.param("[", "No file matches", id="bracket"),
        pytest.param("~nobody-of-that-name/*.png", "No file matches", id="glob-in-the-home-of-nobody"),
        pytest.param("~nobody-of-that-name/a.png", "no path", id="home-of-nobody"),
        pytest.param("a\0*.png", "No file matches", id="null-byte"),
        pytest.param("x" * 5000 + "*", "No file matches", id="too-long"),
        pytest.param("broken.png", "a link to nothing", id="broken-link"),
        pytest.param("round.png", "cannot be read: Too many levels", id="link-to-itself"),
        pytest.param("/dev/zero", "no ordinary file", id="device"),
        pytest.param("empty.txt", "`empty.txt` is empty", id="empty-file"),
        pytest.param("w.bin", "of no kind that can be sent", id="binary"),
        pytest.param("bins", "`bins/` holds no file that can be sent: w.bin", id="folder-of-binaries"),
    ],
)
def test_words_that_lead_nowhere_are_refused(word: str, said: str, tmp_path: Path) -> None:
    """In one sentence with a way out, at once."""
    written(tmp_path, "folder/x.txt", "a.log", "t.parquet")
    (tmp_path / "empty.txt").touch()
    (tmp_path / "bins").mkdir()
    for name in ("w.bin", "bins/w.bin"):
        (tmp_path / name).write_bytes(bytes(range(256)) * 9)
    (tmp_path / "broken.png").symlink_to("nowhere")
    (tmp_path / "round.png").symlink_to("round.png")
    with pytest.raises(MediaError, match=said) as caught:
        attached(word)
    assert caught.value.way_out
    assert "\n" not in str(caught.value)
    assert str(tmp_path) not in caught.value.message


def test_the_error_for_an_unknown_file_lists_what_can_be_sent(tmp_path: Path) -> None:
    """All kinds there are."""
    (tmp_path / "w.bin").write_bytes(bytes(range(256)) * 9)
    with pytest.raises(MediaError) as caught:
        attached("w.bin")
    for kind in ("pictures", "PDFs", "Office files", "notebooks", "stored tables", "texts"):
        assert kind in caught.value.way_out


@pytest.mark.parametrize(
    ("error", "said"),
    [
        pytest.param(OSError(28, "No space left on device"), "No space left on device. Make room", id="disk-full"),
        pytest.param(OSError(5, "Input/output error"), "Input/output error. The disk", id="disk-fails"),
        pytest.param(PermissionError(13, "Permission denied"), "Permission denied. Look at its permissions", id="not-allowed"),
        pytest.param(FileNotFoundError(2, "gone"), "it has just gone", id="gone-meanwhile"),
        pytest.param(OSError(), "unknown reason", id="no-reason"),
    ],
)
def test_a_disk_that_fails_is_said(error: OSError, said: str, tmp_path: Path, monkeypatch) -> None:
    """Also in the middle of reading."""
    written(tmp_path, "a.txt")
    monkeypatch.setattr(Blob, "read", lambda blob, max_bytes: (_ for _ in ()).throw(error))
    with pytest.raises(MediaError) as caught:
        attached("a.txt")
    assert said in str(caught.value)


def test_a_text_that_begins_like_a_bitmap_is_text(tmp_path: Path) -> None:
    """Two letters make no picture."""
    (tmp_path / "cars.txt").write_text("BMW and others\n")
    assert "BMW" in attached("cars.txt")[0].text


def test_names_sort_as_people_count() -> None:
    """By the value of their numbers, whatever the case."""
    names = ["b", "page10", "Page9", "page", "a1b2", "a1b10", "01", "1", "2²"]
    assert sorted(names, key=natural_key) == ["01", "1", "2²", "a1b2", "a1b10", "b", "page", "Page9", "page10"]


@given(st.text("ab*?[]-1,:~/.\\\0 ", max_size=12))
def test_any_word_is_parts_or_one_of_our_errors(word: str) -> None:
    """Nothing that can be typed fails in a way of its own."""
    assume(".." not in word)  # what lies above is not of this test
    try:
        parts = attached(f"./{word}")
    except GLMError:
        return
    assert all(isinstance(part, TextPart | ImagePart) for part in parts)
