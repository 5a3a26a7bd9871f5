"""Parts of the documentation that tests write: what stands between two comments of a page."""
from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1] / "docs"


def with_part(page: Path, part: str, text: str) -> str:
    """The page with `text` between `<!-- part` ... `-->` and `<!-- end -->`."""
    pattern = re.compile(rf"(<!-- {part}:[^>]*-->\n).*?(<!-- end -->)", re.DOTALL)
    found, count = pattern.subn(lambda m: f"{m[1]}{text.strip()}\n{m[2]}", page.read_text(encoding="utf-8"))
    assert count == 1, f"{page.name} has no place for {part}"
    return found
