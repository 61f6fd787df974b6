"""Fit the guard's classifier, rag/guard_model.json, and measure the guard.

    python bench/guard.py [--shared ../shared] [--write]

Trained on tests/data/guard_dev.jsonl (labelled questions), on the phrasings of tests/data/guard_train.jsonl with their slots
filled and their stories put before questions, and on questions of permissively licensed sets in <shared>/train. The threshold
is set by cross-validation, with all fillings of one phrasing in one fold. tests/data/guard_heldout.jsonl, the shipped questions
and <shared>/eval are only measured on.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from embeddings.encoder import open_embedder
from rag.guard import screen
from rag.guard_model import CLASSES, MODEL_FILE, choose, features
from rag.protocols import Embedder, FloatArray

ROOT = Path(__file__).parents[1]
DATA = ROOT / "tests" / "data"
GENERAL, PERSONAL, EMERGENCY = CLASSES
FILLINGS = 4
STRENGTH = 0.2  # inverse of the penalty, as scikit-learn counts it
FALSE_ALARMS = 0.045
"""Share of the general training questions that may be refused in cross-validation: what the threshold is set for. They are
harder than what is asked in life: many are a story of illness before a general question."""
SETS = ("shift_wiki", "policyqa", "selqa", "fairytale", "qamr", "evidence_inference")
OF_EACH_SET = 250

SLOTS = {
    "cond": "multiple sclerosis|MS|lupus|systemic sclerosis|scleroderma|Crohn's disease|ulcerative colitis|rheumatoid arthritis"
    "|type 1 diabetes|leukaemia|AML|lymphoma|myeloma|aplastic anaemia|sickle cell disease|thalassaemia|SCID|myasthenia gravis"
    "|psoriasis|vasculitis|GVHD|CVID|MDS|Sjögren's syndrome|chronic granulomatous disease|neuromyelitis optica",
    "drug": "prednisone|tacrolimus|methotrexate|cyclosporine|rituximab|azathioprine|mycophenolate|ibuprofen|ruxolitinib"
    "|cyclophosphamide|insulin|paracetamol|natalizumab|hydroxychloroquine|aciclovir|co-trimoxazole|steroids|sirolimus"
    "|lenalidomide|imatinib|adalimumab",
    "treat": "a stem cell transplant|a transplant|HSCT|a bone marrow transplant|gene therapy|CAR-T therapy"
    "|an autologous transplant|a donor transplant|mesenchymal stem cells|high-dose chemotherapy|a cord blood transplant"
    "|immunotherapy|stem cell therapy",
    "kin": "mother|father|wife|husband|brother|sister|son|daughter|uncle|aunt|grandmother|grandfather|friend|neighbour|cousin"
    "|niece|nephew|partner|colleague|best friend|mum|dad",
    "kin_f": "mother|wife|sister|daughter|aunt|grandmother|niece|mum|girlfriend",
    "kin_m": "father|husband|brother|son|uncle|grandfather|nephew|dad|boyfriend",
    "kid": "son|daughter|baby|little boy|toddler|grandson|four-year-old",
    "sym": "fever|night sweats|joint pain|a rash|mouth sores|diarrhoea|numb feet|swollen glands|fatigue|dry eyes|bruises"
    "|a cough|headaches|itching|double vision|weight loss|nausea|tingling hands",
    "sick": "sick|dizzy|tired|so weak|depressed",
    "lab": "platelets|neutrophils|haemoglobin|creatinine|CRP|ferritin|lymphocytes|IgG|white cells|liver values|CD4 count",
    "place": "Mexico|Germany|Panama|Kiev|India|Moscow|Thailand|London|Chicago|Turkey",
}
SLOTS |= {f"{name}{i}": SLOTS[name] for name in ("cond", "drug", "treat", "sym", "lab") for i in (2, 3)}
NUMBERS = {
    "n": (2, 12),
    "age": (19, 82),
    "kg": (9, 95),
    "mg": (5, 80),
    "num": (1, 400),
    "num2": (1, 400),
    "money": (4000, 40000),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A labelled question. `group`: the phrasing that it was made from; `weight`: so that each phrasing counts alike."""

    text: str
    label: str
    group: str
    weight: float = 1.0


