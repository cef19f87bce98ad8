"""The search for plaintext: stores, logs, traffic, memory and swap, byte by byte."""
