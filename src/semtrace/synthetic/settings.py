"""The parameters of the synthetic archive: the section ``synthetic`` of params.yaml, composed from conf/synthetic/."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from semtrace.stage.settings import Section, Whole


class Settings(Section, section="synthetic"):
    """What to generate.

    Attributes:
        seed: everything follows from it; 0 or larger.
        originals: different pictures in the archive, at least 40; copies, broken files and clutter come on top.
        published: JPEGs, at least 30; a tenth of them has no original in the archive.
        width: usual width of a picture in pixels, at least 320; the other sizes keep their proportion to it.

    Raises:
        SettingsError: a value is out of range.
    """

    seed: Annotated[Whole, Field(ge=0)] = 1
    originals: Annotated[Whole, Field(ge=40)] = 240
    published: Annotated[Whole, Field(ge=30)] = 180
    width: Annotated[Whole, Field(ge=320)] = 1024

    @model_validator(mode="after")
    def _enough_originals(self) -> Self:
        if self.published - self.lost > self.originals:
            raise ValueError(
                f"synthetic.published is {self.published}: {self.published - self.lost} of them need an original, "
                f"but synthetic.originals is {self.originals}"
            )
        return self

    @property
    def lost(self) -> int:
        """Published images whose original is not in the archive."""
        return max(2, round(self.published / 10))
