"""What every view is built on: the widget class, its messages, its data source, its exports."""
