"""The side of the TFHE engine that holds keys, in a process of its own, and what drives both sides."""
