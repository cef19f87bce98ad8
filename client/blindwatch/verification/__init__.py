"""`blindwatch verify`: one photograph against one or a few, under the scheme that is asked for."""
