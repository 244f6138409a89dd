"""Real kernels: two at once, and ■ as Jupyter sends it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel

from .patience import AT_ONCE_S, PATIENCE_S

pytestmark = pytest.mark.filterwarnings("ignore")  # jupyter_client and zmq warn on shutdown

WAIT_FOR_CLOSE = f"""
end_s = time.monotonic() + {PATIENCE_S}
while sandbox.requests[-1].closed_at is None and time.monotonic() < end_s:
    time.sleep(0.01)
"""
SETUP = "%load_ext glm_magics\n%glm_connect sandbox\nfrom glm_magics import current_session\nsandbox = current_session().sandbox"


@contextmanager
def kernel() -> Iterator[tuple[Any, Any]]:
    manager, client = start_new_kernel()
    try:
        run(client, SETUP)
        yield manager, client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def run(client: Any, code: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The reply and the outputs of one cell."""
    return finish(client, client.execute(code))


def finish(client: Any, sent: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    outputs = []
    while True:
        message = client.get_iopub_msg(timeout=30)
        if message["parent_header"].get("msg_id") != sent:
            continue
        if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
            break
        outputs.append({"type": message["msg_type"], **message["content"]})
    reply = client.get_shell_msg(timeout=30)
    while reply["parent_header"].get("msg_id") != sent:
        reply = client.get_shell_msg(timeout=30)
    return reply["content"], outputs


def printed(outputs: list[dict[str, Any]]) -> str:
    return "".join(output["text"] for output in outputs if output["type"] == "stream")


def test_two_kernels_stream_at_once() -> None:
    """Each has its own sandbox and its own reply."""
    with kernel() as (_, first), kernel() as (_, second):
        for client, word in ((first, "apples"), (second, "pears")):
            run(client, f"sandbox.reply(chunks=['{word} '] * 50, delay_s=0.01)")
        sent = [client.execute("%glm go") for client in (first, second)]
        for client, message_id, word in ((first, sent[0], "apples"), (second, sent[1], "pears")):
            reply, _ = finish(client, message_id)
            assert reply["status"] == "ok"
            assert f"{word} 50" in printed(run(client, f"print('{word}', _glm.text.count('{word}'))")[1])


@pytest.mark.parametrize(
    "how", ["[[delay:0.02]]", "[[fault:stall]]", "[[fault:silent]]"], ids=["flowing", "stalled", "before the first byte"]
)
def test_interrupt_ends_the_cell_at_once_and_closes_the_connection(how: str) -> None:
    """The cell fails (so that Run All stops), in one line; the server sees the client go; what came is in _glm."""
    with kernel() as (manager, client):
        run(client, "import time")
        sent = client.execute(f"%glm [[words:2000]] {how}")
        time.sleep(1.5)
        pressed_s = time.monotonic()
        manager.interrupt_kernel()
        reply, outputs = finish(client, sent)
        assert time.monotonic() - pressed_s < AT_ONCE_S  # nothing waits for the server
        assert reply["status"] == "error"
        assert reply["ename"] == "Interrupted"
        errors = [output for output in outputs if output["type"] == "error"]
        assert len(errors[0]["traceback"]) == 1
        assert "Stopped." in errors[0]["traceback"][0]
        shown = [output["data"]["text/markdown"] for output in outputs if "data" in output]
        assert "stopped" in shown[-1]
        text = printed(
            run(client, f"{WAIT_FOR_CLOSE}\nprint(sandbox.requests[-1].closed_at is not None, _glm.ending, len(_glm.text) > 0)")[
                1
            ]
        )
        assert text.split() == ["True", "stopped", str("silent" not in how)]


def test_nothing_but_the_replies_lands_in_the_namespace() -> None:
    """_glm and the --into name; no helper, no shadowed name."""
    with kernel() as (_, client):
        run(client, "before = set(dir())")
        run(client, "%glm --into answer hello")
        new = printed(run(client, "print(sorted(n for n in set(dir()) - before if not n.startswith('_i') and n != 'before'))")[1])
        assert new.strip() == "['_glm', 'answer']"
