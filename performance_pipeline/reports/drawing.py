"""From a Vega-Lite spec to what a page holds: a drawing, and the scripts that make it answer."""

import re
from typing import Final

import vl_convert

from performance_pipeline.reports.plots.base import Spec

_RUNTIME: Final = "window.vegaEmbed = vegaEmbed;"


def still(spec: Spec, width: int, name: str) -> str:
    """The drawing as an SVG element, `width` pixels wide but for its labels.

    `name` keeps its inner ids apart from those of other drawings in the same page.
    """
    svg: str = vl_convert.vegalite_to_svg(sized(spec, width), allowed_base_urls=[])
    return re.sub(r'(\bid="|url\(#)', rf"\g<1>{name}-", svg)


def runtime() -> str:
    """The scripts that draw a spec in a browser, as `window.vegaEmbed`."""
    script: str = vl_convert.javascript_bundle(_RUNTIME)
    return script


def sized(spec: Spec, width: int) -> Spec:
    """The spec with a width, where its marks do not decide that themselves."""
    if "vconcat" in spec:
        return {**spec, "vconcat": [{**part, "width": width} for part in spec["vconcat"]]}
    return spec if "width" in spec else {**spec, "width": width}
