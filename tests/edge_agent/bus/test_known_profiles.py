"""The table of profiles that planning goes by says what the agent's data files say."""

from edge_agent.bus.packaged import builtin_names, builtin_profile
from protocol.known_profiles import KNOWN_PROFILES


def test_the_table_of_known_profiles_is_what_the_agent_brings() -> None:
    brought = [builtin_profile(name) for name in builtin_names()]
    assert [tuple(known) for known in KNOWN_PROFILES] == [
        (name, f"{profile.vendor} {profile.model}", str(profile.grade))
        for name, profile in zip(builtin_names(), brought, strict=True)
    ]
