"""The side of the TFHE engine that holds no secret: evaluation keys and ciphertexts come in, verdicts go out."""
