// @ts-check
/* The words of an answer: its Markdown readable, each box's numbers marked. Every letter goes through a text node. */

const FENCE = /^ {0,3}(`{3,}|~{3,})([^\n]*)$/gm;
const IN_LINE = /`([^`\n]+)`|\*\*(?=[^\s*])([^*\n]+)\*\*|^(#{1,6} +)([^\n`*]+)$/gm;

/**
 * Where the text is code or strong, and which letters are signs that say so: `from`, `to` and `kind`, in order, none over another.
 * @param {string} text
 * @returns {{from: number, to: number, kind: "code" | "strong" | "sign"}[]}
 */
function findStyles(text) {
  const styles = [];
  const add = (from, to, kind) => to > from && styles.push({ from, to, kind });
  let [done, open] = [0, null];
  for (const found of text.matchAll(FENCE)) {
    const [line, fence, rest] = found;
    const end = found.index + line.length;
    if (!open) {
      findInLine(text, done, found.index, add);
      open = { fence, from: Math.min(end + 1, text.length) };
      add(found.index, open.from, "sign");
    } else if (fence.startsWith(open.fence) && !rest.trim()) {
      done = Math.min(end + 1, text.length);
      add(open.from, found.index, "code");
      add(found.index, done, "sign");
      open = null;
    }
  }
  if (open) add(open.from, text.length, "code");
  else findInLine(text, done, text.length, add);
  return styles;
}

function findInLine(text, from, to, add) {
  for (const found of text.slice(from, to).matchAll(IN_LINE)) {
    const [start, end] = [from + found.index, from + found.index + found[0].length];
    const [, code, , sign] = found;
    const [before, after] = sign ? [sign.length, 0] : code ? [1, 1] : [2, 2];
    add(start, start + before, "sign");
    add(start + before, end - after, code ? "code" : "strong");
    add(end - after, end, "sign");
  }
}

/** Both kinds of places laid over the text: `[from, to, style, span]` of pieces that are one thing each. */
function cutPieces(length, styles, spans) {
  const pieces = [];
  let [i, j, at] = [0, 0, 0];
  while (at < length) {
    while (styles[i]?.to <= at) i += 1;
    while (spans[j]?.to <= at) j += 1;
    const [style, span] = [styles[i], spans[j]].map((one) => (one && one.from <= at ? one : null));
    const to = Math.min(length, style ? style.to : styles[i]?.from ?? length, span ? span.to : spans[j]?.from ?? length);
    pieces.push([at, to, style, span]);
    at = to;
  }
  return pieces;
}

/** Python counts characters, JavaScript halves of some: the place of each character. */
function placesOf(text) {
  if (!/[\ud800-\udfff]/.test(text)) return (n) => n;
  const places = [0];
  for (const letter of text) places.push(places[places.length - 1] + letter.length);
  return (n) => places[n] ?? text.length + 1;
}

function makeWords(view) {
  const node = h("div", { class: "gg-answer", dir: "auto", tabindex: 0, role: "region", "aria-label": "Answer" });
  let shown = { text: "", key: "" };

  /** The words of a question's answer that name boxes, those of earlier questions too. */
  function spansOf(text, number) {
    const place = placesOf(text);
    const named = view.rows().filter((row) => row.asked === number || row.also.length);
    const all = named.flatMap((row) => [[row.asked, ...row.span], ...row.also].map(([asked, from, to]) => (
      { asked, row, from: place(from), to: place(to) }
    )));
    const good = all.filter(({ asked, from, to }) => asked === number && to > from && to <= text.length);
    let done = 0;
    return good.sort((a, b) => a.from - b.from).filter(({ from, to }) => {
      const isFree = from >= done;
      if (isFree) done = to;
      return isFree;
    });
  }

  function makePiece(text, style, span, isFirst) {
    if (!style && !span) return document.createTextNode(text);
    const piece = h(span ? "mark" : "span", { class: style ? `gg-${style.kind}` : null, text });
    if (!span) return piece;
    piece.dataset.id = span.row.id;
    if (isFirst && span.row.number) piece.dataset.number = String(span.row.number); // shown by CSS, so that nobody copies it
    piece.style.setProperty("--glm-mark", span.row.colour);
    piece.style.setProperty("--glm-mark-ink", span.row.ink);
    return piece;
  }

  function write(text, number) {
    const spans = spansOf(text, number);
    const key = JSON.stringify(spans.map(({ row, from, to }) => [row.id, from, to, row.colour, row.number]));
    if (text === shown.text && key === shown.key) return;
    const isGrowing = shown.text && text.startsWith(shown.text);
    const isAtEnd = node.scrollTop + node.clientHeight > node.scrollHeight - 40;
    const more = text.slice(shown.text.length);
    const last = node.lastChild;
    if (isGrowing && key === shown.key && last instanceof Text && !/[`~*#]/.test(more)) last.appendData(more);
    else {
      const marked = new Set();
      node.replaceChildren(...cutPieces(text.length, findStyles(text), spans).map(([from, to, style, span]) => {
        const isFirst = span && style?.kind !== "sign" && !marked.has(span);
        if (isFirst) marked.add(span);
        return makePiece(text.slice(from, to), style, span, isFirst);
      }));
    }
    if (isGrowing && isAtEnd) node.scrollTop = node.scrollHeight;
    shown = { text, key };
  }
  node.addEventListener("pointerover", (event) => view.hover(event.target.dataset?.id || ""));
  node.addEventListener("pointerleave", () => view.hover(""));
  node.addEventListener("click", (event) => event.target.dataset?.id && view.select(event.target.dataset.id));
  return { node, write };
}