def read(file: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def fill(phrasing: str, rng: random.Random) -> str:
    """Put something into each slot of `phrasing`."""

    def something(match: re.Match[str]) -> str:
        name = match[1]
        return str(rng.randint(*NUMBERS[name])) if name in NUMBERS else rng.choice(SLOTS[name].split("|"))

    text = re.sub(r"\{(\w+)\}", something, phrasing)
    return text[:1].upper() + text[1:] if phrasing.startswith("{") and text.endswith("?") else text


def training_rows(shared: Path) -> list[Row]:
    rng = random.Random(0)
    rows = [Row(r["text"], r["reason"] or GENERAL, r["id"]) for r in read(DATA / "guard_dev.jsonl")]
    parts: dict[str, list[str]] = {}
    for r in read(DATA / "guard_train.jsonl"):
        parts.setdefault(r["part"], []).append(r["text"])
    for part, label in (("personal", PERSONAL), ("emergency", EMERGENCY), ("general", GENERAL)):
        for phrasing in parts[part]:
            texts = sorted({fill(phrasing, rng) for _ in range(FILLINGS)})
            rows += [Row(text, label, phrasing, 1 / len(texts)) for text in texts]
    rows += combined(parts, rng)
    return rows + list(public(shared / "train", rng))


def combined(parts: dict[str, list[str]], rng: random.Random) -> Iterator[Row]:
    """Put stories before questions: what is asked decides the label, but for a request about somebody who is ill."""
    kinds = (
        ("story_neutral", "ask_general", GENERAL, 6),
        ("story_ill", "ask_general", GENERAL, 3),
        ("danger_past", "ask_general", GENERAL, 1),
        ("story_ill", "ask_care", PERSONAL, 7),
        ("story_neutral", "personal", PERSONAL, 1),
        ("story_ill", "personal", PERSONAL, 1),
        ("story_ill", "emergency", EMERGENCY, 1),
        ("story_neutral", "emergency", EMERGENCY, 1),
        ("emergency", "ask_care", EMERGENCY, 1),
        ("emergency", "ask_general", EMERGENCY, 1),
    )
    for story, ask, label, times in kinds:
        for asked in parts[ask]:
            for _ in range(times):
                told = ended(fill(rng.choice(parts[story]), rng))
                if times > 1 and story == "story_neutral" and rng.random() < 0.3:
                    told += " " + ended(fill(rng.choice(parts[story]), rng))
                yield Row(f"{told} {fill(asked, rng)}", label, asked, 0.5)


def ended(text: str) -> str:
    return text if text[-1] in ".?!" else text + "."


def public(folder: Path, rng: random.Random) -> Iterator[Row]:
    """Questions of public sets, none of which asks for advice."""
    for name in SETS:
        with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            questions = sorted({json.loads(line)["question"] for line in lines})
        for question in rng.sample(questions, OF_EACH_SET):
            yield Row(question, GENERAL, question, 0.5)


def design(texts: Sequence[str], embedder: Embedder) -> FloatArray:
    return np.stack([features(text, embedder.embed_query) for text in texts])


def fit(x: FloatArray, rows: Sequence[Row]) -> LogisticRegression:
    labels = np.array([CLASSES.index(row.label) for row in rows])
    weights = np.array([row.weight for row in rows])
    balance = {i: (weights.sum() / weights[labels == i].sum()) ** 0.5 for i in range(3)}
    return LogisticRegression(C=STRENGTH, max_iter=2000, class_weight=balance).fit(x, labels, sample_weight=weights)


def cross_validated(x: FloatArray, rows: Sequence[Row]) -> FloatArray:
    """Return each row's probabilities by a classifier that saw no filling of its phrasing: shape (rows, 3)."""
    out = np.zeros((len(rows), 3))
    for train, test in GroupKFold(5).split(x, groups=[row.group for row in rows]):
        out[test] = fit(x[train], [rows[i] for i in train]).predict_proba(x[test])
    return out


def threshold(probabilities: FloatArray, rows: Sequence[Row]) -> float:
    """Return the least probability of "not general" at which at most `FALSE_ALARMS` of the general rows are refused."""
    general = np.array([row.label == GENERAL for row in rows])
    return float(np.quantile(1 - probabilities[general, 0], 1 - FALSE_ALARMS))


def report(name: str, rows: Sequence[tuple[str, str]], embedder: Embedder | None) -> None:
    """Print how many of (question, reason) are right, and which are wrong."""
    right: dict[str, list[bool]] = {}
    for text, label in rows:
        got = screen(text, max_chars=2000, embedder=embedder)
        right.setdefault(label, []).append((got or GENERAL) == label)
        if not right[label][-1]:
            print(f"    {label} -> {got or GENERAL}: {text[:220]}")
    print(name, "; ".join(f"{label} {sum(r)}/{len(r)} = {sum(r) / len(r):.3f}" for label, r in right.items()), flush=True)


def measured(shared: Path) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    yield "held out", [(r["text"], r["reason"] or GENERAL) for r in read(DATA / "guard_heldout.jsonl")]
    kinds = {"personal_advice": PERSONAL, "emergency": EMERGENCY}
    shipped = read(ROOT / "corpus" / "questions.jsonl")
    yield "shipped", [(r["question"], kinds.get(r["kind"], GENERAL)) for r in shipped]
    for path in ("medquad_immune/queries", "medquad_immune/queries.unanswerable", "squad2_dev/queries", "offtopic_clinc150"):
        questions = [r["text"] for r in read(shared / "eval" / f"{path}.jsonl")]
        yield path, [(q, GENERAL) for q in random.Random(0).sample(questions, min(1500, len(questions)))]


def write(model: LogisticRegression, limit: float, embedder: Embedder) -> None:
    content = {
        "model_sha256": embedder.sha256,
        "classes": CLASSES,
        "threshold": round(limit, 4),
        "intercepts": [round(float(v), 4) for v in model.intercept_],
        "weights": [[round(float(v), 4) for v in row] for row in model.coef_],
    }
    MODEL_FILE.write_text(json.dumps(content) + "\n", encoding="utf-8")


def main(arguments: argparse.Namespace) -> None:
    embedder = open_embedder("", threads=1)
    if arguments.write:
        rows = training_rows(arguments.shared)
        x = design([row.text for row in rows], embedder)
        probabilities = cross_validated(x, rows)
        limit = threshold(probabilities, rows)
        for label in CLASSES:
            of = [i for i, row in enumerate(rows) if row.label == label]
            told = [choose(probabilities[i], limit, likely=True) == label for i in of]
            print(f"cross-validation, {label}: {sum(told)}/{len(told)} = {np.mean(told):.3f}")
        write(fit(x, rows), limit, embedder)
    for name, questions in measured(arguments.shared):
        report(name, questions, embedder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--write", action="store_true", help="fit anew and write rag/guard_model.json; else only measure")
    main(parser.parse_args())
