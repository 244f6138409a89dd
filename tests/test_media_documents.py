"""Documents: PDFs as pages, Office files and texts as fenced text, notebooks and stored tables; each damage is a sentence."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import sys
import zipfile
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import matplotlib.pyplot as plt
import openpyxl
import pandas as pd
import pptx
import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_pdf import PdfPages
from PIL import Image

from glm_magics.errors import MediaError, MissingExtraError
from glm_magics.intake import Intake
from glm_magics.media import ATTACHMENTS, Loading, to_parts
from glm_magics.media.loading import Blob
from glm_magics.media.paths import load_blob
from glm_magics.media.texts import MAX_TEXT_TOKENS, write_block
from glm_magics.messages import ImagePart, Part, TextPart
from glm_magics.testing import FakeGLM
from glm_magics.tokens import MAX_PICTURE_PIXELS, picture_tokens

from .test_magics import run, said

BLIND = Intake(kinds=frozenset({"text"}))


def attached(word: str, **loading) -> list[Part]:
    return list(ATTACHMENTS["file"](word, Loading(**loading)))


def texts(parts: Iterable[Part]) -> str:
    return "".join(part.text for part in parts if isinstance(part, TextPart))


def pictures(parts: Iterable[Part]) -> list[ImagePart]:
    return [part for part in parts if isinstance(part, ImagePart)]


def refusal(word: str, **loading) -> str:
    """The sentence with which a file is refused."""
    with pytest.raises(MediaError) as caught:
        attached(word, **loading)
    assert caught.value.way_out
    assert "\n" not in str(caught.value)
    return str(caught.value)


# PDF


@pytest.fixture(scope="session")
def report(tmp_path_factory) -> bytes:
    """Twelve pages of A4, on each its number; a text layer."""
    path = tmp_path_factory.mktemp("pdf") / "report.pdf"
    with PdfPages(path) as pages:
        for number in range(1, 13):
            figure = plt.figure(figsize=(8.27, 11.69))
            figure.text(0.2, 0.5, f"This is page {number}", fontsize=30)
            pages.savefig(figure)
            plt.close(figure)
    return path.read_bytes()


def empty_pdf(path: Path, n_pages: int = 1, width_pt: float = 595, height_pt: float = 842) -> None:
    document = pypdfium2.PdfDocument.new()
    for _ in range(n_pages):
        document.new_page(width_pt, height_pt)
    document.save(path)
    document.close()


def locked_pdf(password: str) -> bytes:
    """One empty page behind a password: the standard handler of revision 2 (PDF 1.7 reference, 3.5.2)."""

    def rc4(key: bytes, data: bytes) -> bytes:
        box, j, out = list(range(256)), 0, bytearray()
        for i in range(256):
            j = (j + box[i] + key[i % len(key)]) % 256
            box[i], box[j] = box[j], box[i]
        i = j = 0
        for byte in data:
            i = (i + 1) % 256
            j = (j + box[i]) % 256
            box[i], box[j] = box[j], box[i]
            out.append(byte ^ box[(box[i] + box[j]) % 256])
        return bytes(out)

    pad = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")
    padded = (password.encode() + pad)[:32]
    owner = rc4(hashlib.md5(padded).digest()[:5], padded)
    rights, file_id = -4, b"0123456789abcdef"
    key = hashlib.md5(padded + owner + rights.to_bytes(4, "little", signed=True) + file_id).digest()[:5]
    bodies = [
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 100]>>",
        f"<</Filter/Standard/V 1/R 2/O<{owner.hex()}>/U<{rc4(key, pad).hex()}>/P {rights}>>",
    ]
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(bodies, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj{body}endobj\n".encode()
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    trailer = f"trailer<</Size 5/Root 1 0 R/Encrypt 4 0 R/ID[<{file_id.hex()}><{file_id.hex()}>]>>"
    return out + f"xref\n0 5\n0000000000 65535 f \n{table}{trailer}\nstartxref\n{len(out)}\n%%EOF".encode()


def test_pages_in_brackets_leave_as_pictures(ip, fake: FakeGLM, tmp_path: Path, report: bytes) -> None:
    """A line that names them, then each at 144 dpi, in order, then the question."""
    (tmp_path / "report.pdf").write_bytes(report)
    assert run(ip, '%%glm -f "report.pdf[3-5]"\nSum it up.').success
    content = said(fake.bodies[0])
    assert [part["type"] for part in content] == ["text", "image_url", "image_url", "image_url", "text"]
    assert content[0]["text"] == "\n`report.pdf`, pages 3-5 of 12:\n"
    assert content[4]["text"] == "Sum it up."
    image = Image.open(io.BytesIO(base64.b64decode(content[1]["image_url"]["url"])))
    assert image.size == (1191, 1684)


def test_every_page_says_which_it_is_and_what_it_costs(tmp_path: Path, report: bytes) -> None:
    """For people: the page, how many there are, tokens."""
    (tmp_path / "report.pdf").write_bytes(report)
    parts = attached("report.pdf[3,12]")
    assert [part.label for part in parts] == ["report.pdf"] * 3
    assert [part.source for part in parts] == ["pages 3, 12 of 12, about 5,160 tokens", "page 3 of 12", "page 12 of 12"]
    assert sum(picture_tokens(part.width_px, part.height_px) for part in pictures(parts)) == 5160


def test_a_path_object_and_a_cell_expression_are_the_whole_document(tmp_path: Path, report: bytes) -> None:
    """Up to the limit of pages."""
    (tmp_path / "report.pdf").write_bytes(report)
    assert len(pictures(to_parts(tmp_path / "report.pdf"))) == 12


@pytest.mark.parametrize(
    ("pages", "kinds"),
    [
        pytest.param("image", ["text", "image", "image"], id="image"),
        pytest.param("text", ["text", "text"], id="text"),
        pytest.param("both", ["text", "image", "text", "image", "text"], id="both"),
    ],
)
def test_the_text_layer_is_optional(pages: str, kinds: list[str], tmp_path: Path, report: bytes) -> None:
    """``--pages``: pictures, text, or each picture with its text below."""
    (tmp_path / "report.pdf").write_bytes(report)
    parts = attached("report.pdf[3-4]", pages=pages)
    assert [part.kind for part in parts] == kinds
    assert ("\n`report.pdf`, page 4 of 12:\n```\nThis is page 4\n```\n" in texts(parts)) == (pages != "image")


def test_a_model_without_eyes_is_sent_the_text(tmp_path: Path, report: bytes) -> None:
    """Of all pages: a text layer is cheap."""
    (tmp_path / "report.pdf").write_bytes(report)
    parts = attached("report.pdf", intake=BLIND)
    assert [part.source for part in parts] == [f"page {number} of 12" for number in range(1, 13)]
    assert "This is page 12" in parts[-1].text


def test_a_closed_document_is_a_sentence() -> None:
    """And so are its pages; not an error of ctypes."""
    document = pypdfium2.PdfDocument.new()
    page = document.new_page(10, 10)
    document.close()
    for value in (document, page):
        with pytest.raises(MediaError, match="`it` is closed"):
            to_parts(value, Loading("it"))


def test_commands_in_sentences_name_the_folder(tmp_path: Path) -> None:
    """So that they can be copied."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/enc.pdf").write_bytes(locked_pdf("x"))
    empty_pdf(tmp_path / "docs/book.pdf", 30)
    assert 'PdfDocument("docs/enc.pdf", ' in refusal("docs/enc.pdf")
    assert '-f "docs/book.pdf[1-5]"' in refusal("docs/book.pdf")
    with pytest.raises(MediaError, match=r'-f "docs/book.pdf\[1-5\]"'):
        to_parts(Path("docs/book.pdf"), Loading("path"))


