"""What the benchmark and the tests run on: made-up fiscal documents, never real ones."""
