"""The name that stands before a box in a line: ``1. Person 1: box [...]``, ``| cat | [...] |``, ``label: cat`` above it.

The text here is the original one, with what does not count blanked: a label keeps its own marks.
"""

from __future__ import annotations

import re

_MARKER = re.compile(r"[\s>]*(?:[-*+•·–](?!\*)|\(?\d{1,3}[.):、]|[①-⑳])?\s*")
_BOLD = re.compile(r"\*\*([^*\n]{1,80})\*\*")
_BOX_WORD = re.compile(
    r"(?=[tbclpr\s的坐位边检框在])(?:"  # what any of them begins with
    r"(?:\b(?:the\s+)?(?:bounding[\s_-]*)?(?:b?box(?:_?2d)?|coordinates?|coords?|location|position|region|rectangle)|"
    r"(?:的?(?:坐标|位置|边界框|检测框|框)){1,3})\s*(?:is|are|at|为|是)?[\s:=]*$|\s(?:(?:is|are)\s+)?(?:located\s+)?at$|位于$|在$)",
)
_JOINTS = ("->", "=>", ":", "=", "|", "→", " -", " –", " —")
_MAY_JOIN = re.compile(r"[:=|→：>*]|\s[-–—]")
_PART = re.compile(r"\s[-–—|]\s")
_SENTENCE = re.compile(r"\b(?:is|are|was|were|has|have|can|be|the|following|here|in|at)\b|[.!?,;。]\s|[是为有在]|https?:")
_NO_NAME = re.compile(
    r"(?:final |the )?(?:answers?|outputs?|results?|bounding|(?:bounding )?b?box(?:es)?|coordinates?|coords?|locations?|"
    r"positions?|json|detections?|(?:click |cent(?:er|re) )?points?|cent(?:er|re)s?|corners?|status|plan|action|pixels?|px|"
    r"grounded operation|image|picture|page|frame|图|答案|结果|输出|坐标|位置|边界框|回答|如下)?\s*#?\d*|第\s*\d+\s*[张页帧].?",
)
_NEAR = re.compile(
    r"(?:^|[\s,{\"'*-])(?:label|name|class|category|object|标签|名称|类别|物体)[\\\"'*]{0,4}\s*[:=：][\s\\\"'*]{0,6}"
    r"([^\"'\n,，{}\[\]]{1,200})",
    re.IGNORECASE,
)
_BEHIND = re.compile(r"[\])]?[ \t]*(?:[:：=|,，–—-]|->|→|=>)?[ \t]*(\(?[^\n\[\](){}<>|:：]{1,80}\)?)(?=\n|\Z)")
_ITEM = re.compile(r"[ \t>\[(\-*+•·–0-9.)]*+")
_AFTER = re.compile(r"[\"']?,?[ \t]*\n?[^\n\[]{0,240}(?=[\n}\"']|\Z)")
_ARTICLE = re.compile(r"(?:the|an?)\s+", re.IGNORECASE)
_GROUP_END = re.compile(r"\d%?\s{0,4}[\])}]{1,3}[\s,;.]{0,3}(?:and\s)?")
_CLOSER = re.compile(r"[\])}]")
_MARKS = re.compile(r"[*_`\"“”]")
_LETTER = re.compile(r"[^\W\d_]")
_TITLE = re.compile(r"\s*#{1,6}\s+([^#\n]+)|[\s\d.)*+-]*\*\*([^*\n]+)\*\*\s*[:：]?\s*|\s*\d{1,3}[.)]\s+([^\n:：]+)[:：]\s*")
_MOST_BEFORE = 80
_MOST_LINE = 320
_MOST_BOX_WORD = 40


def label_before(words: str, text: str, start: int, line_start: int) -> str:
    """The name before a box in its line; empty when the line is a sentence.

    Args:
        words: the original text.
        text: the same, flattened.
        start: where the box begins.
        line_start: where its line begins.
    """
    before = words[line_start:start] if start - line_start <= _MOST_LINE else "<"
    if "<" in before or not _LETTER.search(before):
        return ""
    if "|" in before:
        cells = [_MARKS.sub("", cell).strip() for cell in before.split("|")]
        return next((cell for cell in cells if _LETTER.search(cell) and not _NO_NAME.fullmatch(cell.lower())), "")
    marker = _MARKER.match(before)
    begin = marker.end() if marker else 0
    groups = list(_GROUP_END.finditer(text, line_start + begin, start)) if _CLOSER.search(text, line_start, start) else []
    if groups and not before.rstrip(" [(").endswith((":", "：")):
        return ""
    if groups:
        said = words[groups[-1].end() : start].lstrip("),;。， ")
        marker = _MARKER.match(said)
        return _name_in(said[marker.end() :] if marker else said, is_item=False)
    return _name_in(before[begin:], is_item=bool(before[:begin].strip()))


