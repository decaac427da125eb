"""Every error that a user can cause, in one tree.

XrayBenchError
├── UserError                 the input was wrong: exit code 2
│   ├── UnknownName           a task, sensor, model, notebook ... that does not exist; names the nearest
│   ├── BadTable              a table with faults; lists all of them, each with its row and column
│   ├── BadFile               a file that is missing, truncated or not of the format it claims
│   ├── BadParameter          a notebook or command parameter of the wrong name, type or range
│   ├── BadValue              an argument outside its range
│   ├── DigestMismatch        predictions, labels or a checkpoint that belong to other data
│   ├── Refused               an agreement, or a person at a site, said no
│   └── MissingExtra          an optional package that the call needs
└── CheckFailed               a check came out negative (stale board, failed claim): exit code 1
"""


class XrayBenchError(Exception):
    """Root of the tree. The message is the whole story: what was wrong, where, what would be right."""

    exit_code = 1


class UserError(XrayBenchError):
    """The input was wrong and the user can mend it."""

    exit_code = 2


class UnknownName(UserError):
    """A name that nothing is registered under."""


class BadTable(UserError):
    """A table broke its declaration. Build it with `faults`, so that all of them are told at once."""

    MOST_SHOWN = 20

    def __init__(self, source: str, faults: list[str]) -> None:
        self.source, self.faults = source, list(faults)
        shown = self.faults[: self.MOST_SHOWN]
        if hidden := len(self.faults) - len(shown):
            shown.append(f"... and {hidden} more")
        count = f"{len(self.faults)} fault{'s' if len(self.faults) != 1 else ''}"
        super().__init__(f"{source}: {count}\n  " + "\n  ".join(shown))


class BadFile(UserError):
    """A file is missing, truncated or not what it claims to be."""


class BadParameter(UserError):
    """A parameter has the wrong name, type or range."""


class BadValue(UserError):
    """An argument lies outside its range."""


class DigestMismatch(UserError):
    """Two things that must describe the same data do not."""


class Refused(UserError):
    """An agreement does not allow it, or the person at the site did not release it."""


class MissingExtra(UserError):
    """An optional package is needed and not installed."""


class CheckFailed(XrayBenchError):
    """A check ran and came out negative."""
