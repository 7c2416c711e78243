"""Functions for a Python runner: one that decides, and those it guards."""
import os

heard = {"questions": 0, "last": None}


def may(request, *more):
    heard["questions"] += 1
    heard["last"] = [request, *more]
    say = request["args"].get("say")
    if say == "fail":
        raise ValueError("I do not know")
    return {"yes": True, "no": False}.get(say, "perhaps")


def who(_say=None):
    return os.environ["BANYAN_RUNNER"]


def asked():
    return [os.environ["BANYAN_RUNNER"], heard["questions"], heard["last"]]