def test_pages_go_through_the_command_line_of_the_cell(ip, fake: FakeGLM, tmp_path: Path, report: bytes) -> None:
    """``--pages text`` makes it a message of text alone."""
    (tmp_path / "report.pdf").write_bytes(report)
    assert run(ip, '%%glm --pages text -f "report.pdf[2]"\nWhat?').success
    assert said(fake.bodies[0]) == "\n`report.pdf`, page 2 of 12:\n```\nThis is page 2\n```\nWhat?"


def test_many_pages_are_sent_only_when_named(tmp_path: Path) -> None:
    """The count, the cost and the brackets are said, and nothing is drawn."""
    empty_pdf(tmp_path / "book.pdf", 2000)
    message = refusal("book.pdf")
    assert "`book.pdf` has 2,000 pages, about 5,040,000 tokens as pictures; 20 are sent unless pages are named." in message
    assert '-f "book.pdf[1-5]"' in message
    assert "160 pages of `book.pdf` are about 403,200 tokens as pictures; one message takes 150" in refusal("book.pdf[1-160]")
    assert "one message takes 5 pictures" in refusal("book.pdf[1-6]", intake=Intake(max_images=5))
    assert len(pictures(attached("book.pdf[1998-]", intake=Intake(max_images=5)))) == 3
    assert "no page 2001; the last is 2000" in refusal("book.pdf[2001]")


