"""The agents: the River, the streams, and the schedule of their steps."""
