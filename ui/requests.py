"""What may be sent to the HTTP API, and how much of it."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

MAX_HITS = 100
MAX_PASSAGES = 100
MAX_PASSAGE_CHARS = 200_000
"""Of all passages of one request together: some 30,000 words, which take two cores about ten seconds."""


def _unicode(text: str) -> str:
    """Return `text`, unless it holds half a character, which JSON can write and no encoding of text can."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("the text holds a lone surrogate; send whole characters")
    return text


Text = Annotated[str, AfterValidator(_unicode)]


class AskRequest(BaseModel):
    """A question in the reader's own words."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"question": "Where do mesenchymal stem cells come from?"}]}
    )
    question: Text
    id: str | None = Field(default=None, max_length=200, description="Comes back with the reply; left out, it is a digest.")


class SearchRequest(AskRequest):
    """Words to look up, and how many passages to return."""

    k: int = Field(default=10, ge=1, le=MAX_HITS)


class ExtractRequest(AskRequest):
    """A question, and the passages to read for it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "question": "How long do platelets live?",
                    "passages": [
                        "Platelets live for eight to ten days. Most are stored in the spleen.",
                        "The thymus shapes T cells.",
                    ],
                }
            ]
        }
    )
    passages: list[Text] = Field(description=f"At most {MAX_PASSAGES}, of {MAX_PASSAGE_CHARS:,} characters together.")