@pytest.mark.parametrize(
    ("width_pt", "height_pt", "size"),
    [
        pytest.param(200, 100, (400, 200), id="small"),
        pytest.param(2384, 3370, None, id="poster"),
        pytest.param(14_400, 14_400, None, id="largest-page"),
        pytest.param(14_400, 300, None, id="banner"),
        pytest.param(1, 1, (2, 2), id="one-point"),
    ],
)
def test_no_page_is_shrunk_by_the_vendor(width_pt: float, height_pt: float, size, tmp_path: Path) -> None:
    """144 dpi, or what is read without loss: 5.88 million pixels, 6000 a side."""
    empty_pdf(tmp_path / "page.pdf", 1, width_pt, height_pt)
    [page] = pictures(attached("page.pdf"))
    assert size in (None, (page.width_px, page.height_px))
    assert max(page.width_px, page.height_px) <= 6000
    across, down = (round(side / 28) * 28 for side in (page.width_px, page.height_px))
    assert across * down <= MAX_PICTURE_PIXELS
    if size is None:
        assert across * down > 0.9 * MAX_PICTURE_PIXELS or max(page.width_px, page.height_px) >= 5990


def test_a_scan_has_no_text_and_it_is_said(tmp_path: Path) -> None:
    """Refused where text alone is asked for; pictures go without a word."""
    Image.new("RGB", (300, 400), "white").save(tmp_path / "scan.pdf")
    assert "`scan.pdf` has no text layer" in refusal("scan.pdf", pages="text")
    assert "--pages image" in refusal("scan.pdf", pages="text")
    assert "Ask a model with eyes" in refusal("scan.pdf", intake=BLIND)
    assert [part.kind for part in attached("scan.pdf", pages="both")] == ["text", "image"]


def test_a_document_with_some_scanned_pages_is_sent_with_a_warning(tmp_path: Path, report: bytes) -> None:
    """Which pages have no text is said."""
    document = pypdfium2.PdfDocument(report)
    document.new_page(595, 842, 0)
    document.save(tmp_path / "mixed.pdf")
    document.close()
    with pytest.warns(UserWarning, match="`mixed.pdf` has no text layer on page 1"):
        assert "This is page 1\n" in texts(attached("mixed.pdf[1-3]", pages="text"))


def test_a_password_is_given_by_opening_the_document(ip, fake: FakeGLM, tmp_path: Path) -> None:
    """The sentence says how, and that is what works; the document stays open."""
    (tmp_path / "locked.pdf").write_bytes(locked_pdf("s3cret"))
    failed = run(ip, "%%glm -f locked.pdf\nWhat?")
    assert "`locked.pdf` is locked with a password" in str(failed.error)
    assert 'pypdfium2.PdfDocument("locked.pdf", password=getpass.getpass())' in str(failed.error)
    assert run(ip, 'import pypdfium2\ndoc = pypdfium2.PdfDocument("locked.pdf", password="s3cret")').success
    for word in ("%%glm\nWhat is in {doc}?", "%%glm -f doc\nWhat?", "%%glm\nWhat is on {doc[0]}?"):
        assert run(ip, word).success
    assert [part["type"] for part in said(fake.bodies[0])] == ["text", "image_url", "text"]
    assert len(ip.user_ns["doc"]) == 1
    assert "s3cret" not in json.dumps(fake.bodies)
    ip.user_ns["doc"].close()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"%PDF", id="four-bytes"),
        pytest.param(b"%PDF-1.7\n%%EOF", id="nothing-in-it"),
        pytest.param(b"hello, I am a text", id="text-under-a-false-name"),
    ],
)
def test_a_damaged_pdf_is_said(data: bytes, tmp_path: Path) -> None:
    """In a sentence that names it."""
    (tmp_path / "bad.pdf").write_bytes(data)
    assert "`bad.pdf`" in refusal("bad.pdf")


def test_a_pdf_without_pages_is_said(tmp_path: Path) -> None:
    """Some programs write them."""
    empty_pdf(tmp_path / "none.pdf", 0)
    assert "`none.pdf`" in refusal("none.pdf")


