"""The errors that an operator can mend, each said in one line for a person."""


class PipelineError(Exception):
    """What is wrong, where, and what is accepted; the command line shows it and exits 1."""
