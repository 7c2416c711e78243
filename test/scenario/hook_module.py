"""Hooks in Python: what each does, the call's arguments say."""
import os
import time

seen = {"before": [], "after": [], "encode": []}


def note(kind, *given):
    seen[kind].append(list(given))
    del seen[kind][:-50]


def trouble(word):
    """What any kind of hook may do instead of answering."""
    if word == "raise":
        raise ValueError("secret inner words")
    if word == "slow":
        time.sleep(2.5)
    if word == "die":
        os._exit(1)
    if word == "parts":
        return iter([1, 2])
    return None


def said(request, key):
    args = request.get("args") or {}
    return args.get(key) if isinstance(args, dict) else None


def before(request, config, *extra):
    note("before", request, config, *extra)
    word = said(request, "before")
    if word in ("raise", "slow", "die"):
        trouble(word)
    changed = dict(request, args=dict(request["args"], say="changed"))
    return {
        "parts": lambda: trouble("parts"),
        "change": lambda: ["ok", changed],
        "change both": lambda: ("ok", changed, dict(config, timeout=300)),
        "hurry": lambda: ["ok", {}, {"timeout": 200}],
        "usurp": lambda: ["ok", dict(request, user_id="root",
                                     user_roles=["admin"], service="other",
                                     request_type="other")],
        "device": lambda: ["ok", {"device_id": "a device"}],
        "reject": lambda: ["error", 'not "today"'],
        "reject map": lambda: ["error", {"why": [1, None]}],
        "broken": lambda: ["ok", 1],
        "odd": lambda: "certainly",
        "flood": lambda: ["ok", {"args": {"say": "x", "more": [[]] * 70000}}],
    }.get(word, lambda: None)()


def after(request, config, response, *extra):
    note("after", request, config, response, *extra)
    word = said(request, "after")
    if word in ("raise", "slow", "die"):
        trouble(word)
    return {
        "parts": lambda: trouble("parts"),
        "same": lambda: response,
        "replace": lambda: {"success": True, "result": {"was": response}},
        "spoil": lambda: dict(response, success=False, error="spoilt",
                              code="quarantined"),
        "odd": lambda: "certainly",
        "ugly": lambda: {"success": True, "result": {1: 2}},
    }.get(word, lambda: None)()


def encode(data, *extra):
    note("encode", data, *extra)
    word = data[0] if isinstance(data, list) else data
    if word in ("raise", "slow", "die", "parts"):
        return trouble(word)
    if word == "error":
        return ["error", "no such thing"]
    return {"encoded": data, "by": list(extra)}


def last(kind):
    return seen[kind][-1] if seen[kind] else None


def count(kind):
    return len(seen[kind])


def forget():
    for given in seen.values():
        given.clear()


def may(request):
    return request["args"].get("may") == "yes"


def echo(given=None):
    return given
