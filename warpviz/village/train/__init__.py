"""Training the bundled village model."""
