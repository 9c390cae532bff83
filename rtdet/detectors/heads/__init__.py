"""Networks of others, recognised by what they give out. One module for each family of heads.

A family is a function `recognize(graph)`. It looks at a network's inputs, outputs and notes, and returns a `Match`
with the `Head` that decodes them and with how sure it is, or None where it cannot decode them at all. To add one,
write its module and give it a line in `HEADS` (registry.py). `graph_detector.py`, beside this folder, runs it.
"""
