"""The viewer without its window: the state of the source and of the window, and the session that changes them. Free
of Qt."""
