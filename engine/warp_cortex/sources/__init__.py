"""Where models come from: the catalogue of known models, the package registry, GGUF files."""
