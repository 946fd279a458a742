"""`python -m herder.cli`."""

from herder.cli.main import main

main()
