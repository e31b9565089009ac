"""Tables of figures in Markdown, each row with what it is compared to and the aim."""

from dataclasses import dataclass, field


@dataclass
class Table:
    """A heading, a line that says what was done, columns and rows."""

    title: str
    about: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)

    def add(self, *cells: str) -> None:
        """Append a row."""
        assert len(cells) == len(self.columns), cells
        self.rows.append(cells)

    def markdown(self) -> str:
        """Write it."""
        lines = [f"### {self.title}", "", self.about, ""]
        lines += [f"| {' | '.join(row)} |" for row in (self.columns, ("---",) * len(self.columns))]
        lines += [f"| {' | '.join(row)} |" for row in self.rows]
        return "\n".join(lines) + "\n"


def aim(ratio: float, target: float, *, at_least: bool) -> str:
    """Say whether a ratio is as wanted."""
    met = ratio >= target if at_least else ratio <= target
    sign = "≥" if at_least else "≤"
    return f"{sign} {target:g}: {'met' if met else 'missed'}"