@settings(max_examples=40)
@given(data=st.data())
def test_no_damage_of_a_pdf_escapes(report: bytes, data) -> None:
    """Bytes flipped, the end cut off: pages or a sentence."""
    content = bytearray(report)
    for _ in range(data.draw(st.integers(1, 9))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    Path("bad.pdf").write_bytes(content[: data.draw(st.integers(1, len(content)))])
    with suppress(MediaError):
        assert attached("bad.pdf[1]", pages="both")


def test_threads_may_ask_at_once(tmp_path: Path, report: bytes) -> None:
    """pdfium itself may not be called so; a lock keeps them apart."""
    (tmp_path / "report.pdf").write_bytes(report)
    with ThreadPoolExecutor(8) as pool:
        pages = list(pool.map(lambda i: attached(f"report.pdf[{i % 12 + 1}]", pages="text")[0].text, range(48)))
    assert all(f"This is page {i % 12 + 1}\n" in page for i, page in enumerate(pages))


@pytest.mark.parametrize("name", ["report.pdf", "download"])
def test_a_downloaded_document_is_loaded_from_memory(name: str, report: bytes) -> None:
    """As one on disk; its content tells what it is."""
    parts = list(load_blob(Blob(name, data=report), Loading(label=name, selection="2")))
    assert [part.source for part in pictures(parts)] == ["page 2 of 12"]
    [part] = load_blob(Blob(name, data=docx(paragraph("Hello"))), Loading(label=name))
    assert "Hello" in part.text


# Missing libraries


@pytest.mark.parametrize(
    ("library", "name", "data"),
    [
        ("pypdfium2", "a.pdf", b"%PDF-1.7"),
        ("chardet", "a.txt", "déjà vu".encode("latin-1")),
        ("mammoth", "a.docx", None),
        ("openpyxl", "a.xlsx", None),
        ("pptx", "a.pptx", None),
    ],
)
def test_a_missing_library_is_named_with_its_extra(library: str, name: str, data, tmp_path: Path, monkeypatch) -> None:
    """And how to install it."""
    main = {"a.docx": "word/document.xml", "a.xlsx": "xl/workbook.xml", "a.pptx": "ppt/presentation.xml"}
    (tmp_path / name).write_bytes(data or zipped({main[name]: "<x/>"} if name in main else {}))
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingExtraError, match=r"pip install \"glm-magics\[documents\]\"") as caught:
        attached(name)
    assert library in caught.value.message


