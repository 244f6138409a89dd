// @ts-check
/* What the pages with a microphone have in common: what is wrong with it, in words, its level, the time. */

const PROBLEMS = {
  NotAllowedError: "The microphone is not allowed on this page.",
  SecurityError: "The microphone is not allowed on this page.",
  NotFoundError: "There is no microphone.",
  NotReadableError: "The microphone is in use by another program.",
  TypeError: "This page may not use a microphone: it is not served from this machine, nor over HTTPS.",
};

/** A phone that did not open says itself what is wrong. */
const inWords = (error) => (error.message === NO_AUDIO ? NO_AUDIO : (PROBLEMS[error.name] ?? "The microphone cannot be used."));

/** How much of a meter is lit: from -60 dB to full scale. */
const percentOf = (level) => (level > 0 ? Math.min(100, Math.max(0, 100 + (10 * Math.log10(level) * 100) / 60)) : 0);

const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
