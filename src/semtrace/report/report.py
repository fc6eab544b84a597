"""report: one page that shows the whole result."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from semtrace.stage.settings import Section, Whole


class Settings(Section, section="report"):
    """The report (conf/report/)."""

    pictures: Annotated[Whole, Field(ge=0)] | Literal["all"]
