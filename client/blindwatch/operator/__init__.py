"""The operator: fetches every result in the same way, decrypts it and sees matches only."""
