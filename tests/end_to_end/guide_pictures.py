"""Takes the browser tests' newest screenshots into guide and stories: `python -m tests.end_to_end.guide_pictures`."""

import shutil
import sys
from pathlib import Path

from tests.end_to_end.console_pages import SCREENSHOTS

TARGET = Path("docs/guide/images")
PICTURES = {
    "sale": "sale",
    "refund-payable": "refund-payable",
    "till": "till",
    "customer": "customer",
    "point-real": "point",
    "tariff-form": "tariff-form",
    "tenant": "tenant",
    "import-mistakes": "import-mistakes",
    "import-shown": "import-shown",
    "settings-profiles": "profiles",
    "settings-profile": "profile",
}
"""Screenshot -> picture of the guide."""
STORIES = Path("docs/images")
STORY_PICTURES = (
    "story-cashier-twice", "story-month-after", "story-technician", "story-restore-desk", "story-shopkeeper",
)  # fmt: skip
"""Pictures of `docs/stories.md`, by their own names, in Chinese alone."""
LOOKS = {"zh": "zh-CN-light-1280", "en": "en-dark-1280"}


def main() -> int:
    """Copy what there is; how many were missing."""
    missing = 0
    TARGET.mkdir(parents=True, exist_ok=True)
    for made, name in PICTURES.items():
        for language, look in LOOKS.items():
            source = SCREENSHOTS / f"{made}-{look}.png"
            if source.exists():
                shutil.copyfile(source, TARGET / f"{name}-{language}.png")
            else:
                missing += 1
                sys.stderr.write(f"no {source}: run the browser tests first\n")
    for name in STORY_PICTURES:
        source = SCREENSHOTS / f"{name}-{LOOKS['zh']}.png"
        if source.exists():
            shutil.copyfile(source, STORIES / f"{name}.png")
        else:
            missing += 1
            sys.stderr.write(f"no {source}: run the browser tests first\n")
    return missing


if __name__ == "__main__":
    sys.exit(main())
