"""From a photograph to a template: decode, detect, align, embed and quantise, with registered models only."""
