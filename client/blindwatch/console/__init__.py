"""The operator's console: a person compares two images and decides, in a page that this machine alone can reach."""
