"""The Synapse: landmarks published as versioned snapshots, kept up to date, saved and loaded."""
