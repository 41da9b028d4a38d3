"""What an action says when it will not do something."""


class RefusedError(Exception):
    """The act is refused and nothing was changed; the text is a whole sentence for the person who asked."""


class OverLimitError(RefusedError):
    """The advance would take the line over its limit."""
