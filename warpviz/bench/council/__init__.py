"""What a council is worth on a real model: facts recalled, and wrong statements avoided."""