def test_a_missing_library_for_stored_tables_is_named(tmp_path: Path, monkeypatch) -> None:
    """It is no extra of ours."""
    (tmp_path / "a.parquet").write_bytes(b"PAR1xxxxPAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert "pip install pyarrow" in refusal("a.parquet")


# Office


def zipped(members: Mapping[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in members.items():
            package.writestr(name, content)
    return buffer.getvalue()


def docx(body: str, prolog: str = "") -> bytes:
    """A Word file with this body, as small as one can be."""
    word = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    types = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    return zipped(
        {
            "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
            f'<Default Extension="xml" ContentType="{types}"/></Types>',
            "_rels/.rels": f'<Relationships xmlns="{package}/relationships">'
            f'<Relationship Id="r1" Type="{office}/officeDocument" Target="word/document.xml"/></Relationships>',
            "word/document.xml": f'<?xml version="1.0"?>{prolog}<w:document xmlns:w="{word}">'
            f"<w:body>{body}</w:body></w:document>",
        }
    )


def paragraph(text: str, style: str = "") -> str:
    styled = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{styled}<w:r><w:t>{text}</w:t></w:r></w:p>"


def test_a_word_file_is_markdown(ip, fake: FakeGLM, tmp_path: Path) -> None:
    """Headings and tables stay; what was inserted or stands in a form field too, what was deleted not."""
    row = "<w:tr>" + "".join(f"<w:tc>{paragraph(text)}</w:tc>" for text in ("price", "5 EUR")) + "</w:tr>"
    body = (
        paragraph("Offer", "Heading1")
        + paragraph("We deliver * all_of_it &lt;soon&gt;.")
        + '<w:p><w:ins w:id="1"><w:r><w:t>INSERTED</w:t></w:r></w:ins>'
        + '<w:del w:id="2"><w:r><w:delText>GONE</w:delText></w:r></w:del></w:p>'
        + f"<w:sdt><w:sdtContent>{paragraph('FIELD')}</w:sdtContent></w:sdt><w:tbl>{row}</w:tbl>"
    )
    (tmp_path / "offer.docx").write_bytes(docx(body))
    assert run(ip, "%%glm -f offer.docx\nIs it fair?").success
    sent = said(fake.bodies[0])
    assert sent.startswith("\n`offer.docx`:\n```markdown\n")
    assert sent.endswith("\n```\nIs it fair?")
    for text in ("We deliver * all_of_it <soon>.", "INSERTED", "FIELD", "| price | 5 EUR |"):
        assert text in sent
    assert "GONE" not in sent


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """Two sheets, one of them hidden, and an empty one."""
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet.title = "Sales"
    sheet.append(["city", "sold", "when", "ok"])
    sheet.append(['Bonn, "old"', 3.0, pd.Timestamp("2026-01-02").to_pydatetime(), True])
    sheet["A9"] = "far below"
    hidden = workbook.create_sheet("Notes")
    hidden.append([None, 1.5])
    hidden.sheet_state = "hidden"
    workbook.create_sheet("Empty")
    workbook.save(tmp_path / "book.xlsx")
    return tmp_path / "book.xlsx"


def test_a_workbook_is_csv_sheet_by_sheet(book: Path) -> None:
    """Whole numbers and dates as people write them; empty rows and sheets left out."""
    first, second = attached("book.xlsx")
    assert first.text == (
        '\n`book.xlsx`, sheet 1 of 3, Sales:\n```csv\ncity,sold,when,ok\n"Bonn, ""old""",3,2026-01-02,TRUE\n\nfar below\n```\n'
    )
    assert second.text == "\n`book.xlsx`, sheet 2 of 3, Notes, hidden:\n```csv\n,1.5\n```\n"
    assert second.source == "sheet 2 of 3"


def test_brackets_choose_sheets(book: Path) -> None:
    """By number."""
    [part] = attached("book.xlsx[2]")
    assert "Notes" in part.text
    assert "no sheet 4; the last is 3" in refusal("book.xlsx[4]")
    assert "holds no text" in refusal("book.xlsx[3]")


def test_formulas_that_were_never_reckoned_are_said(tmp_path: Path) -> None:
    """Python writes formulas without their results."""
    workbook = openpyxl.Workbook()
    workbook.active.append([1, 2, "=A1+B1"])
    workbook.save(tmp_path / "sum.xlsx")
    with pytest.warns(UserWarning, match="`sum.xlsx` holds 1 formula without a saved result"):
        assert "```csv\n1,2\n```" in texts(attached("sum.xlsx"))


def test_one_value_in_the_farthest_cell_costs_nothing(tmp_path: Path) -> None:
    """A grid of it all would be seventeen thousand million cells."""
    workbook = openpyxl.Workbook()
    workbook.active["A1"] = 1
    workbook.active["B1048576"] = "far"
    workbook.save(tmp_path / "far.xlsx")
    assert "```csv\n1\n\n,far\n```" in texts(attached("far.xlsx"))


def test_a_sheet_that_is_too_large_is_said(tmp_path: Path, monkeypatch) -> None:
    """Before all of it is read."""
    monkeypatch.setattr("glm_magics.media.workbooks.MAX_CELLS", 1000)
    workbook = openpyxl.Workbook()
    for i in range(400):
        workbook.active.append([i, i])
    workbook.save(tmp_path / "large.xlsx")
    assert "too far apart" in refusal("large.xlsx")


@pytest.fixture
def deck(tmp_path: Path) -> Path:
    """Three slides: title and notes, a table and a group, a chart; the last is hidden."""
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE

    show = pptx.Presentation()
    first = show.slides.add_slide(show.slide_layouts[1])
    first.shapes.title.text = "Plan"
    first.placeholders[1].text = "Begin\nEnd"
    first.notes_slide.notes_text_frame.text = "Speak slowly"
    second = show.slides.add_slide(show.slide_layouts[6])
    table = second.shapes.add_table(1, 2, 0, 0, 100, 100).table
    table.cell(0, 0).text, table.cell(0, 1).text = "a", "b"
    second.shapes.add_group_shape().shapes.add_textbox(0, 0, 9, 9).text_frame.text = "in a group"
    third = show.slides.add_slide(show.slide_layouts[6])
    data = CategoryChartData()
    data.categories = ["Q1", "Q2"]
    data.add_series("Sold", (3, 4.5))
    third.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, 0, 0, 999, 999, data)
    third.element.set("show", "0")
    show.save(tmp_path / "deck.pptx")
    return tmp_path / "deck.pptx"


def test_slides_are_their_text(deck: Path) -> None:
    """Titles, tables, groups, charts, notes; a hidden slide is called so."""
    first, second, third = attached("deck.pptx")
    assert first.text == "\n`deck.pptx`, slide 1 of 3:\n```\nPlan\nBegin\nEnd\nNotes: Speak slowly\n```\n"
    assert "| a | b |\nin a group" in second.text
    assert "slide 3 of 3, hidden" in third.text
    assert "Sold: Q1: 3.0, Q2: 4.5" in third.text
    assert [part.source for part in attached("deck.pptx[2-]")] == ["slide 2 of 3", "slide 3 of 3"]


def test_content_tells_what_an_office_file_is(book: Path, tmp_path: Path) -> None:
    """A workbook under the name of a Word file, or without any."""
    for name in ("book.docx", "download"):
        (tmp_path / name).write_bytes(book.read_bytes())
        assert "Sales" in texts(attached(name))


def bomb(levels: int = 10) -> str:
    """Entities that grow tenfold at each level."""
    grown = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, levels))
    return f'<!DOCTYPE x [<!ENTITY e0 "aaaaaaaaaa">{grown}]>'


