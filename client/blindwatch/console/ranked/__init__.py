"""Ranked search in a page: one photograph, the entries most alike, and their faces when somebody asks for them."""
