"""An endless, seeded stream of training examples: half answerable, half not, in the shapes that a library meets.

Example `i` depends on the seed and on `i` alone, so that a run continues exactly where it stopped.
"""

import random
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from training import perturb, slots
from training.near import Passages, likely, window
from training.pairs import Pair, holds, words

SHARES = {  # of the examples drawn; not of the pairs there are: QAMR asks 35 questions of each sentence
    "written": 0.42,
    "squad2_part": 0.12,
    "shift_wiki": 0.20,
    "selqa": 0.05,
    "nq_oracle": 0.11,
    "policyqa": 0.02,
    "fairytale": 0.02,
    "qamr": 0.01,
    "evidence_inference": 0.03,
    "terms": 0.02,
}
UNANSWERED_SHARE = {  # of a source's draws: those that somebody wrote to be unanswerable
    **dict.fromkeys(("squad2_part", "shift_wiki", "nq_oracle", "selqa"), 0.45),
    "policyqa": 0.2,
    "written": 0.60,
}
NEGATIVE_SHARE = {  # of the others: those made unanswerable; where nothing is named, half of all are, less the above
    **dict.fromkeys(("squad2_part", "shift_wiki", "nq_oracle", "selqa", "written"), 0.15),
    "policyqa": 0.3,
    "evidence_inference": 0.4,
    "terms": 0.35,
}
KINDS = {
    "same_document": 0.26,
    "neighbour": 0.06,
    "removed": 0.15,
    "vague": 0.22,
    "turned": 0.05,
    "name": 0.10,
    "opposite": 0.06,
    "word": 0.08,
    "title": 0.02,
}
SHORTEST, LONGEST = 25, 130  # words of a window
GROUPED, RIVALS = 0.25, 4  # share of the draws that are groups; passages beside the one that answers
GROUP_SHARES = {"written": 0.62, "shift_wiki": 0.14, "squad2_part": 0.14, "selqa": 0.06, "evidence_inference": 0.04}


@dataclass(frozen=True, slots=True)
class Example:
    """What the model is shown: a window of whole sentences; `gold` is empty where nothing answers.

    `answer` is (sentence, start, end) or None; `kind` names how the example was made.
    """

    question: str
    context: str
    sentences: tuple[str, ...]
    gold: frozenset[int]
    answer: tuple[int, int, int] | None
    kind: str


