"""The timeline under the picture: a lane for each track, charts, filters and what can be mended."""
