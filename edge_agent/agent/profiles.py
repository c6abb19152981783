"""`edge-agent profile check`: a profile file read as the agent would read it, every mistake named."""

from pathlib import Path

from edge_agent.bus.profile import load_profile
from edge_agent.bus.profile_table import ProfileError


def profile_mistakes(path: Path) -> list[str]:
    """What is wrong with a profile file; empty where it can be used."""
    try:
        load_profile(path.read_text(encoding="utf-8"), path.stem)
    except OSError as fault:
        return [f"{path}: {fault.strerror}; right would be a readable file"]
    except UnicodeDecodeError as fault:
        return [f"{path}: not UTF-8: {fault}"]
    except ProfileError as fault:
        return [str(mistake) for mistake in fault.mistakes]
    return []
