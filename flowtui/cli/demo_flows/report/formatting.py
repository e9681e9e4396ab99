"""Change a line here: only the flow that imports it becomes “changed”."""


def title(text):
    return text.title().center(40, "-")
