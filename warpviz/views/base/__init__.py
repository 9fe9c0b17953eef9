"""What every view is built on: the widget class, its one writer, exports and static forms."""