def _name_in(said: str, is_item: bool) -> str:
    """The name in what stands between a list's mark and a box: bold, or joined by a colon, or all of a short item."""
    if not is_item and not _MAY_JOIN.search(said):
        return ""
    bold = _BOLD.match(said)
    name = _MARKS.sub("", bold[1] if bold else said).rstrip("[(（【 ").replace("：", ":")
    name, is_joined = _without_joint(name)
    lower = name.lower()
    box_word = _BOX_WORD.search(lower, max(0, len(lower) - _MOST_BOX_WORD)) if len(lower) == len(name) else None
    name, is_joined_again = _without_joint(name[: box_word.start()] if box_word else name)
    is_joined = bool(bold) or is_joined or (box_word is not None and is_joined_again)
    name = _PART.split(name.strip(" :-–([（"))[0].rsplit(": ", 1)[-1].strip("[]'\"‘’ ")
    article = _ARTICLE.match(name)
    name = name[article.end() :] if article else name
    is_name = (is_joined or is_item) and len(name) <= _MOST_BEFORE and len(name.split()) <= 6 and "{" not in name
    lower = name.lower()
    return name if is_name and _LETTER.search(name) and not _SENTENCE.search(lower) and not _NO_NAME.fullmatch(lower) else ""


def _without_joint(name: str) -> tuple[str, bool]:
    """The name without the colon, dash or arrow that joins it to a box, and whether there was one."""
    shorter = name.rstrip("* _`\t\r\n")
    for joint in _JOINTS if shorter.endswith(_JOINTS) else ():
        if shorter.endswith(joint):
            return shorter[: -len(joint)].strip(), True
    return name.strip(), False


def label_of_lines(words: str, start: int, end: int) -> str:
    """A ``label: cat`` near a box that a key names but no object holds, as in YAML: before it, or in the line after."""
    before = words[max(0, start - 240) : start]
    cut = max(before.rfind("]"), before.rfind("\n\n"))
    found = list(_NEAR.finditer(before[cut + 1 :]))
    if not found:
        after = _AFTER.match(words[end : end + 260])
        found = list(_NEAR.finditer(after[0])) if after and not re.match(r"\s*-\s", after[0]) else []
    return found[-1][1].strip().strip("*`") if found else ""


def item_end(words: str, line_start: int) -> int:
    """Where what begins an item of a list ends in a line: a dash, a number, brackets; its start when there is none."""
    item = _ITEM.match(words, line_start)
    return item.end() if item else line_start


def label_after(words: str, end: int) -> str:
    """The name behind a box that begins its line and has it alone: ``[15, 40, 70, 220] cat`` or ``- [15, 40, 70, 220]: cat``."""
    if words[end : end + 1] in ("", "\n"):
        return ""
    after = _BEHIND.match(words, end)
    name = _MARKS.sub("", after[1]).strip().removeprefix("(").removesuffix(")") if after else ""
    is_name = name and len(name.split()) <= 6 and _LETTER.match(name) and not _SENTENCE.search(name.lower())
    return name if is_name and not _NO_NAME.fullmatch(name.lower()) else ""


def label_over(words: str, start: int, limit: int) -> str:
    """A ``name: cat`` in the lines over numbers that begin a line of their own, as in YAML; not beyond a limit."""
    line_start = words.rfind("\n", 0, start) + 1
    if not line_start or words[line_start:start].strip(" \t-"):
        return ""
    before = words[max(limit, start - 240) : start]
    found = list(_NEAR.finditer(before[before.rfind("\n\n") + 1 :]))
    return found[-1][1].strip().strip("*`") if found else ""


def label_of_title(words: str, line_start: int) -> str:
    """A heading or a bold item in the line before, as in ``1. **Person 1**`` over ``- Bounding box: [...]``."""
    title = _TITLE.fullmatch(words[max(0, line_start - 200) : line_start].rstrip().rsplit("\n", 1)[-1])
    name = (title[1] or title[2] or title[3]).strip(" *:：") if title else ""
    lower = name.lower()
    return "" if _NO_NAME.fullmatch(lower) or len(name) > _MOST_BEFORE or _SENTENCE.search(lower) else name
