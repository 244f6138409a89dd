"""The sandbox's Realtime endpoint: calls over a WebSocket, with no language model behind them.

`vad` and `hearing` (what is in the sound) → `call` (the state of one call, event by event) → `speaking` (the events of an
answer, in the order of the reference's diagrams) → `endpoint` (the WebSocket). `checks` says what is acceptable, `spoils` what
can go wrong.
"""
