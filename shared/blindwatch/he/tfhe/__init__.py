"""One-to-one verdicts in TFHE. All of it needs Concrete ML, which lives in an environment of its own."""
