"""A module that says itself what may be called."""
from os.path import basename

__all__ = ["basename", "shown"]


def shown():
    return True


def not_listed():
    return False
