"""The one loaded model: loading, checking what it does, running it."""
