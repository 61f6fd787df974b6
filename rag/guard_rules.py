"""The guard's rules: patterns over `guard_text.normalise`d questions, kept as data in `guard_rules.json`.

The file holds `words` (lists of alternatives, or pieces of patterns) and `patterns` (lists of alternatives, each matched as
whole words). `<NAME>` stands for the words of that name. `guard` says how the patterns are put together.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

_FILE = Path(__file__).with_name("guard_rules.json")
_NAME = re.compile(r"<([A-Z_]+)>")


def _fill(pattern: str, words: Mapping[str, str | list[str]]) -> str:
    """Put the words in for each `<NAME>` of `pattern`, as one group."""

    def group(match: re.Match[str]) -> str:
        piece = words[match[1]]
        return f"(?:{_fill(piece if isinstance(piece, str) else '|'.join(piece), words)})"

    return _NAME.sub(group, pattern)


def _compile() -> dict[str, re.Pattern[str]]:
    rules = json.loads(_FILE.read_text(encoding="utf-8"))
    return {
        name: re.compile(rf"(?<!\w)(?:{_fill('|'.join(alternatives), rules['words'])})(?!\w)")
        for name, alternatives in rules["patterns"].items()
    }


_patterns = _compile()

# Ways of wanting to know rather than to be cared for; taken out before anybody is looked for.
frames = _patterns["frames"]
# "my immune system", "your marrow": what every body has, nobody's in particular.
body = _patterns["body"]
# Matters of health; those of them that a lesson in biology is full of; and what makes even these a matter of care.
health, biology, wish, sign = (_patterns[name] for name in ("health", "biology", "wish", "sign"))
first_person = _patterns["first_person"]
# Care for one person, whatever the words beside it; and where the question is on health.
care, health_care = _patterns["care"], _patterns["health_care"]
# A case told of "him" or "her", or in numbers; what is asked about it; an amount of a drug; and what was only reported.
told_of, asked_for = _patterns["told_of"], _patterns["asked_for"]
case, case_asked = _patterns["case"], _patterns["case_asked"]
amount, reported = _patterns["amount"], _patterns["reported"]
# Danger to a life; signs that count only beside somebody or something urgent; what lies in the past.
self_harm, acute, chest = _patterns["self_harm"], _patterns["acute"], _patterns["chest"]
somebody, urgent, past = _patterns["somebody"], _patterns["urgent"], _patterns["past"]
# "What are the signs of ...", "How many patients ...": the opening of a question about nobody in particular.
general_opening, group = _patterns["general_opening"], _patterns["group"]
