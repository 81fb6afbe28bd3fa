"""The two ways to say no. They must not be confused: one says nothing about the claim, the other says it is not proved."""


class Unreadable(Exception):
    """The bundle is not one, or is beyond this checker: nothing is said about its claim. Exit code 2."""


class Rejected(Exception):
    """The bundle was read and its claim does not follow. Exit code 1."""

    def __init__(self, what: str, *, expected: object, found: object) -> None:
        super().__init__(f"{what}: expected {expected}, found {found!s:.300}.")
