"""From a Vega-Lite spec to what a page holds: a drawing that stands still, and one that answers."""

import re
from typing import Any, Final

import vl_convert

from performance_pipeline.reports.plots import Spec

RUNTIME_SNIPPET: Final = "window.vega = vega;"


def still(spec: Spec, width: int, name: str) -> str:
    """The drawing as an SVG element, `width` pixels wide but for its labels.

    `name` keeps its inner ids apart from those of other drawings in the same page.
    """
    svg: str = vl_convert.vegalite_to_svg(_sized(spec, width), allowed_base_urls=[])
    return re.sub(r'(\bid="|url\(#)', rf"\g<1>{name}-", svg)


def answering(spec: Spec, width: int) -> dict[str, Any]:
    """The spec in the terms of the runtime that `runtime` gives; a page may change its width."""
    compiled: dict[str, Any] = vl_convert.vegalite_to_vega(_sized(spec, width))
    return compiled


def runtime() -> str:
    """The scripts that draw an `answering` spec, as `window.vega`."""
    script: str = vl_convert.javascript_bundle(RUNTIME_SNIPPET)
    return script


def _sized(spec: Spec, width: int) -> Spec:
    if "vconcat" in spec:
        return {**spec, "vconcat": [{**part, "width": width} for part in spec["vconcat"]]}
    return spec if "width" in spec else {**spec, "width": width}
