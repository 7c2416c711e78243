# SPDX-License-Identifier: MIT
"""banyan - what a function may ask about the call it answers.

    import banyan

    def long_work(n):
        for step in range(n):
            if banyan.cancelled():
                return None
            ...

All of it works outside of a runner, too: nothing is cancelled there.
"""
import threading
import time

_now = threading.local()  # .call: what this thread works on


def _call():
    return getattr(_now, "call", None)


def cancelled():
    """Whether nobody waits for this call any more."""
    call = _call()
    return call is not None and call.is_cancelled()


def remaining_ms():
    """Milliseconds until the call's deadline; None: it has none."""
    call = _call()
    if call is None or not call.until:
        return None
    return max(0, int((call.until - time.monotonic()) * 1000))


def caller():
    """Who calls: {"request_id": …, "user_id": …, "device_id": …}; empty for
    functions without `request_info: true`."""
    call = _call()
    return dict(call.caller or {}) if call is not None else {}