class Stream:
    """Draws examples from the training pairs; `example(i)` is a pure function of the seed and `i`."""

    def __init__(self, pairs: Sequence[Pair], *, seed: int) -> None:
        self._seed = seed
        self._pairs = list(pairs)
        self._by_source: dict[str, list[int]] = defaultdict(list)
        self._unanswered: dict[str, list[int]] = defaultdict(list)
        for i, pair in enumerate(self._pairs):
            (self._by_source if pair.gold else self._unanswered)[pair.source].append(i)
        self._sources = [s for s in SHARES if s == "terms" or self._by_source[s]]
        self._grouped = [s for s in GROUP_SHARES if self._by_source[s]]
        self._asked: dict[tuple[str, str], list[Pair]] = defaultdict(list)
        for pair in self._pairs:
            self._asked[pair.work, pair.question].append(pair)
        self._known = Passages(pairs)
        self._orders: dict[tuple[str, int], list[int]] = {}

    def _draw(self, pool: list[int], name: str, turn: int) -> Pair:
        """Return the `turn`-th pair of a pool of that name: each once in a shuffled order before any comes again."""
        round_, place = divmod(turn, len(pool))
        order = self._orders.get((name, round_))
        if order is None:
            order = random.Random(f"{self._seed}:{name}:{round_}").sample(pool, len(pool))
            self._orders[name, round_] = order
        return self._pairs[order[place]]

    def example(self, i: int) -> Example:
        """Make the `i`-th example of the stream."""
        rng = random.Random(f"{self._seed}:{i}")
        source = rng.choices(self._sources, [SHARES[s] for s in self._sources])[0]
        made = None
        if source == "terms":
            made = self._terms(rng)
        elif self._unanswered[source] and rng.random() < UNANSWERED_SHARE.get(source, 0.0):
            turn = int(i * SHARES[source] * UNANSWERED_SHARE[source])
            made = self._windowed(self._draw(self._unanswered[source], f"no {source}", turn), "annotated", rng)
        if made is None:
            source = source if source != "terms" else "shift_wiki" if self._by_source["shift_wiki"] else self._sources[0]
            pair = self._draw(self._by_source[source], source, int(i * SHARES[source]))
            less = UNANSWERED_SHARE.get(source, 0.0)
            negative = rng.random() < NEGATIVE_SHARE.get(source, 0.5 - 0.5 * less)
            made = (self._negative(pair, rng) if negative else None) or self._positive(pair, rng)
        if made.kind != "title" and rng.random() < 0.3:
            made = replace(made, context="")
        return made if made.kind == "terms" else replace(made, question=perturb.as_typed(made.question, rng))

    def group(self, i: int) -> list[Example]:
        """Make the `i`-th draw: an example, or one question of several passages, the first of which answers it.

        Sentences of several passages are what an answer is chosen from, so they are learned from side by side.
        """
        rng = random.Random(f"{self._seed}:group:{i}")
        if rng.random() >= GROUPED or not self._grouped:
            return [self.example(i)]
        source = rng.choices(self._grouped, [GROUP_SHARES[s] for s in self._grouped])[0]
        pair = self._draw(self._by_source[source], f"group {source}", int(i * GROUPED * GROUP_SHARES[source]))
        question = perturb.as_typed(pair.question, rng)
        made = [self._windowed(pair, "answered", rng), *self._rivals(pair, rng)]
        bare = rng.random() < 0.15
        return [replace(e, question=question, context="" if bare else e.context) for e in made]

    def _rivals(self, pair: Pair, rng: random.Random) -> list[Example]:
        """Windows of other passages under the same question: those known with it, its document's, and others' near it."""
        others = [p for p in self._asked[pair.work, pair.question] if p.sentences != pair.sentences]
        made = [self._windowed(p, "rival", rng) for p in rng.sample(others, min(len(others), RIVALS))]
        seen = {e.sentences for e in made}
        for same in (True, False):
            for row in self._known.near(pair, rng, same_document=same, top=5):
                other = self._known.all[row]
                bare = replace(other, question=pair.question, gold=frozenset(), answer=None)
                rival = self._windowed(bare, "rival", rng, likely(pair.question, other))
                if len(made) < RIVALS and rival.sentences not in seen and not holds(rival.sentences, pair.answer_text):
                    made.append(rival)
                    seen.add(rival.sentences)
        return made

    def _windowed(self, pair: Pair, kind: str, rng: random.Random, centre: Sequence[int] | None = None) -> Example:
        middle = centre or sorted(pair.gold) or likely(pair.question, pair)
        kept = window(pair, middle, rng.randint(SHORTEST, LONGEST), rng)
        answer = pair.answer
        if answer is not None:
            answer = (kept.index(answer[0]), *answer[1:]) if answer[0] in kept else None
        sentences = tuple(pair.sentences[k] for k in kept)
        gold = frozenset(kept.index(g) for g in pair.gold if g in kept)
        return Example(pair.question, pair.context, sentences, gold, answer if gold else None, kind)

    def _positive(self, pair: Pair, rng: random.Random) -> Example:
        if pair.source == "qamr":
            pair = self._among_others(pair, rng)
        if rng.random() < 0.08:
            pair = self._renamed(pair, rng)
        elif rng.random() < 0.15:
            pair = slots.blurred_beside(pair, rng)
        return self._windowed(pair, "answered", rng)

    def _renamed(self, pair: Pair, rng: random.Random) -> Pair:
        """Change a name in the question and in the passage alike: odd names alone must not mean "no answer"."""
        swapped = perturb.swap_entity(pair.question, self._known.names[pair.source], rng)
        if swapped is None or (pair.answer is not None and (swapped[1] in pair.answer_text or pair.answer_text in swapped[1])):
            return pair
        question, old, new = swapped
        sentences = list(pair.sentences)
        answer = pair.answer
        for k, sentence in enumerate(sentences):
            sentences[k] = perturb.replace_word(sentence, old, new)
            if answer is not None and answer[0] == k:
                shift = len(perturb.replace_word(sentence[: answer[1]], old, new)) - answer[1]
                answer = (k, answer[1] + shift, answer[2] + shift)
        return replace(pair, question=question, sentences=tuple(sentences), answer=answer, context="")

    def _among_others(self, pair: Pair, rng: random.Random) -> Pair:
        """QAMR's passages are single sentences: set one among two to five others of its source."""
        rows = self._known.near(pair, rng, same_document=False, top=30)
        others = [self._known.all[row].sentences[0] for row in rows[: rng.randint(2, 5)]]
        place = rng.randint(0, len(others))
        gold = frozenset(g + place for g in pair.gold)
        answer = None if pair.answer is None else (pair.answer[0] + place, *pair.answer[1:])
        return replace(pair, sentences=(*others[:place], *pair.sentences, *others[place:]), gold=gold, answer=answer)

    def _negative(self, pair: Pair, rng: random.Random) -> Example | None:
        """Make an unanswerable example of a kind drawn by KINDS, or of the next kind that applies."""
        kinds = list(KINDS)
        first = rng.choices(kinds, list(KINDS.values()))[0]
        for kind in (first, *rng.sample(kinds, len(kinds))):
            made = getattr(self, f"_{kind}")(pair, rng)
            if made is not None:
                return made
        return None

    def _elsewhere(self, pair: Pair, rng: random.Random, *, same_document: bool) -> Example | None:
        top = 6 if same_document else 12
        rows = self._known.near(pair, rng, same_document=same_document, top=top if pair.source != "policyqa" else 60)
        for row in rows[-6:]:
            other = self._known.all[row]
            bare = replace(other, question=pair.question, gold=frozenset(), answer=None)
            made = self._windowed(bare, "same_document" if same_document else "neighbour", rng, likely(pair.question, other))
            if not holds(made.sentences, pair.answer_text):
                return made
        return None

    def _same_document(self, pair: Pair, rng: random.Random) -> Example | None:
        return self._elsewhere(pair, rng, same_document=True) if pair.source not in ("qamr", "policyqa") else None

    def _neighbour(self, pair: Pair, rng: random.Random) -> Example | None:
        return self._elsewhere(pair, rng, same_document=False)

    def _removed(self, pair: Pair, rng: random.Random) -> Example | None:
        """Take the same passage without its evidence."""
        if pair.source == "qamr":
            pair = self._among_others(pair, rng)
        rest = tuple(s for k, s in enumerate(pair.sentences) if k not in pair.gold)
        if len(rest) < 2 or pair.source == "policyqa" or holds(rest, pair.answer_text):
            return None
        near = min(max(0, min(pair.gold) - rng.randint(0, 1)), len(rest) - 1)
        bare = replace(pair, sentences=rest, gold=frozenset(), answer=None)
        return self._windowed(bare, "removed", rng, [near])

    def _asked_otherwise(self, pair: Pair, question: str | None, kind: str, rng: random.Random) -> Example | None:
        """Its own passage, window and all, under a question that it no longer answers."""
        if question is None or question == pair.question:
            return None
        if pair.source == "qamr":
            pair = self._among_others(pair, rng)
        made = self._windowed(pair, kind, rng)
        return replace(made, question=question, gold=frozenset(), answer=None)

    def _name(self, pair: Pair, rng: random.Random) -> Example | None:
        """Swap a name or number of the question for another of the same document or source."""
        passage = " ".join(pair.sentences)
        if rng.random() < 0.3:
            changed = perturb.swap_number(pair.question, perturb.numbers(passage), rng)
            if changed is not None:
                return self._asked_otherwise(pair, changed, "number", rng)
        near = rng.random() < 0.6
        swapped = perturb.swap_entity(pair.question, self._known.names[pair.document if near else pair.source], rng)
        return None if swapped is None else self._asked_otherwise(pair, swapped[0], "name", rng)

    def _opposite(self, pair: Pair, rng: random.Random) -> Example | None:
        turned = perturb.swap_opposite(pair.question, rng) if rng.random() < 0.7 else None
        if turned is not None:
            return self._asked_otherwise(pair, turned, "opposite", rng)
        return self._asked_otherwise(pair, perturb.negate(pair.question, rng), "negated", rng)

    def _vague(self, pair: Pair, rng: random.Random) -> Example | None:
        """Its own passage, with the short answer made vague wherever it stands."""
        if pair.answer is None or not pair.answer_text:
            return None
        place, start, end = pair.answer
        blurred = slots.blur(pair.sentences[place], start, end, question=pair.question, rng=rng)
        if blurred is None:
            return None
        sentences = (*pair.sentences[:place], blurred, *pair.sentences[place + 1 :])
        if holds(sentences, pair.answer_text):
            return None
        if pair.source == "qamr":
            pair = self._among_others(replace(pair, sentences=sentences, answer=None), rng)
            made = self._windowed(pair, "vague", rng)
        else:
            made = self._windowed(replace(pair, sentences=sentences, answer=None), "vague", rng)
        return replace(made, gold=frozenset(), answer=None)

    def _turned(self, pair: Pair, rng: random.Random) -> Example | None:
        made = self._windowed(pair, "turned", rng)
        question = slots.turn(pair.question, " ".join(made.sentences), rng)
        return None if question is None else replace(made, question=question, gold=frozenset(), answer=None)

    def _word(self, pair: Pair, rng: random.Random) -> Example | None:
        pool = self._known.words[pair.document if rng.random() < 0.5 else pair.source]
        others = rng.sample(pool, min(len(pool), 400))
        return self._asked_otherwise(pair, perturb.swap_word(pair.question, " ".join(pair.sentences), others, rng), "word", rng)

    def _title(self, pair: Pair, rng: random.Random) -> Example | None:
        """Another document's title above the passage, where only the title named what the question is about."""
        made = self._windowed(pair, "title", rng)
        subject = set(words(pair.context)) - perturb.STOP
        if not subject or not subject & set(words(pair.question)) or subject & set(words(" ".join(made.sentences))):
            return None
        others = [self._known.all[rng.choice(self._known.of_source[pair.source])].context for _ in range(8)]
        fit = [c for c in others if c and not subject & set(words(c))]
        return replace(made, context=fit[0], gold=frozenset(), answer=None) if fit else None

    def _terms(self, rng: random.Random) -> Example | None:
        """Make a keyword query answered by every sentence that speaks of its term: evidence of several sentences."""
        pair = self._known.all[
            rng.choice(self._known.of_source[rng.choice(("shift_wiki", "evidence_inference", "squad2_part"))] or [0])
        ]
        kept = window(pair, [rng.randrange(len(pair.sentences))], rng.randint(60, LONGEST), rng)
        bare = replace(pair, sentences=tuple(pair.sentences[k] for k in kept), gold=frozenset(), answer=None)
        stems = [{w[:6] for w in words(s) if len(w) > 4 and w not in perturb.STOP} for s in bare.sentences]
        counts: dict[str, int] = defaultdict(int)
        for stem in (s for found in stems for s in found):
            counts[stem] += 1
        fit = sorted(stem for stem, n in counts.items() if 2 <= n <= max(2, 0.6 * len(stems)) and not stem.isdigit())
        if len(bare.sentences) < 4 or not fit:
            return None
        stem = rng.choice(fit)
        gold = [k for k, found in enumerate(stems) if stem in found]
        beside = sorted({s for k in gold for s in stems[k]} - {stem})
        term = re.search(rf"\b{stem}\w*", " ".join(bare.sentences).lower())
        extra = re.search(rf"\b{rng.choice(beside)}\w*", " ".join(bare.sentences).lower()) if beside else None
        parts = [m.group() for m in (term, extra) if m] + ([bare.context] if bare.context and rng.random() < 0.4 else [])
        rng.shuffle(parts)
        question = " ".join(parts)
        if rng.random() < NEGATIVE_SHARE["terms"]:
            rest = replace(bare, sentences=tuple(s for k, s in enumerate(bare.sentences) if k not in gold))
            return (
                Example(question, bare.context, rest.sentences, frozenset(), None, "terms") if len(rest.sentences) > 1 else None
            )
        return Example(question, bare.context, bare.sentences, frozenset(gold), None, "terms")
