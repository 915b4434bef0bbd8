"""Markdown of the results."""


def table(head, rows, notes=()):
    """A table with its notes below it, as text."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join([*lines, *(f"\n{note}" for note in notes)])


def rate(value):
    """Three figures: more would be noise."""
    digits = len(str(int(value)))
    return f"{round(value, min(0, 3 - digits)):,.0f}/s"


def milliseconds(value):
    return f"{value:.2f}" if value < 100 else f"{value:.0f}"


def bytes_text(value):
    return f"{value / 2**20:,.0f} MiB"
