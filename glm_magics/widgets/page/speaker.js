/** An answer played while it comes: `sound.js` is before this. */

export default {
  /** @param {{model: any}} widget */
  initialize({ model }) {
    let opening = null;
    let isOver = false;
    let n = 0; // the next message; one that was missed would be heard as a gap, so nothing is played after it
    let close = () => {};
    const open = (rate_hz) =>
      (opening ??= openPhone((said) => said.playing === false && isOver && close(), rate_hz).then((phone) => {
        close = () => phone.close();
        return phone;
      }));
    const hear = async (message, buffers) => {
      if (message.type === "stop") {
        isOver = true;
        return close();
      }
      if (message.n !== n++) return;
      const phone = await open(message.rate_hz).catch(() => null);
      if (!phone) return;
      if (message.type === "sound") phone.play(buffers[0]);
      if (message.type === "end") {
        isOver = true;
        phone.tell({ end: true });
      }
    };
    let line = Promise.resolve(); // one after the other
    const listen = (message, buffers) => (line = line.then(() => hear(message, buffers)));
    model.on("msg:custom", listen);
    return () => {
      model.off("msg:custom", listen);
      close();
    };
  },
  render({ el }) {
    el.style.display = "none";
  },
};
