// @ts-check
/* Asking Python: a message goes out under a number, the answer comes back under it. */

const PATIENCE_MS = 5000;
const IS_GONE = "The kernel is gone or was restarted. What you see stays here; run the cell again to search and select.";
const IS_LATE = "The kernel has not answered yet: it is busy, or gone.";

/**
 * @param {{send: Function, on: Function}} model
 * @param {(sentence: string) => void} say shows a sentence to people; empty takes it away
 */
function makeTalk(model, say) {
  const page = Math.random().toString(36).slice(2, 10);
  const waiting = new Map();
  let n = 0;
  model.on("msg:custom", (message) => {
    if (!message || message.page !== page || !waiting.has(message.n)) return;
    say("");
    waiting.get(message.n)(message);
    waiting.delete(message.n);
  });
  /** Gives Python's answer, or null when there is nobody. */
  const ask = (type, body = {}, isUrgent = true) => {
    const mine = ++n;
    return new Promise((resolve) => {
      waiting.set(mine, resolve);
      if (isUrgent) setTimeout(() => waiting.has(mine) && say(IS_LATE), PATIENCE_MS);
      try {
        model.send({ type, page, n: mine, ...body });
      } catch {
        waiting.delete(mine);
        if (isUrgent) say(IS_GONE);
        resolve(null);
      }
    });
  };
  // JupyterLab has the kernel handle messages beside a running cell once a widget has sent some
  for (const wait_ms of [0, 1000]) setTimeout(() => ask("hello", {}, false), wait_ms);
  return { ask };
}
