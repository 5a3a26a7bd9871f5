"""Executed instructions by class, as the plugin counting/count.c notes them."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Profile:
    """What was executed: `instructions` in all and by class, where every class has its count, 0 among them, and `events`, counts
    of what some instructions do besides, such as the registers that multiple loads transfer. The names: counting/classes.h."""

    instructions: int
    classes: Mapping[str, int]
    events: Mapping[str, int]

    def __sub__(self, earlier: Profile) -> Profile:
        """What was executed since."""
        return Profile(
            self.instructions - earlier.instructions,
            {name: count - earlier.classes[name] for name, count in self.classes.items()},
            {name: count - earlier.events[name] for name, count in self.events.items()},
        )

    def without(self, **instructions: int) -> Profile:
        """Less so many instructions of some classes."""
        classes = {name: count - instructions.get(name, 0) for name, count in self.classes.items()}
        return Profile(self.instructions - sum(instructions.values()), classes, self.events)


def read_notes(file: Path) -> list[Profile]:
    """The notes that the plugin wrote: what was executed before each mark."""
    header, *lines = file.read_text().splitlines()
    (first, *classes), events = (part.split() for part in header.split("|"))
    assert first == "instructions", header
    notes = []
    for line in lines:
        instructions, *counts = map(int, line.split())
        by_class, by_event = counts[: len(classes)], counts[len(classes) :]
        notes.append(Profile(instructions, dict(zip(classes, by_class, strict=True)), dict(zip(events, by_event, strict=True))))
    return notes
