"""The Router: from the River's text to tasks for streams."""
