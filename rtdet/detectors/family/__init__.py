"""What every family of detectors that can be trained has in common.

A family is a chapter of its own in a folder beside this one: its configuration, network, targets and loss.
`network.DetectionNetwork` is all that it promises, `registry.FAMILIES` all that it has to be entered in.
"""
