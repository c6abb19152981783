"""The site's own meter profiles, as a command at the box gets at them: from the running agent, else from its store."""

from edge_agent.agent.offline import stored_config
from edge_agent.bus.packaged import builtin_names, builtin_profile
from edge_agent.config import BoxFile
from edge_agent.console.local_socket import AgentUnreachable, ask
from edge_agent.flows.start_up import NotEnrolled
from edge_agent.ports import StoreFault
from protocol.errors import TheirFault
from protocol.meter_profile.checking import is_board
from protocol.meter_profile.reading import load_profile
from protocol.meter_profile.table import ProfileError
from protocol.meter_profile.values import Profile


def site_profiles(box_file: BoxFile | None) -> tuple[list[Profile], list[str]]:
    """Meter profiles that came with the configuration, and what stands against having them; without a box none."""
    if box_file is None:
        return [], []
    try:
        texts = _texts(box_file)
    except NotEnrolled:
        return [], []
    except (StoreFault, TheirFault) as fault:
        return [], [f"the site's own profiles are not known: {fault}"]
    found, mistakes = [], []
    for name, text in sorted(texts.items()):
        if is_board(text):
            continue
        try:
            found.append(load_profile(text, name))
        except ProfileError as fault:
            mistakes += [f"profile {name} of the site: {mistake}" for mistake in fault.mistakes]
    return found, mistakes


def all_profiles(own: list[Profile]) -> list[Profile]:
    """The site's and those that come with the agent; of one name the site's."""
    names = {profile.name for profile in own}
    return [*own, *(builtin_profile(name) for name in builtin_names() if name not in names)]


def _texts(box_file: BoxFile) -> dict[str, str]:
    try:
        told = ask(box_file.state_dir, "profiles")
    except AgentUnreachable:
        return {text.profile: text.text for text in stored_config(box_file).profiles}
    texts = told.get("profiles", {})
    return {str(name): str(text) for name, text in texts.items()} if isinstance(texts, dict) else {}
