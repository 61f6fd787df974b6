"""Text only: files become Documents, Documents become sentence Spans, sentences become Chunks."""
