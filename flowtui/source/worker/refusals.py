"""Errors for a person."""


class RefusalError(Exception):
    """An error for a person: what is wrong and what to do next."""

    def __init__(self, kind, message, hint="", frames=()):
        super().__init__(message)
        self.kind = kind
        self.hint = hint
        self.frames = list(frames)
