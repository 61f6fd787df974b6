"""Vectors and terms: strings become vectors, terms find ids. Knows no documents."""
