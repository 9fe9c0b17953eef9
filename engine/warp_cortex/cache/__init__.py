"""Keys and values, and nothing else: one sequence, many agents' slots, growing rows."""
