"""What one file says of its scale: read in a worker, kept by content."""

from __future__ import annotations

import time
from typing import Any

from semtrace.discovery.read_scale import read_scale
from semtrace.io import ocr
from semtrace.io.images import DecodedImage
from semtrace.io.vendor_tags import stated_by_vendor


def facts_of(engine: str, data: bytes, image: DecodedImage) -> dict[str, Any]:
    """The facts as JSON values, given the engine's name, the bytes of the file and its picture."""
    start = time.process_time()
    vendor = stated_by_vendor(data, image.page)
    facts: dict[str, Any] = {"width": image.facts.width, "height": image.facts.height, "vendor": list(vendor)}
    if engine == "none":
        return {**facts, "status": "no_ocr", "seconds": 0.0}
    try:
        found = read_scale(image.gray, lambda part: ocr.text_reader(engine)(part))  # loaded in the worker that needs it
    except ocr.OcrError as error:
        return {"reason": "ocr_failed", "detail": str(error)}
    bar, stripe = found.bar, found.stripe
    facts |= {"width": image.gray.shape[1], "height": image.gray.shape[0]}  # of the picture as it is looked at
    return {
        **facts,
        "status": found.status, "text": found.text, "value": found.value, "several": list(found.several),
        "bar": None if bar is None else [bar.pixels, list(bar.box), bar.convention],
        "printed_width": stripe.width, "printed_pixel": stripe.pixel_size, "magnification": stripe.magnification,
        "maker": stripe.maker, "stripe": [found.stripe_top, found.stripe_level],
        "seconds": round(time.process_time() - start, 2),
    }  # fmt: skip
