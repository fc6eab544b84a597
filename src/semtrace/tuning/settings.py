"""The parameters of the house: the sections ``calibrate`` and ``sweep`` of params.yaml, composed from conf/."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from semtrace.stage.settings import Bits, Number, Section, Share, Whole

Similarities = list[Annotated[Number, Field(ge=-1, le=1)]]


class CalibrateSettings(Section, section="calibrate"):
    """What is asked for, and which thresholds are tried (conf/calibrate/)."""

    precision: Share
    sample: Annotated[Whole, Field(ge=0, description="pictures")]
    seed: Whole
    hamming_threshold: list[Bits]
    min_ssim: Similarities
    min_correlation: Similarities
    min_margin: list[Annotated[Number, Field(ge=0, le=2)]]

    def asked(self, precision: float | None, sample: int | None) -> CalibrateSettings:
        """These settings with another precision and sample, where they are given.

        Raises:
            SettingsError: a value is out of range.
        """
        return replace(
            self,
            precision=self.precision if precision is None else precision,
            sample=self.sample if sample is None else sample,
        )


class SweepSettings(Section, section="sweep"):
    """What is asked for (conf/sweep/): right matches / all matches."""

    precision: Share
