"""What stages of this house take from the floor of stages, named in one place."""

from semtrace.provenance.common import Executor, InputError, Reject, check_folder, printable, unfit, write_rejects
from semtrace.provenance.examine import Examination, Source, examine
from semtrace.provenance.figures import new_figure, png, quiet

__all__ = [
    "Examination", "Executor", "InputError", "Reject", "Source", "check_folder", "examine", "new_figure", "png",
    "printable", "quiet", "unfit", "write_rejects",
]  # fmt: skip
