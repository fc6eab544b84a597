"""What stages of this house take from the floor of stages, named in one place."""

from semtrace.core.errors import InputError
from semtrace.stage.decode_files import Examination, Source, examine
from semtrace.stage.executor import Executor
from semtrace.stage.figures import new_figure, png, quiet
from semtrace.stage.inputs import check_folder, unfit
from semtrace.stage.rejects import Failure, Reject, printable, write_rejects

__all__ = [
    "Examination", "Executor", "Failure", "InputError", "Reject", "Source", "check_folder", "examine", "new_figure",
    "png", "printable", "quiet", "unfit", "write_rejects",
]  # fmt: skip
