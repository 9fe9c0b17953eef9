"""GateTuner: thoughts judged again as theta moves."""
