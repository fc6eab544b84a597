"""What the stages of this house stand on: the one place that says where it comes from."""

from semtrace.provenance.common import Executor, InputError, Reject, check_folder, printable, unfit, write_rejects
from semtrace.provenance.examine import Examination, Source, examine
from semtrace.provenance.figures import BLUE, GREEN, GREY, ORANGE, RED, new_figure, png, quiet

__all__ = [
    "BLUE", "GREEN", "GREY", "ORANGE", "RED", "Examination", "Executor", "InputError", "Reject", "Source",
    "check_folder", "examine", "new_figure", "png", "printable", "quiet", "unfit", "write_rejects",
]  # fmt: skip
