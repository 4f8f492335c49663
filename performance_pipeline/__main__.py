"""`python -m performance_pipeline`: the command line."""

from performance_pipeline.cli import main

main()
