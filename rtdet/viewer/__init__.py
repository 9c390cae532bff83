"""The viewer without a window: what is open, what was asked for, what goes on. Free of Qt."""
