"""service.py with permission callbacks.

usage: guard_service.py URL NAME

  may REQUEST [MORE…]  decides by the argument `say` of the request:
                       yes, no, null, word, one, map, fail, never, parts, die,
                       `slow MS` (then yes), `die_after` (yes, then the
                       process ends before it reads the call)
  asked                [name, number of questions heard, the last one]

and functions to try again:
  fail_times NAME N    fails N times for each NAME, then answers with the
                       number of its attempts
  attempts NAME        how many there were; of `questions`: how many were asked
  note NAME            writes NAME into the file `ran` of its folder
  die_named NAME       ends the process if its folder has no file NAME yet
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

    def __init__(self, url, name):
        super().__init__(url, name)
        self.folder = os.path.dirname(url.removeprefix("ipc://"))
        self.attempts = {}

    def take(self, peer, frame):
        if frame[0] == PING:
            self.send_message(peer, [])
            return []
        return super().take(peer, frame)

    def call(self, peer, number, function, args):
        if function == "asked":
            return [[RESULT, number,
                     [self.name, self.questions, self.last]]]
        if function == "attempts":
            count = self.questions if args[0] == "questions" else \
                self.attempts.get(args[0], 0)
            return [[RESULT, number, count]]
        if function == "fail_times":
            name, times = args
            self.attempts[name] = count = self.attempts.get(name, 0) + 1
            if count <= times:
                return [[ERROR, number, "internal", f"attempt {count}"]]
            return [[RESULT, number, count]]
        if function == "note":
            with open(f"{self.folder}/ran", "a", encoding="ascii") as ran:
                ran.write(args[0] + "\n")
            return [[RESULT, number, args[0]]]
        if function == "die_named":
            mark = f"{self.folder}/{args[0]}"
            if not os.path.exists(mark):
                open(mark, "w", encoding="ascii").close()
                os._exit(9)
            return [[RESULT, number, args[0]]]
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
