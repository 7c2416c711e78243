# SPDX-License-Identifier: MIT
"""text - functions of the demo: what a pool of Python runners can be asked."""
import re
import time
import unicodedata

import banyan

thread_safe = True  # nothing here is shared between calls


def slugify(title):
    """'Grüße, Welt!' → 'grusse-welt'"""
    letters = unicodedata.normalize("NFKD", title.replace("ß", "ss"))
    ascii_only = letters.encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", ascii_only).strip("-")


def word_count(text):
    """How often each word is there, the most frequent first."""
    counts = {}
    for word in re.findall(r"\w+", text.lower()):
        counts[word] = counts.get(word, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def countdown(start, pause_ms=0):
    """A stream: start, start - 1, … 1."""
    for number in range(start, 0, -1):
        if banyan.cancelled():
            return
        yield number
        time.sleep(pause_ms / 1000)
