"""A co-simulation as JUnit XML, the form in which continuous integration shows tests."""
from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence

from .quality import Quality, Threshold
from .session import Session


def junit_xml(session: Session, quality: Quality | None, thresholds: Sequence[Threshold]) -> str:
    """One test case per engine that is compared with the reference, and one per threshold."""
    manifest = session.bundle.manifest
    cases = [(f"{r.engine} equals reference", r.text(), r.failed) for r in session.results if r.compared]
    cases += [(f"quality {t.figure}", t.text(quality), not t.met(quality)) for t in thresholds if quality]
    failures = sum(failed for _, _, failed in cases)
    name = f"tapeout cosim {manifest.name} {manifest.target}"
    suite = ET.Element("testsuite", name=name, tests=str(len(cases)), failures=str(failures), errors="0", skipped="0")
    for title, text, failed in cases:
        case = ET.SubElement(suite, "testcase", classname=f"{manifest.name}.{manifest.target}", name=title)
        if failed:
            ET.SubElement(case, "failure", message=text)
        else:
            ET.SubElement(case, "system-out").text = text
    ET.indent(suite)
    return ET.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"
