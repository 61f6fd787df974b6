"""stemqa: answers from a library of documents, sentence by verbatim sentence.

This package is the lowest layer. It holds the version and the one error tree:

    StemqaError              something is broken; the message says what was found, what was needed, and the mend
    ├── SettingsError        an environment variable or option that cannot be used
    ├── DocumentError        a file that cannot be read as a document
    ├── ModelError           model weights that are missing, or are not the ones expected
    ├── LibraryError         a library that is missing, damaged, or was built with another model
    ├── QuestionSetError     a question file or folder that cannot be evaluated
    └── IntegrityError       a quote that is not its source: an internal error, never shown as an answer

A refusal to answer is not an error; it is a `rag.reply.Refusal`.
"""

__version__ = "0.1.0"


class StemqaError(Exception):
    """Something is broken. The message is one line, fit to be shown to a person."""


class SettingsError(StemqaError):
    """An environment variable or option that cannot be used."""


class DocumentError(StemqaError):
    """A file that cannot be read as a document."""


class ModelError(StemqaError):
    """Model weights that are missing, or are not the ones expected."""


class LibraryError(StemqaError):
    """A library that is missing, damaged, or was built with another model."""


class QuestionSetError(StemqaError):
    """A question file or folder that cannot be evaluated."""


class IntegrityError(StemqaError):
    """A quote that is not the slice of its source that it claims to be."""
