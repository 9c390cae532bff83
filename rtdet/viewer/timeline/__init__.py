"""The lanes of finished tracks and the charts above them, without a window: when each track was there, what of it is
in view, which lane is where."""
