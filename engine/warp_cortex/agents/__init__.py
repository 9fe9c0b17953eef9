"""The agents: the River, the streams, and what lets them take their steps."""
