"""What is noted of an event and what its row promises agree."""
import re

from house_test import ROOT, sources, where

ROW = re.compile(r'^\tT\((\w+),\s+"([\w.]+)",\s+\w+,\s+"([^"]*)",\s*"([^"]*)"\)', re.M)
NOTED = re.compile(
    r'\bevent_(?:note|tell|record)\(\s*((?:[^;"]*?))((?:"(?:[^"\\]|\\.)*"\s*'
    r'(?:PRI\w+\s*)?)+)')
KEY = re.compile(r'(?:^| )([a-z_]\w*)=')


def rows():
    text = (ROOT / "protocol/tables/telemetry.h").read_text()
    return {event: set(re.sub("[?#]", "", f"{measurements} {metadata}").split())
            for event, _, measurements, metadata in ROW.findall(text)}


def noted():
    """(file, event, keys) of every event whose fields stand in its call."""
    for path in sources(".c"):
        for call in NOTED.finditer(path.read_text()):
            text = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', call[2]))
            for event in re.findall(r"EVENT_(\w+)", call[1]):
                yield where(path), event, KEY.findall(text)


def test_every_key_that_is_noted_stands_in_the_row_of_its_event():
    known = rows()
    found = list(noted())
    assert len(known) > 100 and len(found) > 60
    wrong = sorted({f"{path}: {event}: {key} is not in its row"
                    for path, event, keys in found for key in keys
                    if event in known and key not in known[event]})
    assert not wrong, "\n".join(wrong)