OFFICE_DAMAGE = {
    "a.docx": (b"PK\x03\x04", "is damaged"),
    "cut.docx": (docx(paragraph("x"))[:200], "is damaged"),
    "flipped.docx": (docx(paragraph("x" * 999)).replace(b"word/document.xml", b"word/documenX.xml", 1), "is damaged"),
    "entities.docx": (docx(paragraph("&e9;"), bomb()), "no Office program writes"),
    "entities16.docx": (
        zipped({"word/document.xml": f'<?xml version="1.0" encoding="utf-16"?>{bomb()}<x/>'.encode("utf-16")}),
        "no Office program writes",
    ),
    "no-xml.docx": (docx("<w:p>"), "damaged"),
    "empty.docx": (docx(""), "holds no text"),
    "zeros.docx": (zipped({"word/document.xml": b" " * 30_000_000}), "would unpack to 30 MB"),
    "zeros.xlsx": (zipped({"xl/workbook.xml": "<x/>", "xl/media/a.png": b"\0" * 20_000_000}), "would unpack to 20 MB"),
    "no-parts.xlsx": (zipped({"xl/workbook.xml": "<x/>"}), "damaged"),
    "no-parts.pptx": (zipped({"ppt/presentation.xml": "<x/>"}), "damaged"),
    "files.zip": (zipped({"a.txt": "x"}), "is an archive. Unpack it"),
    "old.doc": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "locked with a password, or of Office before 2007"),
    "text.odt": (zipped({"mimetype": "application/vnd.oasis.opendocument.text"}), "Save it as docx"),
    "text.rtf": (b"{\\rtf1 hello}", "Save it as docx"),
    "text.doc": (b"only text", "Save it as docx"),
}


@pytest.mark.parametrize("name", OFFICE_DAMAGE)
def test_office_files_that_cannot_be_read_are_refused(name: str, tmp_path: Path) -> None:
    """Damage, bombs of zip and of XML, passwords, other kinds: a sentence each, and no memory spent."""
    data, why = OFFICE_DAMAGE[name]
    (tmp_path / name).write_bytes(data)
    message = refusal(name)
    assert f"`{name}`" in message
    assert why in message


def test_a_locked_member_is_said(tmp_path: Path) -> None:
    """The bit of zip for encryption."""
    data = bytearray(docx(paragraph("x")))
    at = -1
    while (at := data.find(b"PK\x01\x02", at + 1)) >= 0:
        data[at + 8] |= 1
    (tmp_path / "a.docx").write_bytes(data)
    assert "locked with a password" in refusal("a.docx")


def test_brackets_behind_a_word_file_are_refused(tmp_path: Path) -> None:
    """Where its pages break only Word knows."""
    (tmp_path / "a.docx").write_bytes(docx(paragraph("x")))
    assert "no pages of its own. Print it to a PDF" in refusal("a.docx[2]")


@settings(max_examples=40)
@given(data=st.data())
def test_no_damage_of_a_word_file_escapes(data) -> None:
    """Bytes flipped, the end cut off: text or a sentence."""
    content = bytearray(docx(paragraph("Offer", "Heading1") + paragraph("x" * 99)))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    Path("bad.docx").write_bytes(content[: data.draw(st.integers(1, len(content)))])
    with suppress(MediaError):
        assert attached("bad.docx")


# Texts

