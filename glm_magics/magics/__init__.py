"""The notebook's face: thin skins over `Session`."""
