"""The catalogue's rows, and the names under which a user finds them."""

from __future__ import annotations

import json
from importlib import resources

import pytest

from glm_magics.catalog import find_model, models, nearest_models

ROWS = json.loads(resources.files("glm_magics").joinpath("catalog.json").read_text(encoding="utf-8"))
IDS = [row["id"] for row in ROWS]


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_every_row_of_the_file_is_a_model(row) -> None:
    """Each row loads, keeps its facts and is found by id, short name and hub names."""
    model = models()[row["id"]]
    assert (model.kind, list(model.inputs), model.max_output_tokens) == (row["kind"], row["inputs"], row["max_output_tokens"])
    assert model.can_chat == (row["kind"] in ("chat", "vision", "voice"))
    assert model.thinking in ("switchable", "always", "none")
    assert find_model(row["id"]) is model
    assert find_model(f" {row['id'].upper()} ") is model
    assert find_model(row["id"].removeprefix("glm-")) is model
    for name in row["hub"] or ():
        assert find_model(name) is model
        assert find_model(name.partition("/")[2]) is model


def test_ids_are_unique_and_all_there() -> None:
    """As many models as rows; the ones that the defaults need are among them."""
    assert list(models()) == IDS
    assert len(set(IDS)) == len(IDS)
    assert {"glm-4.7", "glm-4.6v", "glm-4-voice", "embedding-3"} <= set(IDS)


@pytest.mark.parametrize(
    ("name", "model_id"), [("4.7", "glm-4.7"), ("4.6v", "glm-4.6v"), ("4.5-air", "glm-4.5-air"), ("4-voice", "glm-4-voice")]
)
def test_short_names(name: str, model_id: str) -> None:
    """What a user types daily."""
    assert find_model(name).id == model_id


@pytest.mark.parametrize("name", ["", " ", "glm", "gpt-4", "glm-", "4", "!"])
def test_names_of_nothing(name: str) -> None:
    """No model is found where none is named."""
    assert find_model(name) is None


@pytest.mark.parametrize(
    ("name", "first"),
    [("glm-47", "glm-4.7"), ("glm4.6v", "glm-4.6v"), ("4.6-v", "glm-4.6v"), ("4.1v", "glm-4.1v-thinking-flash")],
)
def test_the_nearest_model_comes_first(name: str, first: str) -> None:
    """A slip leads to the model that was meant."""
    assert nearest_models(name)[0] == first
    assert nearest_models("zzzzzzzzzz") == []
