"""What crosses the wire: byte limits, CBOR codec, messages, problems and the client of the API."""
