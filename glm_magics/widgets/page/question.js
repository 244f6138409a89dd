// @ts-check
/* The question field, and the answer beside the picture. */

const COMING = "An answer is still coming; Stop ends it.";

function makeAsk(view) {
  const { desk, model } = view;
  const text = h(
    "input",
    {
      type: "text", class: "gg-field", placeholder: "What to find, or a question", "aria-label": "Question",
      maxlength: 20000, dir: "auto",
    },
  );
  const go = h("button", { type: "submit", class: "gg-go", text: "Ask" });
  const scope = h("select", { class: "gg-field", "aria-label": "Where to look" });
  const adds = h(
    "select", { class: "gg-field", "aria-label": "Earlier boxes" }, h("option", { value: "add", text: "Add boxes" }),
    h("option", { value: "replace", text: "Replace boxes" }),
  );
  const message = h("p", { class: "gg-message", role: "status" });
  const busy = h("div", { class: "gg-busy", hidden: true });
  const node = h(
    "form", { class: "gg-ask" }, h("div", { class: "gg-line" }, text, go), h("div", { class: "gg-line" }, scope, adds), busy,
    message,
  );

  function send(like = "") {
    const isRegion = scope.value.startsWith("region-");
    const region = isRegion && !like ? view.selectedRow()?.id ?? "" : "";
    if (!text.value.trim() && !like) {
      view.announce("Write what to find first.");
      return text.focus();
    }
    settle(text);
    desk.tell("ask", {
      text: like ? "" : text.value,
      image: scope.value === "all" ? null : view.image,
      region,
      region_form: isRegion ? scope.value.slice(7) : "both",
      like,
      adds: adds.value === "add",
    });
    scope.selectedIndex = 0;
  }
  node.addEventListener("submit", (event) => {
    event.preventDefault();
    if (model.get("status")) desk.tell("stop");
    else send();
  });

  settle(text);
  onEnter(text, () => (model.get("status") ? view.announce(COMING) : send()));

  function update() {
    const status = model.get("status");
    go.textContent = status === "stopping" ? "Stopping" : status ? "Stop" : "Ask";
    go.classList.toggle("gg-stop", Boolean(status));
    busy.hidden = !status;
    message.textContent = desk.note || model.get("message");
    const n = view.pictures().length;
    const row = view.selectedRow();
    const options = [["picture", n > 1 ? `Picture ${view.image + 1}` : "Whole picture"]];
    if (n > 1) options.push(["all", `All ${n} pictures`]);
    if (row && row.kind === "box") {
      const name = `Box ${row.number || "selected"}`;
      options.push(
        ["region-thousandths", `${name}: its numbers`], ["region-crop", `${name}: cut out`],
        ["region-both", `${name}: numbers, cut-out`],
      );
    }
    fill(scope, options);
    node.hidden = !model.get("can_ask");
  }
  function about() {
    update();
    scope.value = "region-both";
    text.focus();
    text.select();
  }
  return { node, update, about, send };
}

function makeAnswer(view) {
  const { model } = view;
  const thinking = h("div", { class: "gg-thinking" });
  const fold = h("details", { class: "gg-fold" }, h("summary", { text: "Thinking" }), thinking);
  const words = makeWords(view);
  const ending = h("p", { class: "gg-ending" });
  const node = h("div", { class: "gg-said" }, fold, words.node, ending);
  function update() {
    const asked = /** @type {Asked[]} */ (model.get("asked"));
    const number = view.asked();
    const one = asked[number];
    const growing = model.get("status") && number === asked.length - 1 ? model.get("growing") : {};
    const text = growing.answer ?? one?.answer ?? "";
    const thought = growing.thinking || one?.thinking || "";
    node.hidden = !one && !text;
    fold.hidden = !thought;
    if (thinking.textContent !== thought) thinking.textContent = thought;
    fold.firstChild.textContent = growing.thinking && !text ? "Thinking…" : "Thinking";
    words.write(text, number);
    words.node.hidden = !text;
    ending.textContent = one?.ending ? `(${one.ending})` : "";
  }
  return { node, words: words.node, update };
}