CHINESE = "姓名,年龄\n张三,30\n"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        pytest.param("héllo\n".encode(), "héllo", id="utf-8"),
        pytest.param("héllo\n".encode("utf-8-sig"), "héllo", id="utf-8-with-a-mark"),
        pytest.param("héllo\n".encode("utf-16"), "héllo", id="utf-16"),
        pytest.param("hello there\n".encode("utf-16-le"), "hello there", id="utf-16-without-a-mark"),
        pytest.param("héllo\n".encode("utf-32"), "héllo", id="utf-32"),
        pytest.param(CHINESE.encode("gbk"), CHINESE, id="gbk"),
        pytest.param("今天天气很好,我们去公园散步。".encode("gb18030"), "今天天气很好,我们去公园散步。", id="gb18030"),
        pytest.param("Le garçon a mangé à la crêperie.".encode("latin-1"), "Le garçon a mangé à la crêperie.", id="latin-1"),
        pytest.param("Größe;Fläche\n5;7\n".encode("cp1252"), "Größe;Fläche\n5;7", id="cp1252"),
        pytest.param("Привет, как дела?".encode("cp1251"), "Привет, как дела?", id="cp1251"),
        pytest.param("こんにちは世界。".encode("shift_jis"), "こんにちは世界。", id="shift-jis"),
        pytest.param(b"a\r\nb\rc\n", "a\nb\nc", id="line-ends"),
        pytest.param("x" * 70_000 + "é", "é", id="a-letter-across-the-look-at-the-beginning"),
    ],
)
def test_texts_of_every_encoding_are_read(data: bytes | str, text: str, tmp_path: Path) -> None:
    """By mark, as UTF-8, or by a guess, which is said to people."""
    (tmp_path / "a.csv").write_bytes(data if isinstance(data, bytes) else data.encode())
    [part] = attached("a.csv")
    assert text.strip("\n") in part.text
    assert part.text.startswith("\n`a.csv`:\n```csv\n")


def test_a_guessed_encoding_is_said(tmp_path: Path) -> None:
    """To the user, who can see that it is wrong."""
    (tmp_path / "a.txt").write_bytes("Größe;Fläche\n5;7\n".encode("cp1252"))
    assert attached("a.txt")[0].source == "2 lines, read as Windows-1252"


@pytest.mark.parametrize("name", ["script.py", "Makefile", "data.jsonl", "conf.yaml", "noname", "page.html", "a.weird"])
def test_what_reads_as_text_is_text(name: str, tmp_path: Path) -> None:
    """Whatever its name."""
    (tmp_path / name).write_text("x = 1\n")
    [part] = attached(name)
    assert f"\n`{name}`:\n```" in part.text
    assert part.source == "1 line"


@pytest.mark.parametrize("name", ["a.py", "a.txt", "a.csv"])
def test_binary_under_the_name_of_a_text_is_refused(name: str, tmp_path: Path) -> None:
    """Not sent as rubbish."""
    for data in (bytes(range(256)) * 9, b"abc\0def" * 99):
        (tmp_path / name).write_bytes(data)
        assert f"`{name}` is no text" in refusal(name)


def test_a_text_that_is_too_long_is_refused_with_its_length(tmp_path: Path) -> None:
    """Estimated; brackets are the way out."""
    (tmp_path / "app.log").write_text("some words of a log\n" * 100_000)
    message = refusal("app.log")
    assert "`app.log` is about " in message
    assert f"{MAX_TEXT_TOKENS:,} are the limit" in message
    assert "app.log[1-200]" in message
    assert attached("app.log[99999-]")[0].source == "lines 99999- of 100,000"


@given(st.text(st.sampled_from("`~a\n"), max_size=30))
def test_a_fence_survives_fences(text: str) -> None:
    """No line within closes the block (CommonMark 4.5: a closing fence is at least as long as the opening one)."""
    _, opening, *body, closing, _ = write_block("`a.md`", text, "md")[1:].split("\n")
    assert opening == f"{closing}md"
    assert set(closing) == {"`"}
    assert not any(line.startswith(closing) for line in body)


# Notebooks


def png(color: str = "red") -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), color).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


NOTEBOOK = {
    "cells": [
        {"cell_type": "markdown", "source": ["# Title\n", "Words"]},
        {
            "cell_type": "code",
            "source": "plot()\nprint('```')",
            "outputs": [
                {"output_type": "stream", "name": "stdout", "text": ["\x1b[31mred\x1b[0m\n"]},
                {"output_type": "display_data", "data": {"image/png": png(), "text/plain": "<Figure>"}},
                {"output_type": "execute_result", "data": {"text/plain": ["x" * 20_000]}},
                {"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": ["long"]},
            ],
        },
        {"cell_type": "code", "source": "", "outputs": []},
    ],
    "metadata": {"language_info": {"name": "python"}},
    "nbformat": 4,
}


