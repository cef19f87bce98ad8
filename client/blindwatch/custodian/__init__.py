"""The watchlist custodian: makes the keys, enrols entries and uploads them encrypted."""
