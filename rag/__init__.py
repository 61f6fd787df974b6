"""The joint of text and vectors: library, retrieval, guard, answer, assistant, evaluation."""
