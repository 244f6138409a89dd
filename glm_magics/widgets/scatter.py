"""The points themselves: jupyter-scatter's widget, which draws them with WebGL, zooms, and knows lasso and mouse."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from ..cartography.colouring import Colouring
from ..errors import MissingExtraError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_SIZES = ((300, 9), (1500, 7), (6000, 5), (30_000, 4), (120_000, 3))
"""Up to so many points, so many pixels wide each; 2 for more."""

_DENSE_POINTS = 6000
"""From so many on, points let each other shine through where they crowd."""


def make_scatter(points: npt.NDArray[np.float32], colouring: Colouring, height_px: int) -> Any:
    """A `jscatter.widget.JupyterScatter` without tools, legend and tooltip of its own.

    Args:
        points: within -1 … 1, shape (N, 2).
        colouring: of them.
        height_px: of the map.

    Raises:
        MissingExtraError: jupyter-scatter is not installed.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            from jscatter import Scatter
        except ImportError:
            raise MissingExtraError.naming("atlas", "The map needs jupyter-scatter, which is not installed.") from None
        import pandas as pd

        groups = pd.Categorical.from_codes(colouring.codes.astype(int), categories=pd.Index(range(len(colouring.colours))))
        scatter = Scatter(
            data=pd.DataFrame({"x": points[:, 0], "y": points[:, 1], "group": groups}),
            x="x",
            y="y",
            x_scale=[-1, 1],
            y_scale=[-1, 1],
            color_by="group",
            color_map=list(colouring.colours),
            color_selected=list(colouring.colours),
            opacity=0.85,
            opacity_by="density" if len(points) > _DENSE_POINTS else None,
            opacity_unselected=0.2,
            size=next((size for n, size in _SIZES if len(points) <= n), 2),
            height=height_px,
            axes=False,
            legend=False,
            tooltip=False,
            reticle=False,
            zoom_on_selection=False,
        )
        widget = scatter.widget
    widget.toolbar_buttons = []
    return widget
