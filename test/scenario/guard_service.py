"""service.py with permission callbacks.

usage: guard_service.py URL NAME

  may REQUEST [MORE…]  decides by the argument `say` of the request:
                       yes, no, null, word, one, map, fail, never, parts, die,
                       `slow MS` (then yes), `die_after` (yes, then the
                       process ends before it reads the call)
  asked                [name, number of questions heard, the last one]
"""
import os
import sys

from service import CHUNK, END, ERROR, RESULT, Service

PING = 9
ANSWERS = {"yes": True, "no": False, "null": None, "word": "true", "one": 1,
           "map": {"ok": True}}


class GuardService(Service):
    questions = 0
    last = None

    def take(self, peer, frame):
        if frame[0] == PING:
            self.send_message(peer, [])
            return []
        return super().take(peer, frame)

    def call(self, peer, number, function, args):
        if function == "asked":
            return [[RESULT, number,
                     [self.name, self.questions, self.last]]]
        if function != "may":
            return super().call(peer, number, function, args)
        self.questions += 1
        self.last = args
        say = args[0]["args"].get("say", "yes")
        if isinstance(say, int):  # a number above 0 is yes
            return [[RESULT, number, say > 0]]
        word, _, more = str(say).partition(" ")
        return self.decide(peer, number, word, more)

    def decide(self, peer, number, word, more):
        if word in ANSWERS:
            return [[RESULT, number, ANSWERS[word]]]
        if word == "fail":
            return [[ERROR, number, "internal", "I do not know"]]
        if word == "parts":
            return [[CHUNK, number, 0, True], [END, number]]
        if word == "slow":
            self.wait(int(more) / 1000, peer, [[RESULT, number, True]])
        if word == "die":
            os._exit(9)
        if word == "die_after":
            self.send(peer, [[RESULT, number, True]])
            os._exit(9)
        return []  # never


if __name__ == "__main__":
    GuardService(*sys.argv[1:]).run()
