"""`python -m rtdet` is `rtdet`."""

from rtdet.cli import main

main()
