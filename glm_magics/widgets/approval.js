/** The question whether a function may run. All words come from a model: they are set as text, never as markup. */

const make = (name, className, text = "") => {
  const element = document.createElement(name);
  element.className = className;
  element.textContent = text;
  return element;
};

const render = ({ model, el }) => {
  const card = make("div", "glm-approval");
  card.setAttribute("role", "group");
  card.setAttribute("aria-label", `May ${model.get("name")} run?`);
  const head = make("div", "ga-head");
  head.append(make("span", "ga-quiet", "May this run? "), make("code", "ga-name", model.get("name")));
  if (model.get("source")) head.append(make("span", "ga-quiet", ` ${model.get("source")}`));
  card.append(head, make("pre", "ga-arguments", model.get("arguments")));

  const row = make("div", "ga-row");
  const reason = make("input", "ga-reason");
  reason.type = "text";
  reason.placeholder = "why not (goes to the model)";
  reason.setAttribute("aria-label", "Reason of a refusal");
  const decide = (state) => {
    for (const one of row.children) one.disabled = true;
    model.send({ type: "decide", state, reason: reason.value });
  };
  const button = (label, state, className) => {
    const one = make("button", className, label);
    one.type = "button";
    one.addEventListener("click", () => decide(state));
    return one;
  };
  row.append(
    button("Run", "approved", "ga-yes"),
    button("Always run this function", "always", ""),
    button("Refuse", "refused", ""),
    reason,
  );
  // the notebook's own keys must not act on the cell while a reason is typed
  reason.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Enter") decide("refused");
  });
  card.append(row);
  el.append(card);

  // The first words of a page go to the thread that waits here: the host makes the other way for clicks only when it needs it.
  let greetings = 0;
  const greet = () => {
    if (model.get("is_heard") || (greetings += 1) > 40) clearInterval(timer);
    else model.send({ type: "ready" });
  };
  const timer = setInterval(greet, 250);
  greet();
  return () => clearInterval(timer);
};

export default { render };
