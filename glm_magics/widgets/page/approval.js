// @ts-check
/* The question whether a function may run. All words come from a model: they are set as text, never as markup. */

/** Says that the page is there until it is heard: the first words go to the thread that waits for them, and the host makes the
 * other way, the one for clicks, only when it needs it. */
function greetUntilHeard(model) {
  let greetings = 0;
  const greet = () => {
    if (model.get("is_heard") || (greetings += 1) > 40) clearInterval(timer);
    else model.send({ type: "ready" });
  };
  const timer = setInterval(greet, 250);
  greet();
  return () => clearInterval(timer);
}

function decisions(model) {
  const decide = (state) => {
    for (const one of row.children) one.disabled = true;
    model.send({ type: "decide", state, reason: reason.value });
  };
  const button = (text, state, name = false) => h("button", { type: "button", class: name, text, onclick: () => decide(state) });
  const reason = h("input", {
    type: "text",
    class: "ga-reason",
    placeholder: "why not (goes to the model)",
    "aria-label": "Reason of a refusal",
    onkeydown: (event) => {
      event.stopPropagation(); // the notebook's own keys must not act on the cell while a reason is typed
      if (event.key === "Enter" && !event.isComposing) decide("refused");
    },
  });
  const row = h(
    "div",
    { class: "ga-row" },
    button("Run", "approved", "ga-yes"),
    button("Always run this function", "always"),
    button("Refuse", "refused"),
    reason,
  );
  return row;
}

function render({ model, el }) {
  const [name, source] = [model.get("name"), model.get("source")];
  const head = h("div", {}, h("span", { class: "ga-quiet", text: "May this run? " }), h("code", { class: "ga-name", text: name }));
  if (source) head.append(h("span", { class: "ga-quiet", text: ` ${source}` }));
  const card = h("div", { class: "glm-approval", role: "group", "aria-label": `May ${name} run?` }, head);
  card.append(h("pre", { class: "ga-arguments", text: model.get("arguments") }), decisions(model));
  el.append(card);
  return greetUntilHeard(model);
}

export default { render };
