"""What every benchmark shares: flags, timing, the machine, tables and progress."""
