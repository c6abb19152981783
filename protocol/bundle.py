"""A bundle: one file with a version of the program, and the line with which the root signed what is in it.

The file is a ZIP archive (PKWARE APPNOTE 6.3): `bundle.line`, the DSSE line of type `bundle`, and each file that the
line names, by its name, at the top: wheels, and what starts the installer where Python is given the file itself. Here
are names and bounds; `edge_agent` reads it, `provisioning` writes it.
"""

import re
from typing import Final

LINE_NAME: Final = "bundle.line"
STARTER_NAME: Final = "__main__.py"
"""What `python3 FILE.bundle` starts (Python, zipapp): unpacks the wheels and hands over to the installer in them."""
ENDING: Final = ".bundle"
FILES_MAX: Final = 200
"""Wheels of the program and all that it needs: about twenty."""
FILE_BYTES_MAX: Final = 64 * 1024 * 1024
"""The greatest wheel that a box needs (cryptography) has 4 MB."""
BUNDLE_BYTES_MAX: Final = 256 * 1024 * 1024
"""All files together, packed or not: a tenth of what a small eMMC has free."""
_VERSION: Final = re.compile(r"\d{1,6}(\.\d{1,6}){1,3}")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]{0,199}\.whl")


def version_number(text: str) -> tuple[int, ...] | None:
    """A version as numbers that can be compared, trailing zeros left out; None for a text that is none."""
    if _VERSION.fullmatch(text) is None:
        return None
    numbers = [int(part) for part in text.split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def is_wheel_name(name: str) -> bool:
    """Whether a file of this name is a wheel that may be in a bundle: no path leads out of it."""
    return _NAME.fullmatch(name) is not None
