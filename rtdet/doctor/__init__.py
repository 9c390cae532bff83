"""What this machine can do for rtdet, what is missing or in the way, and the remedy for each.

`examining.examine` is the only entry. Each part is a module with a `look`, which yields Findings; to add one, write
`doctor/foo.py` and give it a line in PARTS (`examining.py`). Nothing of it uses the network.
"""