def test_a_notebook_is_its_cells(tmp_path: Path) -> None:
    """Markdown as it is, code and outputs fenced, pictures as pictures, a long output shortened."""
    (tmp_path / "a.ipynb").write_text(json.dumps(NOTEBOOK))
    parts = attached("a.ipynb")
    assert [part.kind for part in parts] == ["text", "text", "text", "text", "image", "text", "text"]
    text = texts(parts)
    for words in (
        "`a.ipynb`, 3 cells:",
        "\n# Title\nWords\n",
        "\nCell 2:\n````python\nplot()\n",
        "\nOutput of cell 2:\n```\nred\n```\n",
        "ValueError: no",
        "12,000 characters are left out",
    ):
        assert words in text
    [picture] = pictures(parts)
    assert (picture.label, picture.source) == ("a.ipynb", "cell 2")


def test_a_model_without_eyes_is_told_of_pictures_by_their_text(tmp_path: Path) -> None:
    """As the notebook itself says them."""
    (tmp_path / "a.ipynb").write_text(json.dumps(NOTEBOOK))
    parts = attached("a.ipynb", intake=BLIND)
    assert not pictures(parts)
    assert "<Figure>" in texts(parts)


def test_brackets_choose_cells(tmp_path: Path) -> None:
    """By number, from 1."""
    (tmp_path / "a.ipynb").write_text(json.dumps(NOTEBOOK))
    assert "plot" not in texts(attached("a.ipynb[1]"))
    assert "no cell 4; the last is 3" in refusal("a.ipynb[4]")
    assert "without anything in it" in refusal("a.ipynb[3]")


def test_pictures_of_a_notebook_are_counted(tmp_path: Path) -> None:
    """Before a server refuses them."""
    shown = {"output_type": "display_data", "data": {"image/png": png()}}
    (tmp_path / "a.ipynb").write_text(json.dumps({"cells": [{"cell_type": "code", "source": "x", "outputs": [shown] * 6}]}))
    assert "holds 6 pictures; one message takes 5" in refusal("a.ipynb", intake=Intake(max_images=5))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("hello", id="no-json"),
        pytest.param("[]", id="a-list"),
        pytest.param("{}", id="no-cells"),
        pytest.param('{"cells": 5}', id="a-number-of-cells"),
        pytest.param('{"cells": ["a"]}', id="cells-of-text"),
        pytest.param('{"cells": []}', id="empty"),
        pytest.param("[" * 100_000, id="deep"),
        pytest.param('{"cells": [{"cell_type": "code", "outputs": [{"data": {"image/png": "AAAA"}}]}]}', id="a-damaged-picture"),
        pytest.param('{"cells": [{"cell_type": "code", "outputs": 5}]}', id="outputs-of-a-number"),
    ],
)
def test_what_is_no_notebook_is_refused(text: str, tmp_path: Path) -> None:
    """In a sentence."""
    (tmp_path / "a.ipynb").write_text(text)
    assert "`a.ipynb" in refusal("a.ipynb")


def test_an_old_notebook_is_read(tmp_path: Path) -> None:
    """Format 3: worksheets, and code under another name."""
    old = {"worksheets": [{"cells": [{"cell_type": "code", "input": ["1 + 1"], "outputs": [{"text": ["2"], "png": png()}]}]}]}
    (tmp_path / "a.ipynb").write_text(json.dumps(old))
    assert "1 + 1" in texts(attached("a.ipynb"))


# Stored tables


@pytest.mark.parametrize("name", ["a.parquet", "a.feather"])
@pytest.mark.parametrize("frames", ["image", "text"])
def test_stored_tables_are_frames(name: str, frames: str, tmp_path: Path) -> None:
    """Drawn or written, as ``--frames`` says."""
    frame = pd.DataFrame({"city": ["Bonn", "Köln"], "sold": [1, 2]})
    frame.to_parquet(tmp_path / name) if name.endswith("parquet") else frame.to_feather(tmp_path / name)
    parts = attached(name, frames=frames)
    assert bool(pictures(parts)) == (frames == "image")
    assert ("Köln" in texts(parts)) == (frames == "text")


@pytest.mark.parametrize("data", [b"PAR1", b"PAR1xxxxPAR1", b"ARROW1\0\0", b"FEA1", b"nothing"])
def test_damaged_stored_tables_are_refused(data: bytes, tmp_path: Path) -> None:
    """In a sentence."""
    (tmp_path / "a.parquet").write_bytes(data)
    assert "`a.parquet` is damaged" in refusal("a.parquet")


def test_a_large_stored_table_is_refused(tmp_path: Path, monkeypatch) -> None:
    """By what it would unpack to, which it says itself."""
    pd.DataFrame({"a": [0] * 100_000}).to_parquet(tmp_path / "a.parquet")
    monkeypatch.setattr("glm_magics.media.columnar.MAX_COLUMNAR_BYTES", 700_000)
    assert "is a table of more than" in refusal("a.parquet")
