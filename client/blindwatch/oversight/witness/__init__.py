"""A witness: it cosigns what logs sign, as long as they only grow."""
