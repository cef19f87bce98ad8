"""Transparency logs after RFC 6962 and the C2SP specifications: written, read, cosigned, proven."""
