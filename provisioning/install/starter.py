"""What `python3 FILE.bundle` starts: it lies in the bundle as `__main__.py`, beside its wheels. Standard library only.

The wheels are unpacked into a folder that goes at the end, and the installer among them does the rest. It installs
nothing before it has checked every file of the bundle, this one too, against the root's signature.
"""

import sys
import tempfile
import zipfile
from pathlib import Path

PYTHON = (3, 11)
KIND = "box"
"""For a centre `provision bundle --centre` writes the other word here."""


def main() -> int:
    if sys.version_info < PYTHON:
        there, wanted = (".".join(map(str, version[:2])) for version in (sys.version_info, PYTHON))
        sys.stderr.write(f"this is Python {there}; the program needs {wanted} or later\n")
        return 2
    bundle = Path(sys.argv[0]).resolve()
    with tempfile.TemporaryDirectory(prefix="tallybox-install-") as folder:
        with zipfile.ZipFile(bundle) as archive:
            for name in archive.namelist():
                if name.endswith(".whl"):
                    with archive.open(name) as packed, zipfile.ZipFile(packed) as wheel:
                        wheel.extractall(folder)
        sys.path.insert(0, folder)
        try:
            from provisioning.install import cli  # noqa: PLC0415 - it lies in what was just unpacked
        except ImportError as fault:
            here = ".".join(map(str, sys.version_info[:2]))
            sys.stderr.write(f"{bundle}: its parts do not fit this machine (Python {here}): {fault}\n")
            return 2
        return cli.main(bundle, KIND, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
