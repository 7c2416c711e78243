"""A question from role to role, when who is asked is just being born."""
import os
import socket
import threading

from tree import Tree


class HalfBorn:
    """Stands where a role listened: greets nobody, and closes in the middle
    of the handshake; then the role's own socket is back."""

    def __init__(self, path):
        self.path, self.aside = path, path.with_suffix(".aside")
        os.rename(path, self.aside)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.settimeout(20)
        self.listener.bind(str(path))
        self.listener.listen(16)
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        try:
            for _ in range(2):
                self.listener.accept()[0].close()
        finally:
            self.listener.close()
            os.rename(self.aside, self.path)


def test_who_closes_in_the_handshake_is_asked_again():
    with Tree(service=False) as tree:
        tree.until_whole()
        for _ in range(3):
            pid = tree.kill("control")  # the next one has no line yet
            tree.until("control", state="up")
            assert tree.pid("control") != pid
            half = HalfBorn(tree.run / "puller.ipc")
            done = tree.run_banyan("services", "list", "--json")
            half.thread.join(30)
            assert done.returncode == 0, done.stderr
