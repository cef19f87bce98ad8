"""The secret key: making, wrapping and using it. Only custodians, operators and the demo import this."""
