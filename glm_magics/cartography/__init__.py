"""Maps of vectors: where each point lies, its colour, where names stand, and the picture that a saved notebook keeps."""
