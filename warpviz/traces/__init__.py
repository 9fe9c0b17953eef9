"""A run's trace in the formats of other tools: Perfetto's viewer, OpenTelemetry."""
